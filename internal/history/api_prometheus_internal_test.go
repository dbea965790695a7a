//go:build !nohistory

package history

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// blocksFrom is the time of the first sample of writeBlocks, in seconds.
const blocksFrom = 1_700_000_000

// writeBlocks lets promtool write samples of an hour to a directory of blocks, which any Prometheus reads.
func writeBlocks(t *testing.T, dir string) {
	t.Helper()
	var text strings.Builder
	fmt.Fprintln(&text, "# TYPE probes counter")
	for step := range 240 {
		for c, channel := range []string{"shop", "mail", "söcial \"one\""} {
			fmt.Fprintf(&text, "probes_total{channel=%q,job=\"channelwatch\"} %d %d\n", channel, step*(c+1), blocksFrom+15*step)
		}
	}
	fmt.Fprintln(&text, "# TYPE score gauge")
	for step := range 240 {
		for c, channel := range []string{"shop", "mail"} {
			value := fmt.Sprint(100 * math.Abs(math.Sin(float64(step+c)/20)))
			switch step {
			case 20:
				value = "NaN"
			case 21:
				value = "+Inf"
			case 22:
				value = "-Inf"
			case 23:
				value = "1e-9"
			case 24:
				value = "1.5e+22"
			}
			fmt.Fprintf(&text, "score{channel=%q,job=\"channelwatch\"} %s %d\n", channel, value, blocksFrom+15*step)
		}
	}
	fmt.Fprintln(&text, "# TYPE took_seconds histogram")
	for step := range 240 {
		for b, le := range []string{"0.1", "0.5", "1.0", "+Inf"} {
			fmt.Fprintf(&text, "took_seconds_bucket{channel=\"shop\",le=%q} %d %d\n", le, step*(b+1), blocksFrom+15*step)
		}
		fmt.Fprintf(&text, "took_seconds_sum{channel=\"shop\"} %d %d\n", step, blocksFrom+15*step)
		fmt.Fprintf(&text, "took_seconds_count{channel=\"shop\"} %d %d\n", 4*step, blocksFrom+15*step)
	}
	fmt.Fprintln(&text, "# EOF")
	file := filepath.Join(t.TempDir(), "samples.txt")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	runTool(t, "tsdb", "create-blocks-from", "openmetrics", "--quiet", file, dir)
}

// runTool runs promtool and returns what it prints.
func runTool(t *testing.T, args ...string) string {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is missing: apt-get install -y prometheus")
	}
	var out bytes.Buffer
	command := exec.CommandContext(t.Context(), tool, args...)
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err != nil {
		t.Fatalf("promtool %s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	return out.String()
}

// openBlocks returns an acquirer of a directory of blocks.
func openBlocks(t *testing.T, dir string) acquirer {
	t.Helper()
	db, err := openDB(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return lend(db)
}

func openDB(dir string) (*tsdb.DB, error) {
	return tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, &tsdb.Options{
		RetentionDuration: (100 * 365 * 24 * time.Hour).Milliseconds(),
		MinBlockDuration:  (2 * time.Hour).Milliseconds(), MaxBlockDuration: (2 * time.Hour).Milliseconds(),
	}, nil)
}

// startPrometheus starts a Prometheus server over a directory of blocks and returns its address.
func startPrometheus(t *testing.T, dir string) string {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("prometheus is missing: apt-get install -y prometheus")
	}
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	address := unusedAddress(t)
	var log bytes.Buffer
	ctx, stop := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, program, "--config.file="+config, "--storage.tsdb.path="+dir,
		"--storage.tsdb.retention.time=100y", "--web.listen-address="+address)
	server.Stdout, server.Stderr = &log, &log
	server.Cancel = func() error { return server.Process.Signal(os.Interrupt) }
	server.WaitDelay = 10 * time.Second
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = server.Wait() // it was told to end
		if t.Failed() {
			t.Logf("prometheus says:\n%s", log.String())
		}
	})
	waitReady(t, "http://"+address+"/-/ready")
	return "http://" + address
}

func waitReady(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for look := time.NewTicker(50 * time.Millisecond); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := new(http.Client).Do(request); err == nil {
			_ = response.Body.Close() // nothing of it is wanted
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("%s does not answer 200 within a minute", address)
		}
	}
}

