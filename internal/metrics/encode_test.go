package metrics_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// full returns metrics with something in every family, awkward names and awkward numbers.
func full(tb testing.TB) *metrics.Metrics {
	tb.Helper()
	m := metrics.New(metrics.Options{Catalogue: catalogue(tb), Version: "1.2.3", Revision: "abc", Location: `ber"lin`, SeriesLimit: 1000})
	odd, home, topic := page("a", `we"ird\`), page("shop", "home"), push()
	odd.Title = "Zwei\nZeilen \"und\" \\ ü"
	m.Apply([]*probe.Channel{channelOf("shop", home, topic), channelOf("a", odd), {Name: "none"}}, []string{"shop", "a"})
	for i := range 30 {
		record(tb, m, home, pageResult(time.Duration(1)<<i))
	}
	for _, reason := range []probe.Reason{probe.ConnectRefused, probe.DNSTimeout, probe.ConnectRefused, probe.NotMeasured} {
		r := pageResult(3 * time.Millisecond)
		r.Reason = reason
		record(tb, m, home, r)
	}
	m.Record(odd, pageResult(time.Second), quality.NotMeasured(probe.AgentBlind))
	m.Rechecked(home, true)
	for i, v := range []float64{0, 0.4, 1e-9, 1.5, 3, 1234567, 1e21, math.Inf(1), math.NaN()} {
		record(tb, m, topic, &probe.Result{Duration: time.Duration(i) * time.Second, Measurements: []probe.Measurement{
			{Metric: "push_delivery_seconds", Label: "1", Value: v},
			{Metric: "push_lost_total", Value: v},
			{Metric: "push_backlog_bytes", Label: "out", Value: float64(i)},
		}})
	}
	m.SetPart("host", []metrics.Reading{
		{Name: "host_load1", Help: `Load with a "quote" and a \.`, Type: metrics.Gauge, Value: 0.25},
		{Name: "host_cpu_seconds_total", Help: "CPU time.", Type: metrics.Counter, Labels: []metrics.Label{{Name: "mode", Value: "user"}}, Value: 1e7},
		{Name: "host_cpu_seconds_total", Help: "CPU time.", Type: metrics.Counter, Labels: []metrics.Label{{Name: "mode", Value: "idle"}}, Value: 12.5},
		{Name: "host_odd_ratio", Help: "Not a number.", Type: metrics.Gauge, Value: math.NaN()},
		{Name: "host_low", Help: "Negative.", Type: metrics.Gauge, Value: math.Inf(-1)},
	})
	m.SetPart("history", []metrics.Reading{
		{Name: "history_samples_total", Help: "Samples.", Type: metrics.Counter, Labels: []metrics.Label{{Name: "result", Value: "stored"}}, Value: 7},
		{Name: "history_bytes", Help: "Bytes.", Type: metrics.Gauge, Value: 1 << 20},
	})
	m.SetPart("field", []metrics.Reading{
		{
			Name: "field_wait_seconds", Help: "Waiting.", Type: metrics.Histogram,
			Labels:       []metrics.Label{{Name: "page", Value: `a"b`}, {Name: "zone", Value: "z"}},
			Distribution: &metrics.Distribution{Bounds: []float64{0.25, 1, 2.5}, Counts: []uint64{3, 0, 2_000_000, 1}, Sum: 3e6},
		},
		{
			Name: "field_wait_seconds", Help: "Waiting.", Type: metrics.Histogram,
			Labels:       []metrics.Label{{Name: "page", Value: "new"}, {Name: "zone", Value: ""}},
			Distribution: &metrics.Distribution{Bounds: []float64{0.25, 1, 2.5}, Counts: make([]uint64, 4)},
		},
		{
			Name: "field_shift_ratio", Help: "Shifts.", Type: metrics.Histogram,
			Distribution: &metrics.Distribution{Counts: []uint64{7}, Sum: 0.5},
		},
	})
	m.SetShard([]*probe.Channel{channelOf("shop"), channelOf("of-others")}, &metrics.Shard{Name: "a", PeersHash: "0123456789abcdef", Replicas: 2})
	m.Late(3 * time.Millisecond)
	m.Skipped(home, 2)
	m.Queue(1)
	m.SetBlind(true)
	m.SetRecent(34567)
	m.Reloaded(true, time.Unix(1_795_000_000, 0), "cafe")
	return m
}

