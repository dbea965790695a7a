//go:build !nohistory

package history

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// shopSamples are of one minute from the epoch on.
const shopSamples = `
load 15s
  score{channel="shop",job="channelwatch"}          80 90 100 NaN Inf
  score{channel="mail",job="channelwatch"}          -Inf 0.5 1e-7 1e21 stale
  probes_total{channel="shop",job="channelwatch"}   0+3x4
  says{text="a \"b\" <c> é\n"}                     1+0x4
  took{channel="shop"}                              {{schema:0 sum:5 count:4 buckets:[1 2 1]}}x4
`

// lend returns an acquirer of a storage that is always open.
func lend(s storage.Queryable) acquirer {
	return func(ctx context.Context) (context.Context, storage.Queryable, func(), error) {
		return ctx, s, func() {}, nil
	}
}

func noRules() ruleSource { return nil }

func someFamilies() []metrics.Family {
	return []metrics.Family{
		{Name: "score", Type: metrics.Gauge, Help: "How good a channel is."},
		{Name: "probes_total", Type: metrics.Counter, Help: "Probes."},
		{Name: "took", Type: metrics.Histogram, Unit: "seconds", Help: "How long \"probes\" took."},
	}
}

// newTestAPI returns an API over a storage, which believes that it is one minute after the epoch.
func newTestAPI(acquire acquirer) *api {
	log := slog.New(slog.DiscardHandler)
	a := newAPI(newQueries(log, acquire, nil), someFamilies, noRules, log)
	a.now = func() time.Time { return time.Unix(60, 0) }
	return a
}

func loaded(tb testing.TB, samples string) acquirer {
	tb.Helper()
	return lend(promqltest.LoadedStorage(tb, samples))
}

// answered is what a server answered to a request.
type answered struct {
	status int
	body   string
	header http.Header
}

// ask sends a request as a client does. A form makes it a POST.
func ask(tb testing.TB, server, target string, form url.Values) answered {
	tb.Helper()
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(tb.Context(), method, server+target, body)
	if err != nil {
		tb.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := new(http.Client).Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		tb.Fatalf("reading the answer to %s: %v", target, err)
	}
	return answered{response.StatusCode, string(text), response.Header}
}

// serveAPI returns the address of a server of an API.
func serveAPI(tb testing.TB, a *api) string {
	tb.Helper()
	server := httptest.NewServer(a.handler())
	tb.Cleanup(server.Close)
	return server.URL
}

