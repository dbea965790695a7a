// Package httpx is the one place that knows HTTP clients: a resty client over a transport that is made for probing.
//
// The transport makes one connection for one exchange and closes it: no pool, no resumed session, no background
// goroutine but a lookup that was given up and is about to end, so that every probe pays what a new customer pays and
// every phase has an exact clock. HTTP/3 goes by a library for QUIC, which makes one handshake of connection and keys: the
// phase TLS alone; its goroutines end with the exchange. Everything that a server sends is capped, every wait ends at the
// deadline, and each failure is exactly one of probe's shared reasons. Hold alone leaves its connection open behind the
// header, for whoever listens to a stream as customers' devices do, and owns it from then on.
// Redirects, cookies set on the way, content encodings, TLS facts, the policy on resolved addresses and the redaction of
// evidence live here too, so that they hold for all kinds.
//
// It may import probe, resty and libraries for HTTP/2, QUIC and content encodings. It does not rate, check contents, retry,
// or know any kind.
package httpx

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/go-resty/resty/v2"
)

// Client makes HTTP exchanges for one touchpoint. It is immutable and safe for concurrent use; it holds no connection,
// so there is nothing to close.
type Client struct {
	*core

	lastURL   atomic.Pointer[parsedURL]
	lastValid atomic.Pointer[Request] // whose header is known to be valid
	lastCert  atomic.Pointer[chainFacts]
}

// New checks the options and returns a client that has nothing in common with others. All mistakes are reported at once.
func New(opts Options) (*Client, error) { return new(Common).New(opts) }

// Common makes clients that share what they can, because there can be tens of thousands. Clients with equal options,
// contents of files included, have everything in common but what they remember of their own URL; all use the same
// memory for their exchanges, one after the other. The zero value is ready. It is safe for concurrent use.
type Common struct {
	mu      sync.Mutex
	cores   map[string]*core // by signature of the options
	buffers sync.Pool        // of *buffers
}

// New checks the options and returns a client. All mistakes are reported at once.
func (c *Common) New(opts Options) (*Client, error) {
	signature := opts.signature()
	c.mu.Lock()
	defer c.mu.Unlock()
	shared := c.cores[signature]
	if shared == nil {
		var err error
		if shared, err = newCore(opts, &c.buffers); err != nil {
			return nil, err
		}
		if c.cores == nil {
			c.cores = make(map[string]*core)
		}
		c.cores[signature] = shared
	}
	return &Client{core: shared}, nil
}

// Sibling returns a client with the same options that remembers the URL and the certificates of its own requests, for
// those who make several requests in turn.
func (c *Client) Sibling() *Client { return &Client{core: c.core} }

// core is what clients with equal options share. It is immutable.
type core struct {
	opts     Options
	resty    *resty.Client
	resolver Resolver
	dialer   net.Dialer
	tls      tlsSettings
	header   http.Header    // sent with every request; never changed
	fields   []string       // response header fields that evidence keeps
	reserved []scopedPrefix // ranges of addresses that the policy knows
	buffers  *sync.Pool     // of *buffers
}

func newCore(opts Options, buffers *sync.Pool) (*core, error) {
	opts = opts.withDefaults()
	settings, err := newTLSSettings(opts.TLS, opts.Protocols)
	if err = errors.Join(err, opts.validate()); err != nil {
		return nil, err
	}
	c := &core{opts: opts, tls: settings, resolver: Resolver{Server: opts.Resolver}, buffers: buffers}
	c.header = opts.baseHeader()
	c.fields = evidenceFields()
	c.reserved = reserved()
	c.dialer.KeepAlive = -1 // one exchange is too short for keep-alive probes: three system calls less
	c.resty = resty.NewWithClient(&http.Client{
		Transport:     transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	c.resty.SetLogger(silent{})
	c.resty.SetPreRequestHook(prepare())
	return c, nil
}

// silent keeps resty from writing to standard error: whatever went wrong is in the Response.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