// ours returns the lines that do not change from one scrape to the next: those of the product.
func ours(page string) string {
	var b strings.Builder
	for line := range strings.Lines(page) {
		if strings.Contains(line, "channelwatch_") || line == "# EOF\n" {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestHandler_RendersWhatExpfmtRenders(t *testing.T) {
	m := full(t)
	families := gather(t, m)
	for name, accept := range map[string]string{"text": "text/plain", "openmetrics": openAccept, "openmetrics 0.0.1": "application/openmetrics-text"} {
		t.Run(name, func(t *testing.T) {
			response := scrape(t, m, "Accept", accept)
			var want bytes.Buffer
			encoder := expfmt.NewEncoder(&want, expfmt.Format(response.Header.Get("Content-Type")))
			for _, mf := range families {
				if err := encoder.Encode(mf); err != nil {
					t.Fatal(err)
				}
			}
			if err := encoder.(expfmt.Closer).Close(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(ours(want.String()), "\n"), strings.Split(ours(body(t, response)), "\n")); diff != "" {
				t.Errorf("page differs from expfmt's (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHandler_TextParses(t *testing.T) {
	m := full(t)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	parsed, err := parser.TextToMetricFamilies(scrape(t, m).Body)
	if err != nil {
		t.Fatal(err)
	}
	families := gather(t, m)
	for _, mf := range families {
		got := parsed[mf.GetName()]
		if got == nil || len(got.Metric) != len(mf.Metric) || got.GetType() != mf.GetType() || got.GetHelp() != mf.GetHelp() {
			t.Errorf("family %s parsed as %v, want %d metrics of type %v", mf.GetName(), got, len(mf.Metric), mf.GetType())
		}
	}
	if len(parsed) != len(families) {
		t.Errorf("parsed %d families, want %d", len(parsed), len(families))
	}
}

func TestHandler_FamiliesAreSortedAndContiguous(t *testing.T) {
	var names []string
	for line := range strings.Lines(body(t, scrape(t, full(t)))) {
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			names = append(names, strings.Fields(name)[0])
		}
	}
	for i := 1; i < len(names); i++ {
		if names[i] <= names[i-1] {
			t.Errorf("family %s follows %s", names[i], names[i-1])
		}
	}
	if len(names) < 60 {
		t.Errorf("got %d families, want the agent's, the host's and the runtime's", len(names))
	}
}

func TestHandler_TellsTheContentType(t *testing.T) {
	response := scrape(t, full(t), "Accept", protoAccept)
	if got, want := response.Header.Get("Content-Type"), "application/vnd.google.protobuf"; !strings.HasPrefix(got, want) {
		t.Fatalf("content type %q, want %s", got, want)
	}
}

// gather returns all families as client_golang's data model, from a scrape in protocol buffers.
func gather(tb testing.TB, m *metrics.Metrics) []*dto.MetricFamily {
	tb.Helper()
	return decode(tb, scrape(tb, m, "Accept", protoAccept).Body)
}

// decode reads delimited protocol buffers to their end.
func decode(tb testing.TB, r io.Reader) []*dto.MetricFamily {
	tb.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	var all []*dto.MetricFamily
	for in := bytes.NewReader(data); in.Len() > 0; {
		mf := &dto.MetricFamily{}
		if err := protodelim.UnmarshalFrom(in, mf); err != nil {
			tb.Fatal(err)
		}
		all = append(all, mf)
	}
	return all
}

func TestHandler_CompressesOnlyWhenAsked(t *testing.T) {
	m := full(t)
	plain := ours(body(t, scrape(t, m)))
	for _, test := range []struct {
		accept string
		want   string
	}{
		{"", ""},
		{"identity", ""},
		{"gzip;q=0", ""},
		{"gzip; q=0.000", ""},
		{"deflate, br", ""},
		{"gzip", "gzip"},
		{"deflate, gzip;q=0.5", "gzip"},
	} {
		t.Run(test.accept, func(t *testing.T) {
			for range 2 { // the second time with kept memory
				response := scrape(t, m, "Accept-Encoding", test.accept)
				if got := response.Header.Get("Content-Encoding"); got != test.want {
					t.Fatalf("content encoding %q, want %q", got, test.want)
				}
				if test.want == "gzip" {
					z, err := gzip.NewReader(response.Body)
					if err != nil {
						t.Fatal(err)
					}
					response.Body = z
				}
				if diff := cmp.Diff(plain, ours(body(t, response))); diff != "" {
					t.Errorf("page (-plain +got):\n%s", diff)
				}
			}
		})
	}
}

// gone is a client that goes away after the first write.
type gone struct {
	httptest.ResponseRecorder
	writes int
}

func (g *gone) Write(p []byte) (int, error) {
	if g.writes++; g.writes > 1 {
		return 0, errors.New("gone")
	}
	return len(p), nil
}

func TestHandler_StopsWhenTheClientIsGone(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t)})
	channels, _ := manyPages(1000)
	m.Apply(channels, nil)
	for _, accept := range []string{"text/plain", openAccept, protoAccept} {
		w := &gone{ResponseRecorder: *httptest.NewRecorder()}
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept", accept)
		m.Handler().ServeHTTP(w, r)
		if w.writes != 2 {
			t.Errorf("%s: %d writes, want none after the one that failed", accept, w.writes)
		}
	}
}

// FuzzHandler_Labels reads back what people write into titles, whatever it is.
func FuzzHandler_Labels(f *testing.F) {
	for _, seed := range []string{"", "plain", `"quoted"`, "two\nlines", `back\slash`, `\n`, `\"`, "{}=,#", "ü€\u2028"} {
		f.Add(seed, seed+"x")
	}
	f.Fuzz(func(t *testing.T, title, name string) {
		title, name = strings.ToValidUTF8(title, "?"), strings.ToValidUTF8(name, "?")
		m := metrics.New(metrics.Options{Catalogue: catalogue(t), Location: title})
		tp := page("shop", name)
		tp.Title = title
		m.Apply([]*probe.Channel{channelOf("shop", tp)}, nil)
		parser := expfmt.NewTextParser(model.LegacyValidation)
		parsed, err := parser.TextToMetricFamilies(scrape(t, m).Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, mf := range gather(t, m) {
			if !strings.HasPrefix(mf.GetName(), "channelwatch_touchpoint") {
				continue
			}
			if diff := cmp.Diff(mf, parsed[mf.GetName()], protocmp.Transform()); diff != "" {
				t.Errorf("family (-protobuf +text):\n%s", diff)
			}
		}
	})
}

// TestHandler_LetsGoOfItsClient scrapes in every way in which memory is kept for the next scrape: the client is not.
func TestHandler_LetsGoOfItsClient(t *testing.T) {
	m := full(t)
	handler := m.Handler()
	for name, accept := range map[string]string{
		"text":             "text/plain",
		"protocol buffers": "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
	} {
		for _, coding := range []string{"identity", "gzip"} {
			t.Run(name+" "+coding, func(t *testing.T) {
				client := weak.Make(serveTo(t, handler, accept, coding))
				for range 5 { // what lies in a sync.Pool takes two
					runtime.GC()
				}
				if client.Value() != nil {
					t.Error("the client of the last scrape is still held")
				}
			})
		}
	}
	runtime.KeepAlive(handler)
}

func serveTo(t *testing.T, handler http.Handler, accept, coding string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
	request.Header.Set("Accept", accept)
	request.Header.Set("Accept-Encoding", coding)
	client := httptest.NewRecorder()
	handler.ServeHTTP(client, request)
	if client.Body.Len() == 0 {
		t.Error("the answer is empty")
	}
	return client
}