// The requests are those that the Prometheus data source of Grafana 9 to 12 sends: with POST and a form for queries, which
// is its default, with GET where the API of Prometheus knows nothing else.
func TestAPI_Grafana(t *testing.T) {
	t.Parallel()
	server := serveAPI(t, newTestAPI(loaded(t, shopSamples)))
	success := func(data string) string { return `{"status":"success","data":` + data + `}` }
	const mail, shop = `"__name__":"score","channel":"mail","job":"channelwatch"`, `"__name__":"score","channel":"shop","job":"channelwatch"`
	for _, test := range []struct {
		name, target string
		form         url.Values // of a POST
		want         string
	}{
		{
			"health check", "/api/v1/query",
			url.Values{"query": {"1+1"}, "time": {"4"}},
			success(`{"resultType":"scalar","result":[4,"2"]}`),
		},
		{
			"panel over a time range", "/api/v1/query_range",
			url.Values{"query": {"score"}, "start": {"0"}, "end": {"60"}, "step": {"15"}, "timeout": {"60s"}},
			success(`{"resultType":"matrix","result":[` +
				`{"metric":{` + mail + `},"values":[[0,"-Inf"],[15,"0.5"],[30,"1e-07"],[45,"1e+21"]]},` +
				`{"metric":{` + shop + `},"values":[[0,"80"],[15,"90"],[30,"100"],[45,"NaN"],[60,"+Inf"]]}]}`),
		},
		{
			"panel with fractions of a second", "/api/v1/query_range",
			url.Values{"query": {`score{channel="shop"}`}, "start": {"0.05"}, "end": {"1"}, "step": {"0.5"}},
			success(`{"resultType":"matrix","result":[{"metric":{` + shop + `},"values":[[0.050,"80"],[0.550,"80"]]}]}`),
		},
		{
			"rate of a panel", "/api/v1/query_range",
			url.Values{"query": {"sum by (channel) (rate(probes_total[1m]))"}, "start": {"60"}, "end": {"60"}, "step": {"15"}},
			success(`{"resultType":"matrix","result":[{"metric":{"channel":"shop"},"values":[[60,"0.19999999999999998"]]}]}`),
		},
		{
			"table at one time", "/api/v1/query",
			url.Values{"query": {"score > 0"}, "time": {"15"}},
			success(`{"resultType":"vector","result":[{"metric":{` + shop + `},"value":[15,"90"]},{"metric":{` + mail + `},"value":[15,"0.5"]}]}`),
		},
		{
			"heat map of a native histogram", "/api/v1/query",
			url.Values{"query": {"took"}, "time": {"60"}},
			success(`{"resultType":"vector","result":[{"metric":{"__name__":"took","channel":"shop"},"histogram":[60,` +
				`{"count":"4","sum":"5","buckets":[[0,"0.5","1","1"],[0,"1","2","2"],[0,"2","4","1"]]}]}]}`),
		},
		{
			"heat map over a time range", "/api/v1/query_range",
			url.Values{"query": {"took"}, "start": {"45"}, "end": {"60"}, "step": {"15"}},
			success(`{"resultType":"matrix","result":[{"metric":{"__name__":"took","channel":"shop"},"histograms":[` +
				`[45,{"count":"4","sum":"5","buckets":[[0,"0.5","1","1"],[0,"1","2","2"],[0,"2","4","1"]]}],` +
				`[60,{"count":"4","sum":"5","buckets":[[0,"0.5","1","1"],[0,"1","2","2"],[0,"2","4","1"]]}]]}]}`),
		},
		{
			"explore, raw samples", "/api/v1/query",
			url.Values{"query": {`probes_total[30s]`}, "time": {"60"}},
			success(`{"resultType":"matrix","result":[{"metric":{"__name__":"probes_total","channel":"shop","job":"channelwatch"},` +
				`"values":[[45,"9"],[60,"12"]]}]}`),
		},
		{
			"text that JSON escapes", "/api/v1/query",
			url.Values{"query": {"says"}, "time": {"60"}},
			success(`{"resultType":"vector","result":[{"metric":{"__name__":"says","text":"a \"b\" \u003cc\u003e é\n"},"value":[60,"1"]}]}`),
		},
		{
			"nothing found", "/api/v1/query",
			url.Values{"query": {"gone"}, "time": {"60"}},
			success(`{"resultType":"vector","result":[]}`),
		},
		{
			"nothing found over a time range", "/api/v1/query_range",
			url.Values{"query": {"gone"}, "start": {"0"}, "end": {"60"}, "step": {"15"}},
			success(`{"resultType":"matrix","result":[]}`),
		},
		{"text", "/api/v1/query", url.Values{"query": {`"yes"`}, "time": {"60.5"}}, success(`{"resultType":"string","result":[60.500,"yes"]}`)},
		{
			"remark about a query", "/api/v1/query",
			url.Values{"query": {`rate(score{channel="shop"}[30s])`}, "time": {"30"}},
			`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"channel":"shop","job":"channelwatch"},"value":[30,"0.6666666666666666"]}]},` +
				`"infos":["PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"score\" (1:6)"]}`,
		},
		{
			"warning about a query", "/api/v1/query",
			url.Values{"query": {`quantile(7, score{channel="shop"})`}, "time": {"15"}},
			`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[15,"+Inf"]}]},` +
				`"warnings":["PromQL warning: quantile value should be between 0 and 1, got 7 (1:10)"]}`,
		},
		{
			"variable: names of metrics", "/api/v1/label/__name__/values?start=0&end=60&limit=40000", nil,
			success(`["probes_total","says","score","took"]`),
		},
		{
			"variable: label_values(score, channel)", "/api/v1/label/channel/values?match%5B%5D=score&start=0&end=60", nil,
			success(`["mail","shop"]`),
		},
		{
			"variable: label_values(score{…}, channel)", `/api/v1/label/channel/values?match%5B%5D=score%7Bchannel%3D~%22sh.*%22%7D&start=0&end=60`, nil,
			success(`["shop"]`),
		},
		{
			"variable: label_values of any of two metrics", "/api/v1/label/channel/values?match%5B%5D=score&match%5B%5D=took", nil,
			success(`["mail","shop"]`),
		},
		{"variable: label_values of an unknown metric", "/api/v1/label/channel/values?match%5B%5D=gone&start=0&end=60", nil, success(`[]`)},
		{"variable: label_values in another time", "/api/v1/label/channel/values?match%5B%5D=score&start=90000&end=90060", nil, success(`[]`)},
		{"variable: label of any characters", "/api/v1/label/U__a_2e_b/values", nil, success(`[]`)},
		{
			"variable: values, cut", "/api/v1/label/channel/values?limit=1", nil,
			`{"status":"success","data":["mail"],"warnings":["results truncated due to limit"]}`,
		},
		{
			"variable: names of metrics, cut", "/api/v1/label/__name__/values?limit=2", nil,
			`{"status":"success","data":["probes_total","says"],"warnings":["results truncated due to limit"]}`,
		},
		{
			"query builder: labels of a metric", "/api/v1/labels",
			url.Values{"match[]": {"score"}, "start": {"0"}, "end": {"60"}},
			success(`["__name__","channel","job"]`),
		},
		{"query builder: all labels", "/api/v1/labels?start=0&end=60", nil, success(`["__name__","channel","job","text"]`)},
		{"query builder: labels of two metrics", "/api/v1/labels?match[]=says&match[]=took", nil, success(`["__name__","channel","text"]`)},
		{
			"query builder: labels, cut", "/api/v1/labels?limit=2", nil,
			`{"status":"success","data":["__name__","channel"],"warnings":["results truncated due to limit"]}`,
		},
		{
			"metrics browser: series", "/api/v1/series",
			url.Values{"match[]": {`{__name__="score"}`}, "start": {"0"}, "end": {"60"}, "limit": {"40000"}},
			success(`[{` + mail + `},{` + shop + `}]`),
		},
		{
			"metrics browser: series of two selectors, each once", "/api/v1/series?match[]=score&match[]=%7Bchannel%3D%22mail%22%7D&start=0&end=60", nil,
			success(`[{` + mail + `},{` + shop + `}]`),
		},
		{"metrics browser: no series", "/api/v1/series?match[]=gone", nil, success(`[]`)},
		{
			"metrics browser: series, cut", "/api/v1/series",
			url.Values{"match[]": {"score"}, "limit": {"1"}},
			`{"status":"success","data":[{` + mail + `}],"warnings":["results truncated due to limit"]}`,
		},
		{
			"result, cut", "/api/v1/query?query=sort_desc(score)&time=15&limit=1", nil,
			`{"status":"success","data":{"resultType":"vector","result":[{"metric":{` + shop + `},"value":[15,"90"]}]},"warnings":["results truncated due to limit"]}`,
		},
		{
			"result over a time range, cut", "/api/v1/query_range?query=score&start=15&end=15&step=1&limit=1", nil,
			`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{` + mail + `},"values":[[15,"0.5"]]}]},"warnings":["results truncated due to limit"]}`,
		},
		{
			"metadata", "/api/v1/metadata?limit=2000", nil,
			success(`{"probes_total":[{"type":"counter","unit":"","help":"Probes."}],"score":[{"type":"gauge","unit":"","help":"How good a channel is."}],` +
				`"took":[{"type":"histogram","unit":"seconds","help":"How long \"probes\" took."}]}`),
		},
		{"metadata, cut", "/api/v1/metadata?limit=1", nil, success(`{"probes_total":[{"type":"counter","unit":"","help":"Probes."}]}`)},
		{"metadata of a metric", "/api/v1/metadata?metric=score", nil, success(`{"score":[{"type":"gauge","unit":"","help":"How good a channel is."}]}`)},
		{"metadata of an unknown metric", "/api/v1/metadata?metric=gone", nil, success(`{}`)},
		{
			"exemplars of a panel", "/api/v1/query_exemplars",
			url.Values{"query": {"took"}, "start": {"0"}, "end": {"60"}},
			success(`[]`),
		},
		{
			"version", "/api/v1/status/buildinfo", nil,
			success(`{"version":"3.13.5","revision":"","branch":"","buildUser":"channelwatch","buildDate":"","goVersion":"` + runtime.Version() + `"}`),
		},
		{"alerting page: rules without rules", "/api/v1/rules", nil, success(`{"groups":[]}`)},
		{"alerting page: alerts without rules", "/api/v1/alerts", nil, success(`{"alerts":[]}`)},
		{"alerting page: no Alertmanager", "/api/v1/alertmanagers", nil, success(`{"activeAlertmanagers":[],"droppedAlertmanagers":[]}`)},
		{"tidy an expression", "/api/v1/format_query?query=sum(score)by(job)", nil, success(`"sum by (job) (score)"`)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := ask(t, server, test.target, test.form)
			if got.status != http.StatusOK {
				t.Errorf("status %d, want 200", got.status)
			}
			if kind := got.header.Get("Content-Type"); kind != "application/json" {
				t.Errorf("content type %q, want application/json", kind)
			}
			if diff := cmp.Diff(inOrder(t, test.want), inOrder(t, got.body)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if !json.Valid([]byte(got.body)) {
				t.Error("the answer is not JSON")
			}
		})
	}
}