// The same blocks read by Debian's Prometheus and by us give the same answers, errors and their texts included.
//
// Ranges and times are chosen off the grid of samples: since version 3 a range leaves out a sample at its very beginning.
func TestAPI_SameAsPrometheus(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeBlocks(t, dir)
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	ours := serveAPI(t, newTestAPI(openBlocks(t, copied)))
	theirs := startPrometheus(t, dir)

	instant := func(expr string) url.Values {
		return url.Values{"query": {expr}, "time": {"1700001807.25"}}
	}
	over := func(expr, step string) url.Values {
		return url.Values{"query": {expr}, "start": {"1700000007"}, "end": {"1700003607.5"}, "step": {step}}
	}
	const query, queryRange, labels, series = "/api/v1/query", "/api/v1/query_range", "/api/v1/labels", "/api/v1/series"
	for _, test := range []struct {
		path string
		form url.Values
		says string // text of the error, where it is another: that of version 3, or with the parameter
	}{
		{query, instant("1+1"), ""},
		{query, instant("-1e-9"), ""},
		{query, instant(`"text with \"quotes\" and ü"`), ""},
		{query, instant("score"), ""},
		{query, instant("sort_desc(probes_total)"), ""},
		{query, instant("topk(1, score)"), ""},
		{query, instant(`probes_total{channel!~"sh.*"}`), ""},
		{query, instant("probes_total[1m10s]"), ""},
		{query, instant("count by (job) (up or score)"), ""},
		{query, instant("histogram_quantile(0.9, rate(took_seconds_bucket[5m10s]))"), ""},
		{query, instant("score / 0"), ""},
		{query, instant("absent(gone)"), ""},
		{query, instant("label_replace(score, \"to\", \"$1-x\", \"channel\", \"(.).*\")"), ""},
		{query, instant("max_over_time(rate(probes_total[1m5s])[10m:1m])"), ""},
		{query, instant("score @ 1700000301 - score offset 5m"), ""},
		{query, url.Values{"query": {"probes_total"}, "time": {"2023-11-14T22:30:07.5Z"}}, ""},
		{queryRange, over("score", "15"), ""},
		{queryRange, over("score", "1m"), ""},
		{queryRange, over("sum by (job) (rate(probes_total[1m5s]))", "60"), ""},
		{queryRange, over("score > 50 or vector(0)", "33.3"), ""},
		{queryRange, over("time()", "600"), ""},
		{queryRange, over("gone", "600"), ""},
		{labels, url.Values{}, ""},
		{labels, url.Values{"match[]": {"score", "up"}}, ""},
		{"/api/v1/label/channel/values", nil, ""},
		{"/api/v1/label/__name__/values?match[]=%7Bjob!=%22%22%7D", nil, ""},
		{"/api/v1/label/channel/values?match[]=score&start=1700000000&end=1700000100", nil, ""},
		{"/api/v1/label/channel/values?match[]=score&start=1800000000&end=1800000100", nil, ""},
		{series, url.Values{"match[]": {"score", `{channel="mail"}`}}, ""},
		{series, url.Values{"match[]": {`took_seconds_bucket{le!="+Inf"}`}, "start": {"1700000000"}, "end": {"1700000100"}}, ""},
		{"/api/v1/query_exemplars", url.Values{"query": {"score"}, "start": {"1700000000"}, "end": {"1700000100"}}, ""},
		{"/api/v1/format_query", url.Values{"query": {"sum(score)by(job)/2"}}, ""},
		{"/api/v1/rules", nil, ""},
		{"/api/v1/alerts", nil, ""},
		{"/api/v1/alertmanagers", nil, ""},
		// What is wrong.
		{query, instant(""), `invalid parameter "query": unknown position: parse error: no expression found in input`},
		{query, instant("sum("), ""},
		{query, instant("score + on(channel) group_left gone{"), ""},
		{query, instant("score * on(job) probes_total"), ""},
		{query, instant(`{job=~".*"}`), ""},
		{query, instant(`score{channel=~"("}`), "invalid parameter \"query\": 1:7: parse error: error parsing regexp: missing closing ): `(`"},
		{query, instant("rate(score)"), ""},
		{query, url.Values{"query": {"score"}, "time": {"noon"}}, `invalid parameter "time": invalid time value for 'time': cannot parse "noon" to a valid timestamp`},
		{query, url.Values{"query": {"score"}, "timeout": {"long"}}, ""},
		{queryRange, over("score", "0"), ""},
		{queryRange, over("score", "-1"), ""},
		{queryRange, over("score", "0.1"), ""},
		{queryRange, over("score", "soon"), ""},
		{queryRange, over("score[5m]", "15"), `invalid parameter "query": invalid expression type "range vector" for range query, must be Scalar or instant Vector`},
		{queryRange, url.Values{"query": {"score"}, "start": {"10"}, "end": {"1"}, "step": {"1"}}, ""},
		{queryRange, url.Values{"query": {"score"}, "end": {"1"}, "step": {"1"}}, ""},
		{series, url.Values{}, ""},
		{series, url.Values{"match[]": {"{}"}}, ""},
		{labels, url.Values{"match[]": {"score{"}}, `invalid parameter "match[]": 1:7: parse error: unexpected end of input inside braces`},
		{"/api/v1/label/channel/values?match[]=score%5B5m%5D", nil, `invalid parameter "match[]": 1:6: parse error: unexpected "["`},
		{"/api/v1/label/channel/values?start=never", nil, `invalid parameter "start": invalid time value for 'start': cannot parse "never" to a valid timestamp`},
		{"/api/v1/metadata?limit=x", nil, ""},
	} {
		t.Run(test.path+" "+test.form.Encode(), func(t *testing.T) {
			t.Parallel()
			want, got := ask(t, theirs, test.path, test.form), ask(t, ours, test.path, test.form)
			if want.status != got.status {
				t.Errorf("status %d, want %d", got.status, want.status)
			}
			if test.says != "" {
				want.body = fmt.Sprintf(`{"status":"error","errorType":"bad_data","error":%q}`, test.says)
			}
			if diff := cmp.Diff(normal(t, want.body), normal(t, got.body)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// normal returns an answer with what may differ between two servers made alike: the order of series in a vector
// without a sort, which the store chooses.
func normal(t *testing.T, text string) any {
	t.Helper()
	var answer any
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if whole, ok := answer.(map[string]any); ok {
		if data, ok := whole["data"].(map[string]any); ok && data["resultType"] == "vector" {
			slices.SortFunc(data["result"].([]any), func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	}
	return answer
}

// Answers are written when the storage has been released. They must hold nothing of it: its files are no longer mapped into
// memory then, and touching them ends the process.
func TestAPI_NothingOfTheStorage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeBlocks(t, dir)
	keeps := serveAPI(t, newTestAPI(openBlocks(t, dir)))
	closes := serveAPI(t, newTestAPI(func(ctx context.Context) (context.Context, storage.Queryable, func(), error) {
		closed := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(closed, os.DirFS(dir)); err != nil {
			return nil, nil, nil, err
		}
		db, err := openDB(closed)
		return ctx, db, func() { _ = db.Close() }, err
	}))
	for _, target := range []string{
		"/api/v1/label/channel/values", "/api/v1/labels", "/api/v1/series?match[]=score&match[]=probes_total",
		"/api/v1/query?query=score&time=1700001800", "/api/v1/query_range?query=probes_total&start=1700000000&end=1700003600&step=60",
	} {
		want, got := ask(t, keeps, target, nil), ask(t, closes, target, nil)
		if got.status != http.StatusOK || got.body != want.body {
			t.Errorf("%s: %d %.500s, want %.500s", target, got.status, got.body, want.body)
		}
	}
}

// Blocks that cannot be read are told of; the query did nothing wrong.
func TestQueries_TornBlock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeBlocks(t, dir)
	chunks, err := filepath.Glob(filepath.Join(dir, "*", "chunks", "000001"))
	if err != nil || len(chunks) != 1 {
		t.Fatalf("chunks %v, %v, want one file", chunks, err)
	}
	text, err := os.ReadFile(chunks[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := 8; i < len(text); i++ { // behind the header, which is checked when the block is opened
		text[i] ^= 0x55
	}
	if err := os.WriteFile(chunks[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	var told error
	q := newQueries(slog.New(slog.DiscardHandler), openBlocks(t, dir), func(err error) { told = err })
	_, err = q.series(t.Context(), "score", instantAt(time.Unix(blocksFrom+60, 0)))
	if kindOf(err) != kindInternal || told == nil {
		t.Errorf("error %v of kind %s, told %v, want an internal one that is told of", err, kindOf(err), told)
	}
	told = nil
	if _, err = q.series(t.Context(), "vector(1) + on() vector(1) / on(x) gone{", instantAt(time.Unix(0, 0))); err == nil || told != nil {
		t.Errorf("error %v, told %v, want one of the expression that is not told of", err, told)
	}
}

// Debian's promtool reads from us.
func TestAPI_Promtool(t *testing.T) {
	t.Parallel()
	server := serveAPI(t, newTestAPI(loaded(t, shopSamples)))
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{
			"instant",
			[]string{"instant", "--time=15", server, `score{channel="shop"}`},
			"score{channel=\"shop\", job=\"channelwatch\"} => 90 @[15]\n",
		},
		{"scalar", []string{"instant", "--time=15", server, "1+1"}, "scalar: 2 @[15]\n"},
		{
			"range",
			[]string{"range", "--start=0", "--end=30", "--step=15s", server, `score{channel="shop"}`},
			"score{channel=\"shop\", job=\"channelwatch\"} =>\n80 @[0]\n90 @[15]\n100 @[30]\n",
		},
		{
			"series",
			[]string{"series", "--match=score", "--start=0", "--end=60", server},
			"{__name__=\"score\", channel=\"mail\", job=\"channelwatch\"}\n{__name__=\"score\", channel=\"shop\", job=\"channelwatch\"}\n",
		},
		{"labels", []string{"labels", "--start=0", "--end=60", server, "channel"}, "mail\nshop\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, runTool(t, append([]string{"query"}, test.args...)...)); diff != "" {
				t.Errorf("promtool query (-want +got):\n%s", diff)
			}
		})
	}
}
