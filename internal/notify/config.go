package notify

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Config says who is told, and when.
type Config struct {
	GroupWait time.Duration // for which alerts are gathered into the message that opens an incident
	Hold      time.Duration // for which no alert must fire until the incident has ended; 0 is the default
	Email     *Email        // nil for none
	Webhooks  []Webhook
}

// DefaultConfig tells nobody, and has the default times.
func DefaultConfig() Config { return Config{GroupWait: 30 * time.Second, Hold: time.Minute} }

// Email is a mail server and who is written to.
type Email struct {
	Smarthost string       // host:port
	From      string       // address of the sender
	Owners    bool         // write to both owners of the channel
	To        []string     // further addresses, which are also told what is about no channel
	Username  string       // empty for none
	Password  probe.Secret // both or neither
	TLS       string       // one of the constants; empty is TLSImplicit on port 465 and TLSStart on others
	CAFile    string       // PEM file of the authorities of the server's certificate; empty is those of the system
}

// How a connection to a mail server is secured.
const (
	TLSStart    = "starttls" // TLS from STARTTLS on, without which nothing is sent (RFC 3207)
	TLSImplicit = "implicit" // TLS from the first byte on (RFC 8314)
	TLSNone     = "none"     // never with a password
)

// Webhook is an address that messages are posted to.
type Webhook struct {
	URL      probe.Secret // whoever knows it can post
	Channels []string     // whose incidents are told; empty is all, and the agent's own
}

// key names the queue of the webhook, whatever its place in the list. The hooks are those before it.
func (w *Webhook) key(hooks []Webhook) string {
	same := 0
	for _, other := range hooks {
		if other.URL == w.URL {
			same++
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d", w.URL.File, w.URL.Env, same))
	return fmt.Sprintf("webhook/%x", sum[:8])
}