// inOrder returns an answer with the series of a vector, which has no order, in one. Any other answer stays to the byte.
func inOrder(t *testing.T, body string) string {
	t.Helper()
	head, rest, isVector := strings.Cut(body, `"resultType":"vector","result":[`)
	list, tail, whole := strings.Cut(rest, "]}}")
	if !isVector || !whole {
		return body
	}
	series := strings.SplitAfter(list, "]},")
	for i := range series {
		series[i] = strings.TrimSuffix(series[i], ",")
	}
	slices.Sort(series)
	return head + strings.Join(series, ",") + tail
}

// What may be asked with a form may be asked with an address, and the other way round.
func TestAPI_GetAndPostAreTheSame(t *testing.T) {
	t.Parallel()
	server := serveAPI(t, newTestAPI(loaded(t, shopSamples)))
	for path, form := range map[string]url.Values{
		"/api/v1/query":           {"query": {"score"}, "time": {"15"}},
		"/api/v1/query_range":     {"query": {"score"}, "start": {"0"}, "end": {"60"}, "step": {"15s"}},
		"/api/v1/labels":          {"match[]": {"says", "took"}},
		"/api/v1/series":          {"match[]": {"says", "took"}},
		"/api/v1/format_query":    {"query": {"score  +  1"}},
		"/api/v1/query_exemplars": {"query": {"score"}},
	} {
		get, post := ask(t, server, path+"?"+form.Encode(), nil), ask(t, server, path, form)
		if get.status != http.StatusOK || get.body != post.body {
			t.Errorf("%s: GET %d %s\nPOST %d %s", path, get.status, get.body, post.status, post.body)
		}
	}
	for _, path := range []string{"/api/v1/metadata", "/api/v1/rules", "/api/v1/label/job/values", "/api/v1/status/buildinfo"} {
		if got := ask(t, server, path, url.Values{}); got.status != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: status %d, want 405", path, got.status)
		}
	}
	if got := ask(t, server, "/api/v1/admin/tsdb/snapshot", url.Values{}); got.status != http.StatusNotFound {
		t.Errorf("an administrator's request: status %d, want 404", got.status)
	}
}
