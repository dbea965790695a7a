//go:build !nohistory

package history

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
)

func failure(kind, text string) string {
	return fmt.Sprintf(`{"status":"error","errorType":%q,"error":%q}`, kind, text)
}

func TestAPI_Errors(t *testing.T) {
	t.Parallel()
	server := serveAPI(t, newTestAPI(loaded(t, shopSamples)))
	for _, test := range []struct {
		name, target string
		form         url.Values
		status       int
		want         string
	}{
		{
			"not PromQL", "/api/v1/query",
			url.Values{"query": {"sum("}},
			400,
			failure("bad_data", `invalid parameter "query": 1:5: parse error: unclosed left parenthesis`),
		},
		{
			"series that do not match", "/api/v1/query?query=score*on(job)probes_total&time=15", nil, 422,
			failure("execution", "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"),
		},
		{
			"out of time", "/api/v1/query?query=score&timeout=0", nil, 503,
			failure("timeout", "query timed out in query execution"),
		},
		{
			"negative timeout", "/api/v1/query?query=score&timeout=-1s", nil, 400,
			failure("bad_data", `invalid parameter "timeout": cannot parse "-1s" to a valid duration`),
		},
		{
			"hostile", "/api/v1/query?query=" + url.QueryEscape("sum_over_time(vector(1)[100y:1ms])"), nil, 400,
			failure("bad_data", `invalid parameter "query": subquery of 3153600000000 steps, want at most 500000`),
		},
		{
			"time beyond reckoning", "/api/v1/query?query=score&time=1e300", nil, 400,
			failure("bad_data", `invalid parameter "time": invalid time value for 'time': cannot parse "1e300" to a valid timestamp`),
		},
		{
			"time that is none", "/api/v1/query?query=score&time=NaN", nil, 400,
			failure("bad_data", `invalid parameter "time": invalid time value for 'time': cannot parse "NaN" to a valid timestamp`),
		},
		{
			"range that overflows", "/api/v1/query_range?query=score&start=-9e9&end=9e9&step=1y", nil, 200,
			`{"status":"success","data":{"resultType":"matrix","result":[]}}`,
		},
		{
			"step that is none", "/api/v1/query_range?query=score&start=0&end=1&step=NaN", nil, 400,
			failure("bad_data", `invalid parameter "step": cannot parse "NaN" to a valid duration. It overflows int64`),
		},
		{
			"step too short", "/api/v1/query_range?query=score&start=0&end=0.001&step=0.0000001", nil, 400,
			failure("bad_data", `invalid parameter "step": step is 100ns, want at least 1ms`),
		},
		{
			"limit that is none", "/api/v1/labels?limit=few", nil, 400,
			failure("bad_data", `invalid parameter "limit": strconv.Atoi: parsing "few": invalid syntax`),
		},
		{
			"negative limit", "/api/v1/series?match[]=score&limit=-1", nil, 400,
			failure("bad_data", `invalid parameter "limit": limit must be non-negative`),
		},
		{
			"look-back that is none", "/api/v1/query?query=score&lookback_delta=x", nil, 400,
			failure("bad_data", `invalid parameter "lookback_delta": cannot parse "x" to a valid duration`),
		},
		{
			"everything", "/api/v1/label/channel/values?match[]=%7B%7D", nil, 400,
			failure("bad_data", `invalid parameter "match[]": match[] must contain at least one non-empty matcher`),
		},
		{
			"exemplars backwards", "/api/v1/query_exemplars?query=score&start=2&end=1", nil, 400,
			failure("bad_data", "end timestamp must not be before start timestamp"),
		},
		{
			"exemplars of what is not PromQL", "/api/v1/query_exemplars?query=sum(", nil, 400,
			failure("bad_data", "1:5: parse error: unclosed left parenthesis"),
		},
		{
			"rules of an unknown type", "/api/v1/rules?type=good", nil, 400,
			failure("bad_data", `invalid parameter "type": not supported value "good"`),
		},
		{
			"address that is wrongly escaped", "/api/v1/query?query=%25zz%zz", nil, 400,
			failure("bad_data", `parsing form values: invalid URL escape "%zz"`),
		},
		{
			"form without end", "/api/v1/query",
			url.Values{"query": {strings.Repeat("1", maxForm)}},
			400,
			failure("bad_data", "parsing form values: http: request body too large"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := ask(t, server, test.target, test.form)
			if got.status != test.status {
				t.Errorf("status %d, want %d", got.status, test.status)
			}
			if kind := got.header.Get("Content-Type"); kind != "application/json" {
				t.Errorf("content type %q, want application/json", kind)
			}
			if diff := cmp.Diff(test.want, got.body); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// A store that is not open says so to whatever needs it; what does not need it is answered.
func TestAPI_NotReady(t *testing.T) {
	t.Parallel()
	server := serveAPI(t, newTestAPI(func(context.Context) (context.Context, storage.Queryable, func(), error) {
		return nil, nil, nil, fmt.Errorf("%w: it reads what was written before", ErrNotReady)
	}))
	for _, target := range []string{
		"/api/v1/query?query=1%2B1", "/api/v1/query_range?query=1&start=0&end=1&step=1",
		"/api/v1/labels", "/api/v1/label/job/values", "/api/v1/series?match[]=up",
	} {
		got := ask(t, server, target, nil)
		want := failure("unavailable", "history is not open yet: it reads what was written before")
		if got.status != http.StatusServiceUnavailable || got.body != want {
			t.Errorf("%s: %d %s, want 503 %s", target, got.status, got.body, want)
		}
	}
	for _, target := range []string{"/api/v1/status/buildinfo", "/api/v1/metadata", "/api/v1/rules", "/api/v1/format_query?query=up"} {
		if got := ask(t, server, target, nil); got.status != http.StatusOK {
			t.Errorf("%s: %d %s, want 200", target, got.status, got.body)
		}
	}
}

// No more than four requests are worked on at one time. Others wait for a while, and are then sent away.
func TestAPI_Concurrency(t *testing.T) {
	t.Parallel()
	began := make(chan struct{}, 10)
	ctx, finish := context.WithCancel(t.Context())
	a := newTestAPI(func(context.Context) (context.Context, storage.Queryable, func(), error) {
		return ctx, stuck{began: func() { began <- struct{}{} }}, func() {}, nil
	})
	a.patience = 50 * time.Millisecond
	server := serveAPI(t, a)
	ended := make(chan answered, maxRequests)
	for i := range maxRequests {
		target := "/api/v1/query?query=score"
		if i%2 == 0 {
			target = "/api/v1/label/job/values"
		}
		go func() { ended <- ask(t, server, target, nil) }()
	}
	for range maxRequests {
		<-began
	}
	got := ask(t, server, "/api/v1/query?query=score", nil)
	if want := failure("unavailable", "4 queries are running; none ended within 50ms"); got.status != 503 || got.body != want {
		t.Errorf("the fifth: %d %s, want 503 %s", got.status, got.body, want)
	}
	if got := len(began); got != 0 {
		t.Errorf("%d more began, want none", got)
	}
	for _, path := range []string{"status/buildinfo", "metadata", "rules", "alerts", "alertmanagers"} {
		if got := ask(t, server, "/api/v1/"+path, nil); got.status != 200 {
			t.Errorf("%s, which needs no storage: %d %s, want 200", path, got.status, got.body)
		}
	}
	finish()
	for range maxRequests {
		if got := <-ended; got.status != 503 || got.body != failure("unavailable", "history is not open yet: it closed while the query ran") {
			t.Errorf("one whose storage closed: %d %s, want 503", got.status, got.body)
		}
	}
	if got := ask(t, server, "/api/v1/status/buildinfo", nil); got.status != 200 {
		t.Errorf("when they have ended: %d, want 200", got.status)
	}
}

// A client that goes away ends its query and makes room.
func TestAPI_ClientGone(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	a := newTestAPI(lend(stuck{began: leave}))
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/query?query=score", nil)
	answer := httptest.NewRecorder()
	a.handler().ServeHTTP(answer, request)
	if answer.Code != statusClientClosed || !strings.Contains(answer.Body.String(), `"errorType":"canceled"`) {
		t.Errorf("%d %s, want 499 and canceled", answer.Code, answer.Body)
	}
	if len(a.turns) != 0 {
		t.Errorf("%d turns are taken, want none", len(a.turns))
	}
}

// A client may want an answer sooner than within half a minute, but never later.
func TestAPI_Timeout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		timeout string
		longest time.Duration
	}{{"", maxTime}, {"5", 5 * time.Second}, {"250ms", 250 * time.Millisecond}, {"1h", maxTime}} {
		var until time.Time
		a := newTestAPI(func(ctx context.Context) (context.Context, storage.Queryable, func(), error) {
			until, _ = ctx.Deadline()
			return nil, nil, nil, errors.New("seen enough")
		})
		target := "/api/v1/query?query=score"
		if test.timeout != "" {
			target += "&timeout=" + test.timeout
		}
		before := time.Now()
		a.handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
		if until.Before(before.Add(test.longest)) || until.After(time.Now().Add(test.longest)) {
			t.Errorf("timeout %q: ends after %v, want %v", test.timeout, until.Sub(before), test.longest)
		}
	}
}

// A large answer is written in pieces, and its reader may leave in the middle.
func TestAPI_ReaderLeaves(t *testing.T) {
	t.Parallel()
	st := promqltest.LoadedStorage(t, "load 1m\n  score{channel=\"shop\"} 0+1.5x10000")
	a := newTestAPI(lend(st))
	const target = "/api/v1/query_range?query=score&start=0&end=600000&step=60"
	all := &pieces{ResponseRecorder: httptest.NewRecorder(), accept: 1000}
	a.handler().ServeHTTP(all, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	if size := all.Body.Len(); size < 2*piece || all.largest > 2*piece || all.writes < 3 {
		t.Fatalf("%d bytes in %d writes of at most %d, want pieces of %d", size, all.writes, all.largest, piece)
	}
	some := &pieces{ResponseRecorder: httptest.NewRecorder(), accept: 1}
	a.handler().ServeHTTP(some, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	if some.writes != 2 {
		t.Errorf("%d writes when the second fails, want 2", some.writes)
	}
}

// pieces counts writes, and fails after so many.
type pieces struct {
	*httptest.ResponseRecorder
	accept, writes, largest int
}

func (p *pieces) Write(b []byte) (int, error) {
	if p.writes++; p.writes > p.accept {
		return 0, errors.New("the reader has left")
	}
	p.largest = max(p.largest, len(b))
	return p.ResponseRecorder.Write(b)
}
