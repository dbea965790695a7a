package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// webhook posts messages to one address. It is immutable.
type webhook struct {
	conf    Webhook
	version string
	form    form
	client  *http.Client
}

func newWebhook(conf Webhook, version string, f form) *webhook {
	return &webhook{conf: conf, version: version, form: f, client: &http.Client{
		Timeout: webhookTimeout,
		// Messages are rare: a connection that is kept would be gone by the next.
		Transport: &http.Transport{
			DisableKeepAlives: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
			DialContext: (&net.Dialer{}).DialContext, TLSHandshakeTimeout: webhookTimeout,
		},
		// What the address leads to is not who was meant to be told.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// webhookTimeout is for the whole of one try.
const webhookTimeout = 20 * time.Second

func (w *webhook) wants(n *notice) bool {
	return len(w.conf.Channels) == 0 || slices.Contains(w.conf.Channels, n.Group.Channel)
}

// send posts a message.
func (w *webhook) send(ctx context.Context, n *notice, late bool, _ []string) outcome {
	target, err := readURL(w.conf.URL)
	if err != nil {
		return outcome{err: fmt.Errorf("reading the address of the webhook: %w", err)}
	}
	o := w.post(ctx, target, n, late)
	if o.err != nil {
		o.err = errors.New(line(hidden(target).Text(probe.Clip(o.err.Error(), mostReply)), mostReply))
	}
	return o
}

func (w *webhook) post(ctx context.Context, target *url.URL, n *notice, late bool) outcome {
	body, err := json.Marshal(newPayload(w.form, n, late))
	if err != nil {
		return outcome{err: err, permanent: true}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(body))
	if err != nil {
		return outcome{err: errors.New("the address of the webhook makes no request"), permanent: true}
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", agent(w.version))
	response, err := w.client.Do(request)
	if err != nil {
		if unwrapped := new(url.Error); errors.As(err, &unwrapped) {
			err = unwrapped.Err // without the address
		}
		return outcome{err: fmt.Errorf("posting to the webhook: %w", err)}
	}
	defer func() { _ = response.Body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(response.Body, mostReply)) // the status says what counts
	if response.StatusCode/100 == 2 {
		return outcome{reached: true}
	}
	return outcome{
		err:       fmt.Errorf("webhook answered %d, want 2xx: %q", response.StatusCode, said),
		permanent: !passing(response.StatusCode),
		after:     retryAfter(response.Header.Get("Retry-After"), time.Now()),
	}
}

// passing reports whether a status says that another try can do better.
func passing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// retryAfter reads how long a server wants to be left alone (RFC 9110 section 10.2.3); 0 when it does not say.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// hidden hides an address, and all parts of it that can be a token.
func hidden(u *url.URL) probe.Redaction {
	parts := []string{u.String(), u.RequestURI(), u.EscapedPath(), u.Path, u.RawQuery, u.Fragment}
	if password, ok := u.User.Password(); ok {
		parts = append(parts, password, u.User.String())
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if len(segment) >= leastToken {
			parts = append(parts, segment)
		}
	}
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	return probe.NewRedaction(parts...)
}

// leastToken is how many bytes a part of a path has at least to be hidden on its own: fewer are words such as "hooks".
const leastToken = 8
