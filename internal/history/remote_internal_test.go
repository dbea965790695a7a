//go:build !nohistory

package history

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// mustRemote returns remote write with a block in which %s is an address.
func mustRemote(t *testing.T, block, address string, log *slog.Logger) *remoteWrite {
	t.Helper()
	r, err := newRemoteWrite(Options{
		RemoteWrite:    Block{Text: []byte(strings.ReplaceAll(block, "%s", address))},
		ExternalLabels: []metrics.Label{{Name: "location", Value: "berlin"}},
		Log:            log,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// raw returns all samples of a store by series and time in milliseconds. The end of a series is a NaN.
func raw(t *testing.T, st storage.Queryable) map[string]map[int64]float64 {
	t.Helper()
	querier, err := st.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = querier.Close() }()
	all := map[string]map[int64]float64{}
	found := querier.Select(t.Context(), false, nil, labels.MustNewMatcher(labels.MatchNotEqual, "__name__", ""))
	for found.Next() {
		samples := map[int64]float64{}
		for it := found.At().Iterator(nil); it.Next() == chunkenc.ValFloat; {
			at, v := it.At()
			samples[at] = v
		}
		all[found.At().Labels().String()] = samples
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// delivered returns what raw would return of what a server has taken, without the ends of series.
func (s *server) delivered(t *testing.T) map[string]map[int64]float64 {
	t.Helper()
	all := map[string]map[int64]float64{}
	for _, series := range s.asks(t, `{location!=""}[1h]`, time.Now()) {
		samples := map[int64]float64{}
		for _, sample := range series.Values {
			v, err := strconv.ParseFloat(sample[1].(string), 64)
			if err != nil {
				t.Fatal(err)
			}
			if !math.IsNaN(v) { // VictoriaMetrics shows where a series ends
				samples[int64(math.Round(sample[0].(float64)*1000))] = v
			}
		}
		all[labels.FromMap(series.Metric).String()] = samples
	}
	return all
}

// sent is what a receiver must have of a store: every sample, with the external label, ends left out.
func sent(t *testing.T, of map[string]map[int64]float64) map[string]map[int64]float64 {
	t.Helper()
	all := map[string]map[int64]float64{}
	for series, samples := range of {
		b := labels.NewBuilder(metric(t, series))
		if b.Get("location") == "" {
			b.Set("location", "berlin")
		}
		left := maps.Clone(samples)
		maps.DeleteFunc(left, func(_ int64, v float64) bool { return value.IsStaleNaN(v) })
		all[b.Labels().String()] = left
	}
	return all
}

// differ says what is missing, or what is different when nothing is.
func differ(want, got map[string]map[int64]float64, how cmp.Option) string {
	for series, samples := range want {
		if len(got[series]) < len(samples) {
			return fmt.Sprintf("%s: %d of %d samples", series, len(got[series]), len(samples))
		}
	}
	return cmp.Diff(want, got, how)
}

func TestRemoteWrite_RealReceiversHaveWhatTheStoreHas(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		of    program
		ready string
		write string
		args  func(address, dir string) []string
		equal cmp.Option
	}{
		{
			name: "Prometheus", of: program{"prometheus", "prometheus"}, ready: "/-/ready", write: "/api/v1/write", equal: cmp.Options{},
			args: func(address, dir string) []string {
				conf := filepath.Join(dir, "prometheus.yaml")
				if err := os.WriteFile(conf, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				return []string{
					"--config.file=" + conf, "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + address,
					"--web.enable-remote-write-receiver",
				}
			},
		},
		{
			name: "VictoriaMetrics", of: program{"victoria-metrics", "victoria-metrics"}, ready: "/health", write: "/api/v1/write",
			equal: cmpopts.EquateApprox(1e-11, 0), // it keeps twelve digits
			args: func(address, dir string) []string {
				return []string{
					"-storageDataPath=" + filepath.Join(dir, "data"), "-httpListenAddr=" + address, "-search.latencyOffset=0s",
					"-search.disableCache", "-retentionPeriod=1y",
				}
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address := unusedAddress(t)
			dir := t.TempDir()
			start := func() *server { return tt.of.serve(t, address, tt.ready, tt.args(address, dir)...) }
			receiver := start()

			home := t.TempDir()
			db := openShop(t, home)
			r := mustRemote(t, "- {name: other, url: 'http://%s"+tt.write+"', queue_config: {batch_send_deadline: 100ms, min_backoff: 50ms, max_backoff: 200ms}}", address, nil)
			st := r.attach(t.Context(), db, home)
			ctx, cancel := context.WithCancel(t.Context())
			var parts sync.WaitGroup
			customers := new(shop)
			customers.breakDown(true)
			e := mustEvaluator(t, Options{Rules: hastened()})
			parts.Go(func() { feed(ctx, t, st, time.Second, customers.samples) })
			parts.Go(func() { e.run(ctx, through(st), func() {}) })

			const score = `channel:channelwatch_score:28d`
			eventually(t, "a recorded value arrives", func() string {
				if got := receiver.asks(t, score+`{location="berlin"}`, time.Now()); len(got) == 1 {
					return ""
				}
				return fmt.Sprint(r.readings())
			})

			// Down, and back: what was appended meanwhile comes, too.
			receiver.stop()
			eventually(t, "samples wait", func() string {
				if figureOf(r.readings(), "history_remote_write_samples_retried_total") > 0 && figureOf(r.readings(), remoteLag) > 2 {
					return ""
				}
				return fmt.Sprint(r.readings())
			})
			receiver = start()
			customers.breakDown(false) // touchpoint_state ends
			eventually(t, "the receiver has caught up", func() string {
				if figureOf(r.readings(), remoteLag) <= 1 && figureOf(r.readings(), "history_remote_write_samples_pending") < 100 {
					return ""
				}
				return fmt.Sprint(r.readings())
			})
			const ended = `channelwatch_touchpoint_state{touchpoint="home"}`
			if tt.name == "Prometheus" { // VictoriaMetrics has its own idea of when a series ends
				eventually(t, "a series that ended is gone at once", func() string {
					if got := receiver.asks(t, ended, time.Now()); len(got) > 0 {
						return fmt.Sprint(got)
					}
					return ""
				})
			}
			cancel()
			parts.Wait()
			if err := r.detach(); err != nil {
				t.Error(err)
			}

			want := sent(t, raw(t, db))
			if len(want) < 50 {
				t.Fatalf("only %d series were stored", len(want))
			}
			eventually(t, "the receiver has every sample", func() string { return differ(want, receiver.delivered(t), tt.equal) })
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRemoteWrite_SendsTheLastSampleBeforeItCloses(t *testing.T) {
	leavesNothing(t)
	took := 0
	var mu sync.Mutex
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		took++
	}))
	defer receiver.Close()
	home := t.TempDir()
	db := openShop(t, home)
	defer func() { _ = db.Close() }()
	// It would wait an hour for more to send.
	r := mustRemote(t, "- {url: 'http://%s/', queue_config: {batch_send_deadline: 1h}}", receiver.Listener.Addr().String(), nil)
	st := r.attach(t.Context(), db, home)
	sleepUntil(t.Context(), time.Now().Add(10*time.Millisecond)) // it sends what is younger than itself
	app := st.Appender(t.Context())
	if _, err := app.Append(0, labels.FromStrings("__name__", "last"), time.Now().Add(time.Second).UnixMilli(), 1); err != nil {
		t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := r.detach(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if took != 1 {
		t.Errorf("the receiver took %d requests, want 1", took)
	}
	if at, of := len(r.readings()), len(remoteFigures())+3; at != of {
		t.Errorf("%d readings at rest, want the %d that there are while it sends", at, of)
	}
}

func TestRemoteWrite_IsNothingWithoutReceivers(t *testing.T) {
	r, err := newRemoteWrite(Options{})
	if r != nil || err != nil {
		t.Fatalf("got %v and %v, want nothing", r, err)
	}
	db := openShop(t, t.TempDir())
	defer func() { _ = db.Close() }()
	if st := r.attach(t.Context(), db, ""); st != storage.Storage(db) {
		t.Errorf("appends go to %v", st)
	}
	if err := r.detach(); err != nil {
		t.Error(err)
	}
	if got := r.readings(); got != nil {
		t.Errorf("readings of nothing: %v", got)
	}
}
