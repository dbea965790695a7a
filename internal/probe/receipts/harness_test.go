package receipts_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/receipts"
	"github.com/channelwatch/channelwatch/internal/quality"
)

const token = "the-sender-of-the-shop-1234"

// desk is a touchpoint, and the listener that senders and devices tell things to.
type desk struct {
	probe.Built
	t      testing.TB
	kind   probe.Kind
	server *ledger.Server
}

// newDesk builds a touchpoint with changes to its configuration.
func newDesk(tb testing.TB, change func(*receipts.Config)) *desk {
	tb.Helper()
	book := ledger.New()
	server, err := ledger.NewServer(ledger.Options{Ledger: book})
	if err != nil {
		tb.Fatal(err)
	}
	d := &desk{t: tb, kind: receipts.Kind(book), server: server}
	d.Built = d.build(change)
	return d
}

// build builds one more touchpoint at the same listener.
func (d *desk) build(change func(*receipts.Config)) probe.Built {
	d.t.Helper()
	built, err := d.kind.Build(config(d.t, d.kind, change), setup())
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(built.Close)
	return built
}

func config(tb testing.TB, kind probe.Kind, change func(*receipts.Config)) *receipts.Config {
	tb.Helper()
	c := kind.NewConfig(probe.MobileApp).(*receipts.Config)
	c.Token.File = filepath.Join(tb.TempDir(), "token")
	if err := os.WriteFile(c.Token.File, []byte(token+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	if change != nil {
		change(c)
	}
	return c
}

func setup() probe.Setup {
	return probe.Setup{
		Channel: "app", Touchpoint: "orders", Type: probe.MobileApp, Every: time.Minute, Timeout: 5 * time.Second,
		Receipts: "https://receipts.shop.example",
	}
}

// post sends a request and wants the answer that everybody gets.
func (d *desk) post(path, body, authorization string) {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	d.server.ServeHTTP(w, r)
	if w.Code != http.StatusNoContent || w.Body.Len() > 0 {
		d.t.Fatalf("%s is answered %d with %d bytes, want 204 with none", path, w.Code, w.Body.Len())
	}
}

func id(n int) string { return fmt.Sprintf("message-of-the-shop-%06d", n) }

func (d *desk) sent(n int) { d.post("/v1/sent", fmt.Sprintf(`{"id":%q}`, id(n)), "Bearer "+token) }

func (d *desk) arrived(n int) { d.post("/v1/receipts/"+id(n), "", "") }

func (d *desk) beat() { d.post("/v1/heartbeat", "", "Bearer "+token) }

func (d *desk) probe() probe.Result {
	d.t.Helper()
	result, err := d.Prober.Probe(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return result
}

// rate rates a result by the limits of the touchpoint.
func (d *desk) rate(result *probe.Result) quality.Verdict {
	d.t.Helper()
	catalogue, err := probe.NewCatalogue([]probe.Kind{d.kind})
	if err != nil {
		d.t.Fatal(err)
	}
	limits := d.kind.Limits(probe.MobileApp)
	if d.Profile.Limits != (probe.Limits{}) {
		limits = d.Profile.Limits
	}
	return quality.Rate(catalogue, limits, result)
}

// measured returns the sum of the measurements of a metric with a label, and how many there are.
func measured(result *probe.Result, metric, label string) (sum float64, n int) {
	for _, m := range result.Measurements {
		if m.Metric == metric && m.Label == label {
			sum, n = sum+m.Value, n+1
		}
	}
	return sum, n
}

// ends are how messages ended, as the counter says, and heartbeats, as the evidence does.
type ends struct{ delivered, late, lost float64 }

func endsOf(result *probe.Result) ends {
	var e ends
	const beats = "since the last probe %g heartbeats came on time and %g late, and %g did not come"
	if n, _ := fmt.Sscanf(result.Evidence.Events[0].Text, beats, &e.delivered, &e.late, &e.lost); n > 0 {
		return e
	}
	e.delivered, _ = measured(result, "push_messages_total", "delivered")
	e.late, _ = measured(result, "push_messages_total", "late")
	e.lost, _ = measured(result, "push_messages_total", "lost")
	return e
}
