//go:build !nohistory

package history

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// Requests of the API that need the storage are answered a few at a time, so that they leave the machine to the probes.
const (
	maxRequests = 4
	maxWait     = 10 * time.Second // for a turn
	maxWrite    = 30 * time.Second // for the reader of an answer, which holds its turn meanwhile
)

// ruleSource tells of rules and of who is told of alerts.
type ruleSource interface {
	RuleGroups() []*rules.Group
	AlertingRules() []*rules.AlertingRule
	Alertmanagers() []*url.URL
	DroppedAlertmanagers() []*url.URL
}

// api is the part of Prometheus' HTTP API that reads, so that Grafana, promtool and whatever else reads from a Prometheus
// read from here as well. See https://prometheus.io/docs/prometheus/latest/querying/api/.
type api struct {
	queries  *queries
	families func() []metrics.Family
	ruler    func() ruleSource // nil when there are no rules
	log      *slog.Logger
	turns    turns
	patience time.Duration
	now      func() time.Time
}

func newAPI(q *queries, families func() []metrics.Family, ruler func() ruleSource, log *slog.Logger) *api {
	return &api{
		queries: q, families: families, ruler: ruler, log: log,
		turns: make(turns, maxRequests), patience: maxWait, now: time.Now,
	}
}

// endpoint answers a request. It returns an error or calls answer, not both.
type endpoint func(ctx context.Context, p params, answer answer) error

// answer writes data and what is to be said about it. The data must be valid until it returns only.
type answer func(data func(*jsonWriter), notes notes)

// notes are remarks about an answer.
type notes struct {
	annotations annotations.Annotations
	expr        string // that they are about
}

func (n *notes) truncated() { n.annotations.Add(fmt.Errorf("results truncated due to limit")) }

func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	both := func(path string, e endpoint) {
		mux.Handle("GET "+path, a.handle(a.inTurn(e)))
		mux.Handle("POST "+path, a.handle(a.inTurn(e)))
	}
	both("/api/v1/query", a.query)
	both("/api/v1/query_range", a.queryRange)
	both("/api/v1/query_exemplars", a.exemplars)
	both("/api/v1/format_query", a.formatQuery)
	both("/api/v1/labels", a.labelNames)
	both("/api/v1/series", a.series)
	mux.HandleFunc("GET /api/v1/label/{name}/values", func(w http.ResponseWriter, r *http.Request) {
		a.handle(a.inTurn(a.labelValues(r.PathValue("name")))).ServeHTTP(w, r)
	})
	// The rest needs no storage: slow readers of it keep nobody waiting.
	mux.Handle("GET /api/v1/metadata", a.handle(a.metadata))
	mux.Handle("GET /api/v1/rules", a.handle(a.rules))
	mux.Handle("GET /api/v1/alerts", a.handle(a.alerts))
	mux.Handle("GET /api/v1/alertmanagers", a.handle(a.alertmanagers))
	mux.Handle("GET /api/v1/status/buildinfo", a.handle(a.buildInfo))
	return mux
}

func (a *api) handle(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.serve(w, r, e); err != nil {
			writeError(w, err)
		}
	})
}

func (a *api) serve(w http.ResponseWriter, r *http.Request, e endpoint) error {
	p, err := readParams(w, r)
	if err != nil {
		return err
	}
	return e(r.Context(), p, func(data func(*jsonWriter), n notes) {
		if err := writeAnswer(w, data, n); err != nil {
			a.log.Debug("writing an answer", "path", r.URL.Path, "error", err)
		}
	})
}

// inTurn returns an endpoint that waits for its turn, and then ends in time.
func (a *api) inTurn(e endpoint) endpoint {
	return func(ctx context.Context, p params, answer answer) error {
		limit := maxTime
		if wanted, err := p.duration("timeout"); err != nil {
			return err
		} else if p.Has("timeout") && wanted < limit {
			limit = wanted
		}
		done, err := a.turns.take(ctx, a.patience)
		if err != nil {
			return err
		}
		defer done()
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return e(ctx, p, answer)
	}
}

func writeAnswer(w http.ResponseWriter, data func(*jsonWriter), n notes) error {
	// A listener that cannot do this, as in tests, has a deadline of its own.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(maxWrite))
	w.Header().Set("Content-Type", "application/json")
	j := newJSONWriter(w)
	j.raw(`{"status":"success","data":`)
	data(j)
	warnings, infos := n.annotations.AsStrings(n.expr, 10, 10)
	if len(warnings) > 0 {
		j.raw(`,"warnings":`)
		j.strings(warnings)
	}
	if len(infos) > 0 {
		j.raw(`,"infos":`)
		j.strings(infos)
	}
	j.raw("}")
	j.flush()
	return j.err
}

func writeError(w http.ResponseWriter, err error) {
	kind := kindOf(err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(kind.status())
	j := newJSONWriter(w)
	j.raw(`{"status":"error","errorType":`)
	j.string(string(kind))
	j.raw(`,"error":`)
	j.string(err.Error())
	j.raw("}")
	j.flush()
}

// selectors are what the look-ups of labels and series ask for.
type selectors struct {
	from, to int64
	sets     [][]*labels.Matcher
	limit    int
}

func (p params) selectors(of parser.Parser) (s selectors, err error) {
	if s.limit, err = p.limit(); err != nil {
		return s, err
	}
	if s.from, s.to, err = p.between(); err != nil {
		return s, err
	}
	s.sets, err = p.matchers(of)
	return s, err
}

// lookUp lends a querier of the storage to a function, which must keep nothing of it.
func (a *api) lookUp(ctx context.Context, s selectors, f func(context.Context, storage.Querier) error) error {
	during, storage, release, err := a.queries.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	during, settle := a.queries.budget.watch(during)
	defer settle()
	q, err := storage.Querier(s.from, s.to)
	if err == nil {
		err = f(during, q)
		_ = q.Close() // read only
	}
	if err != nil {
		return a.queries.because(ctx, during, err, true)
	}
	return nil
}
