package query_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
	"github.com/channelwatch/channelwatch/internal/query/querytest"
)

func remote(t *testing.T, conf query.RemoteConfig) *query.Remote {
	t.Helper()
	r, err := query.NewRemote(conf)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func secretFile(t *testing.T, text string) probe.Secret {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return probe.Secret{File: file}
}

// TestRemote_RealServers asks both servers the same questions about the same samples. They are 35 s old: releases of
// VictoriaMetrics before latency_offset change the end of a range that is younger than 30 s.
func TestRemote_RealServers(t *testing.T) {
	t.Parallel()
	end := time.Now().Add(-35 * time.Second).Truncate(time.Second).Add(123 * time.Millisecond)
	at := func(ago time.Duration) int64 { return end.Add(-ago).UnixMilli() }
	series := []query.Series{
		{
			Labels: map[string]string{"__name__": "channel:score:5m", "channel": "web", "text": "a\"b\\c\nd — ü"},
			Points: []query.Point{{At: at(time.Minute), Value: 100.0 / 3}, {At: at(30 * time.Second), Value: 1e-9}, {At: at(0), Value: 99.99}},
		},
		{
			Labels: map[string]string{"__name__": "odd", "is": "infinite"},
			Points: []query.Point{{At: at(0), Value: math.Inf(1)}},
		},
	}
	for name, start := range map[string]func(testing.TB, []query.Series) string{
		"prometheus": querytest.Prometheus, "victoria-metrics": querytest.VictoriaMetrics,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := remote(t, query.RemoteConfig{URL: start(t, series) + "/"})
			last := series[0]
			last.Points = last.Points[2:]
			check := func(what string, got []query.Series, err error, want ...query.Series) {
				t.Helper()
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
				// VictoriaMetrics keeps 15 decimal digits.
				if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateApprox(1e-13, 0)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", what, diff)
				}
			}
			got, err := r.Query(t.Context(), `channel:score:5m{channel="web"}`, end)
			check("at the time of the last sample", got, err, last)
			got, err = r.Query(t.Context(), `channel:score:5m`, end.Add(-time.Millisecond))
			want := series[0]
			want.Points = []query.Point{{At: at(time.Millisecond), Value: 1e-9}}
			check("just before it", got, err, want)
			got, err = r.QueryRange(t.Context(), `channel:score:5m`, end.Add(-time.Minute), end, 30*time.Second)
			check("over a range", got, err, series[0])
			got, err = r.Query(t.Context(), `timestamp(odd)`, end)
			check("as a time", got, err, query.Series{
				Labels: map[string]string{"is": "infinite"}, Points: []query.Point{{At: at(0), Value: float64(at(0)) / 1000}},
			})
			got, err = r.Query(t.Context(), `nothing`, time.Time{})
			check("of nothing, now", got, err)
			if _, err := r.Query(t.Context(), `sum(`, end); err == nil || !strings.Contains(err.Error(), "parse") {
				t.Errorf("a broken expression: got error %v, want what the server says of it", err)
			}
		})
	}
}

// TestRemote_Sends pins the requests.
func TestRemote_Sends(t *testing.T) {
	t.Parallel()
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
	}))
	defer server.Close()
	password := secretFile(t, "hunter22\n")
	r := remote(t, query.RemoteConfig{
		URL: server.URL + "/prometheus/", Username: "reader", Password: password,
		Headers: map[string]string{"X-Scope-OrgID": "brand"}, Timeout: 7 * time.Second,
	})
	from := time.UnixMilli(1_700_000_000_250)
	if _, err := r.QueryRange(t.Context(), "up", from, from.Add(time.Hour), 1500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	user, pass, _ := got.BasicAuth()
	if got.Method != http.MethodPost || got.URL.Path != "/prometheus/api/v1/query_range" || got.URL.RawQuery != "" ||
		user != "reader" || pass != "hunter22" || got.Header.Get("X-Scope-OrgID") != "brand" {
		t.Errorf("got %s %s as %s:%s with header %v", got.Method, got.URL, user, pass, got.Header)
	}
	want := map[string][]string{
		"query": {"up"}, "start": {"1700000000.250"}, "end": {"1700003600.250"}, "step": {"1.5"},
		"timeout": {"7s"}, "nocache": {"1"}, "latency_offset": {"1ms"},
	}
	if diff := cmp.Diff(want, map[string][]string(got.PostForm)); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}

	if err := os.WriteFile(password.File, []byte("rotated1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Query(t.Context(), "up", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, pass, _ := got.BasicAuth(); pass != "rotated1" || got.URL.Path != "/prometheus/api/v1/query" || got.PostForm.Has("time") {
		t.Errorf("got %s with password %q and form %v, want the rotated password and no time", got.URL, pass, got.PostForm)
	}

	r = remote(t, query.RemoteConfig{URL: server.URL, BearerToken: password})
	if _, err := r.Query(t.Context(), "up", time.UnixMilli(1500)); err != nil {
		t.Fatal(err)
	}
	if got.Header.Get("Authorization") != "Bearer rotated1" || got.PostForm.Get("time") != "1.500" {
		t.Errorf("got Authorization %q and time %q", got.Header.Get("Authorization"), got.PostForm.Get("time"))
	}
}

