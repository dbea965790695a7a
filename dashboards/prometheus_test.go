package dashboards_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen.
const patience = 3 * time.Minute

// eventually polls until the condition returns an empty string, or fails with its last answer.
func eventually(t *testing.T, what string, condition func() string) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		missing := condition()
		if missing == "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited %v for %s: %s", patience, what, missing)
		}
	}
}

// prometheus is a real Prometheus in a process of its own.
type prometheus struct {
	address string
	client  *http.Client
	turns   chan struct{} // of as many queries as a browser has at a time: what waits here is not slow
	slow    time.Duration // what no query may take
}

func newPrometheus() *prometheus {
	return &prometheus{client: &http.Client{Transport: &http.Transport{}}, turns: make(chan struct{}, 4), slow: 2 * time.Second}
}

// output is what a process writes, readable meanwhile.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// program returns where a program of Debian's package prometheus is.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v; install it: apt-get install -y prometheus", err)
	}
	return path
}

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// startPrometheus runs Prometheus with rule files over a data directory until the test ends. Without targets it
// scrapes nothing.
func startPrometheus(t *testing.T, data string, rules []string, targets ...string) *prometheus {
	t.Helper()
	return startWith(t, nil, data, rules, targets...)
}

// startWith is startPrometheus with further flags.
func startWith(t *testing.T, flags []string, data string, rules []string, targets ...string) *prometheus {
	t.Helper()
	config := filepath.Join(t.TempDir(), "prometheus.yaml")
	text := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%s]\nscrape_configs:\n"+
		"- job_name: channelwatch\n  static_configs: [{targets: %q}]\n", strings.Join(rules, ", "), targets)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &output{}
	command := exec.CommandContext(t.Context(), program(t, "prometheus"), append(flags, "--config.file="+config,
		"--storage.tsdb.path="+data, "--web.listen-address=127.0.0.1:0", "--storage.tsdb.retention.time=60d")...)
	command.Stdout, command.Stderr = log, log
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // it is told to stop
		close(ended)
	}()
	p := newPrometheus()
	t.Cleanup(func() {
		<-ended
		p.client.CloseIdleConnections()
	})
	eventually(t, "prometheus to listen", func() string {
		select {
		case <-ended:
			t.Fatalf("prometheus ended:\n%s", log)
		default:
		}
		match := listening.FindStringSubmatch(log.String())
		if match == nil {
			return "no address in its log"
		}
		p.address = match[1]
		return ""
	})
	eventually(t, "prometheus to be ready", func() string {
		if _, err := p.query(t.Context(), "vector(1)", time.Now()); err != nil {
			return err.Error()
		}
		return ""
	})
	return p
}

// hastenedRules copies the shipped rules and lets each group be evaluated every second. Nothing else is changed.
func hastenedRules(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	var files []string
	for _, name := range []string{"channelwatch.rules.yaml", "channelwatch.alerts.yaml", "channelwatch.fleet.alerts.yaml"} {
		rules, err := os.ReadFile(filepath.Join("..", "configs", "prometheus", name))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name)
		rules = regexp.MustCompile(`(?m)^( +interval: )\S+$`).ReplaceAll(rules, []byte("${1}1s"))
		if err := os.WriteFile(file, rules, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// sample is one series of an answer with its last value.
type sample struct {
	labels map[string]string
	value  float64
	nan    bool // whether all its values are no numbers
}

// answer is what Prometheus says to a query.
type answer struct {
	samples []sample
	took    time.Duration
}

func (p *prometheus) query(ctx context.Context, expr string, at time.Time) (answer, error) {
	return p.ask(ctx, "query", url.Values{"query": {expr}, "time": {seconds(at)}})
}

// queryRange asks for the steps from start to end; end is one of them.
func (p *prometheus) queryRange(ctx context.Context, expr string, start, end time.Time, step time.Duration) (answer, error) {
	steps := end.Sub(start) / step
	return p.ask(ctx, "query_range", url.Values{
		"query": {expr}, "start": {seconds(end.Add(-steps * step))}, "end": {seconds(end)}, "step": {fmt.Sprint(step.Seconds())},
	})
}

func seconds(at time.Time) string {
	return strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)
}

// labelValues returns the values of a label of the series that a selector chooses.
func (p *prometheus) labelValues(ctx context.Context, label, selector string) ([]string, error) {
	var values []string
	err := p.get(ctx, "label/"+label+"/values", url.Values{"match[]": {selector}}, &values)
	return values, err
}

func (p *prometheus) ask(ctx context.Context, path string, form url.Values) (answer, error) {
	var data struct {
		Result []struct {
			Metric map[string]string `json:"metric"`
			Value  []any             `json:"value"`
			Values [][]any           `json:"values"`
		} `json:"result"`
	}
	p.turns <- struct{}{}
	defer func() { <-p.turns }()
	start := time.Now()
	if err := p.get(ctx, path, form, &data); err != nil {
		return answer{}, err
	}
	a := answer{took: time.Since(start)}
	for _, r := range data.Result {
		s := sample{labels: r.Metric, nan: true}
		values := r.Values
		if r.Value != nil {
			values = [][]any{r.Value}
		}
		for _, v := range values {
			text, _ := v[1].(string)
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return a, err
			}
			s.value = value
			s.nan = s.nan && (math.IsNaN(value) || math.IsInf(value, 0))
		}
		a.samples = append(a.samples, s)
	}
	return a, nil
}

// get asks the API. A warning is an error: people would see it in the corner of a panel.
func (p *prometheus) get(ctx context.Context, path string, form url.Values, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+"/api/v1/"+path+"?"+form.Encode(), http.NoBody)
	if err != nil {
		return err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 32<<20))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	var envelope struct {
		Status   string          `json:"status"`
		Error    string          `json:"error"`
		Warnings []string        `json:"warnings"`
		Data     json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return fmt.Errorf("%s: status code %d: %w", path, response.StatusCode, err)
	}
	if envelope.Status != "success" || len(envelope.Warnings) > 0 {
		return fmt.Errorf("%s: %s %v", path, envelope.Error, envelope.Warnings)
	}
	return json.Unmarshal(envelope.Data, into)
}