func TestRemote_ReadsAnswers(t *testing.T) {
	t.Parallel()
	web := map[string]string{"__name__": "a", "channel": "web"}
	tests := []struct {
		name, body string
		want       []query.Series
	}{
		{
			"vector", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"a","channel":"web"},"value":[1.5,"2"]}]}}`,
			[]query.Series{{Labels: web, Points: []query.Point{{At: 1500, Value: 2}}}},
		},
		{
			"matrix with blanks and warnings", "{ \"warnings\" : [\"partial\"], \"isPartial\":false, \"data\" : { \"result\" : [ { \"values\" : [ [ 1 , \"-Inf\" ] ,\n[ 2.001 , \"+Inf\" ] , [3e0,\"1e-300\"] ] , \"metric\" : {\"__name__\":\"a\",\"channel\":\"web\"} } ], \"stats\": {\"x\":[1]}, \"resultType\":\"matrix\" }, \"status\":\"success\" }",
			[]query.Series{{Labels: web, Points: []query.Point{
				{At: 1000, Value: math.Inf(-1)}, {At: 2001, Value: math.Inf(1)}, {At: 3000, Value: 1e-300},
			}}},
		},
		{"not a number", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"NaN"]}]}}`, []query.Series{
			{Labels: map[string]string{}, Points: []query.Point{{At: 1000, Value: math.NaN()}}},
		}},
		{"no labels", `{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"1"]}]}}`, []query.Series{
			{Labels: map[string]string{}, Points: []query.Point{{At: 1000, Value: 1}}},
		}},
		{"null result", `{"status":"success","data":{"resultType":"matrix","result":null}}`, nil},
		{"null data", `{"status":"success","data":null}`, nil},
		{"histograms only", `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"histograms":[[1,{"count":"1"}]]}]}}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := askOnce(t, http.StatusOK, "application/json", strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("series (-want +got):\n%s", diff)
			}
		})
	}
}

// askOnce asks a server that answers with the body.
func askOnce(t *testing.T, status int, kind string, body io.Reader) ([]query.Series, error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.Copy(w, body) // the client may have had enough
	}))
	t.Cleanup(server.Close)
	conf := query.RemoteConfig{URL: server.URL, BearerToken: secretFile(t, "token-1234"), Timeout: time.Minute}
	return remote(t, conf).Query(t.Context(), "up", time.Time{})
}

// endless is a body that goes on with the same text.
func endless(start, again string) io.Reader {
	return io.MultiReader(strings.NewReader(start), &repeated{text: strings.Repeat(again, 1+(64<<10)/len(again))})
}

type repeated struct {
	text string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := copy(p, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	return n, nil
}

func TestRemote_RefusesAnswers(t *testing.T) {
	t.Parallel()
	const matrix = `{"status":"success","data":{"resultType":"matrix","result":[`
	ok := func(values string) io.Reader {
		return strings.NewReader(matrix + `{"metric":{},"values":` + values + `}]}}`)
	}
	tests := []struct {
		name   string
		status int
		kind   string
		body   io.Reader
		want   string
	}{
		{"a page", 200, "text/html; charset=utf-8", strings.NewReader("<title>Sign in token-1234</title>"), `status 200 with text/html "<title>Sign in [redacted]</title>", want the JSON of a Prometheus API`},
		{"no type", 502, "", strings.NewReader(""), `status 502 with no type "", want the JSON`},
		{"an error", 422, "application/json", strings.NewReader(`{"status":"error","errorType":"execution","error":"too many samples, token-1234"}`), `status 422: execution: too many samples, [redacted]`},
		{"a long error", 422, "application/json", strings.NewReader(`{"status":"error","errorType":"execution","error":"` + strings.Repeat("x", 5000) + `"}`), strings.Repeat("x", 200)},
		{"success by a bad status", 500, "application/json", strings.NewReader(`{"status":"success","data":null}`), `status 500, want 200`},
		{"no status", 200, "application/json", strings.NewReader(`{}`), `status 200: no type`},
		{"not JSON", 200, "application/json", strings.NewReader(`hello`), `reading the answer`},
		{"an array", 200, "application/json", strings.NewReader(`[]`), `got [, want an object`},
		{"nothing", 200, "application/json", strings.NewReader(``), `unexpected EOF`},
		{"half", 200, "application/json", strings.NewReader(matrix), `unexpected EOF`},
		{"a scalar", 200, "application/json", strings.NewReader(`{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}`), `result of type "scalar", want vector or matrix`},
		{"a number for a result", 200, "application/json", strings.NewReader(`{"status":"success","data":{"resultType":"vector","result":7}}`), `result 7, want an array`},
		{"a value that is a number", 200, "application/json", ok(`[[1,2]]`), `want [seconds, "value"]`},
		{"a value without a number", 200, "application/json", ok(`[[1,"two"]]`), `want a number for its value`},
		{"a time that is text", 200, "application/json", ok(`[["1","2"]]`), `want its time in seconds`},
		{"a time out of all bounds", 200, "application/json", ok(`[[1e300,"2"]]`), `want its time in seconds`},
		{"points that are none", 200, "application/json", ok(`[1,2]`), `want an array of [seconds, "value"]`},
		{"points that are an object", 200, "application/json", ok(`{"a":1}`), `want an array`},
		{"points out of order", 200, "application/json", ok(`[[2,"1"],[1,"1"]]`), `points out of order`},
		{"endless blanks", 200, "application/json", endless(matrix, " "), `answer of more than 64 MiB`},
		{"endless series", 200, "application/json", endless(matrix+`{}`, `,{"values":[[1,"1"]`+strings.Repeat(`,[2,"1"]`, 999)+`]}`), `more than 2097152 points`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := askOnce(t, tt.status, tt.kind, tt.body)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got error %v, want one with %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "token-1234") || strings.Contains(err.Error(), "query=") || len(err.Error()) > 500 {
				t.Errorf("the error shows too much: %v", err)
			}
		})
	}
}

func TestRemote_Deadline(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // so that the server notices when the client goes
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush() // the body never comes
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(release)
	r := remote(t, query.RemoteConfig{URL: server.URL, Timeout: 50 * time.Millisecond})
	if _, err := r.Query(t.Context(), "up", time.Time{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("own deadline: got %v, want %v", err, context.DeadlineExceeded)
	}
	r = remote(t, query.RemoteConfig{URL: server.URL, Timeout: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Query(ctx, "up", time.Time{}); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller's context: got %v, want %v", err, context.Canceled)
	}
}

func TestRemote_Redirects(t *testing.T) {
	t.Parallel()
	var elsewhere int
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	mux := http.NewServeMux()
	to := func(path, target string, status int) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", target)
			w.WriteHeader(status)
		})
	}
	to("/other/", other.URL+"/?password=hunter22", http.StatusTemporaryRedirect)
	to("/found/", "/good/api/v1/query", http.StatusFound)
	to("/moved/", "/good/api/v1/query", http.StatusPermanentRedirect)
	to("/loop/", "/loop/", http.StatusTemporaryRedirect)
	mux.HandleFunc("/good/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"status":"success","data":{"result":[{"metric":{"asked":%q},"value":[1,"1"]}]}}`, r.FormValue("query"))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	for path, want := range map[string]string{
		"/other": "redirected to " + other.URL + ": want the address that answers itself",
		"/found": "redirected by status 302, which loses the question",
		"/loop":  "redirected more than 3 times",
		"/moved": "",
	} {
		got, err := remote(t, query.RemoteConfig{URL: server.URL + path}).Query(t.Context(), "up", time.Time{})
		switch {
		case want == "" && (err != nil || len(got) != 1 || got[0].Labels["asked"] != "up"):
			t.Errorf("%s: got %v and error %v, want the answer to the question", path, got, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter22")):
			t.Errorf("%s: got error %v, want %q", path, err, want)
		}
	}
	if elsewhere != 0 {
		t.Errorf("the other server was asked %d times", elsewhere)
	}
}

func TestRemote_TLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"status":"success","data":{"result":[]}}`)
	}))
	defer server.Close()
	if _, err := remote(t, query.RemoteConfig{URL: server.URL}).Query(t.Context(), "up", time.Time{}); err == nil ||
		!strings.Contains(err.Error(), "certificate") {
		t.Errorf("without its authority: got error %v, want one about the certificate", err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := remote(t, query.RemoteConfig{URL: server.URL, CAFile: file}).Query(t.Context(), "up", time.Time{}); err != nil {
		t.Errorf("with its authority: %v", err)
	}
}

func TestNewRemote_RefusesMistakes(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, bytes.Repeat([]byte("x"), 10), 0o600); err != nil {
		t.Fatal(err)
	}
	token := secretFile(t, "token-1234")
	tests := []struct {
		name string
		conf query.RemoteConfig
		want string
	}{
		{"no URL", query.RemoteConfig{}, "url: want http://host or https://host"},
		{"another scheme", query.RemoteConfig{URL: "ftp://host"}, "url: want http://host or https://host"},
		{"no host", query.RemoteConfig{URL: "http:///path"}, "url: want http://host or https://host"},
		{"broken", query.RemoteConfig{URL: "http://user:hunter22@[::1"}, "url: not a URL"},
		{"credentials", query.RemoteConfig{URL: "http://user:hunter22@host"}, "url: holds credentials"},
		{"a query", query.RemoteConfig{URL: "http://host?token=hunter22"}, "url: want neither a query nor a fragment"},
		{"a fragment", query.RemoteConfig{URL: "http://host#hunter22"}, "url: want neither a query nor a fragment"},
		{"two ways to sign in", query.RemoteConfig{URL: "http://host", Username: "a", BearerToken: token}, "username and bearer_token: want one of them"},
		{"no password", query.RemoteConfig{URL: "http://host", Username: "a"}, "password: want {file: …} or {env: …}"},
		{"no token", query.RemoteConfig{URL: "http://host", BearerToken: probe.Secret{File: "missing"}}, "bearer_token: "},
		{"no authority", query.RemoteConfig{URL: "http://host", CAFile: "missing.pem"}, "ca_file: "},
		{"no certificate", query.RemoteConfig{URL: "http://host", CAFile: empty}, "ca_file: no certificate in"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := query.NewRemote(tt.conf)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter22") {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestRemote_QueryRangeBoundsSteps(t *testing.T) {
	t.Parallel()
	r := remote(t, query.RemoteConfig{URL: "http://127.0.0.1:1"})
	from := time.Unix(0, 0)
	for _, bad := range []struct {
		to   time.Time
		step time.Duration
	}{{from.Add(-time.Second), time.Second}, {from.Add(time.Hour), 0}, {from.Add(11_000 * time.Second), time.Second}} {
		if _, err := r.QueryRange(t.Context(), "up", from, bad.to, bad.step); err == nil || !strings.Contains(err.Error(), "want 1 to 11000 steps") {
			t.Errorf("until %v by %v: got error %v", bad.to, bad.step, err)
		}
	}
	if _, err := r.QueryRange(t.Context(), "up", from, from.Add(10_999*time.Second), time.Second); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("11000 steps: got error %v, want one of the connection", err)
	}
}

func FuzzRemote_Decode(f *testing.F) {
	f.Add([]byte(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1.5,"2"]}]}}`))
	f.Add([]byte(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"NaN"],[2,"+Inf"]]}]}}`))
	f.Add([]byte(`{"status":"success","data":{"result":[{"values":[ ]}]}}`))
	f.Add([]byte(`{"status":"error","errorType":"x","error":"y"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		series, err := query.Decode(bytes.NewReader(body))
		if err != nil {
			return
		}
		for _, s := range series {
			if len(s.Points) == 0 || s.Labels == nil || !slices.IsSortedFunc(s.Points, func(a, b query.Point) int { return int(a.At - b.At) }) {
				t.Errorf("got %+v", s)
			}
		}
	})
}

func BenchmarkRemote_Decode(b *testing.B) {
	var body strings.Builder
	body.WriteString(`{"status":"success","data":{"resultType":"matrix","result":[`)
	for channel := range 60 {
		if channel > 0 {
			body.WriteString(",")
		}
		fmt.Fprintf(&body, `{"metric":{"channel":"%d"},"values":[[1700000000.123,"4"]`, channel)
		for step := range 2879 {
			fmt.Fprintf(&body, `,[%d.123,"3"]`, 1700000030+30*step)
		}
		body.WriteString("]}")
	}
	body.WriteString("]}}")
	b.SetBytes(int64(body.Len()))
	for b.Loop() {
		if series, err := query.Decode(strings.NewReader(body.String())); err != nil || len(series) != 60 {
			b.Fatalf("got %d series and error %v", len(series), err)
		}
	}
}
