//go:build !nohistory

package history

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/metadata"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"github.com/prometheus/prometheus/storage/remote"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// runStore runs a store that records every second until the function that it returns is called.
func runStore(t *testing.T, change func(*Options)) (s *Store, stop func()) {
	t.Helper()
	opts := testOptions(t, newSource(t, 1))
	opts.Every = time.Second
	opts.ExternalLabels = []metrics.Label{{Name: "location", Value: "berlin"}}
	change(&opts)
	s = testStore(t, opts)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return s, stop
}

func TestStore_TellsAReceiverThatItsSeriesEnd(t *testing.T) {
	t.Parallel()
	address, dir := unusedAddress(t), t.TempDir()
	conf := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(conf, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	receiver := program{"prometheus", "prometheus"}.serve(t, address, "/-/ready",
		"--config.file="+conf, "--storage.tsdb.path="+dir, "--web.listen-address="+address, "--web.enable-remote-write-receiver")
	s, stop := runStore(t, func(o *Options) {
		o.Rules = bundled()
		o.RemoteWrite = Block{Text: []byte("- {url: 'http://" + address + "/api/v1/write', queue_config: {batch_send_deadline: 100ms}}")}
	})
	eventually(t, "a round arrives", func() string {
		if got := receiver.asks(t, `up{instance="berlin-1", location="berlin"} == 1`, time.Now()); len(got) == 1 {
			return ""
		}
		return fmt.Sprint(s.Readings())
	})
	eventually(t, "it is counted", func() string {
		if got := s.Readings(); figureOf(got, remoteTaken) == 0 {
			return fmt.Sprint(got)
		}
		return ""
	})
	stop()
	if got := receiver.asks(t, `up`, time.Now()); len(got) != 0 {
		t.Errorf("a store that was stopped is still there: %v", got)
	}
	if got := receiver.asks(t, `count_over_time(up[5m])`, time.Now()); len(got) != 1 {
		t.Errorf("what it sent before is gone: %v", got)
	}
}

// receiver2 is a receiver of remote write 2.0, which no real one of Debian's is.
type receiver2 struct {
	mu         sync.Mutex
	described  map[string]metadata.Metadata // by name of the series
	histograms map[string]uint64            // counts, by name
	mistakes   []string
}

func (r *receiver2) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	written, err := r.take(req)
	if err != nil {
		r.mistakes = append(r.mistakes, err.Error())
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	written.SetHeaders(w)
}

func (r *receiver2) take(req *http.Request) (written remote.WriteResponseStats, err error) {
	if got, want := req.Header.Get("Content-Type"), "application/x-protobuf;proto=io.prometheus.write.v2.Request"; got != want {
		return written, fmt.Errorf("content type %q, want %q", got, want)
	}
	if got := req.Header.Get("X-Tenant"); got != "shop" {
		return written, fmt.Errorf("header X-Tenant %q, want shop", got)
	}
	packed, err := io.ReadAll(req.Body)
	if err != nil {
		return written, err
	}
	body, err := snappy.Decode(nil, packed)
	if err != nil {
		return written, err
	}
	var message writev2.Request
	if err := message.Unmarshal(body); err != nil {
		return written, err
	}
	b := labels.NewScratchBuilder(0)
	for _, series := range message.Timeseries {
		of, err := series.ToLabels(&b, message.Symbols)
		if err != nil {
			return written, err
		}
		about, err := series.ToMetadata(message.Symbols)
		if err != nil {
			return written, err
		}
		name := of.Get(model.MetricNameLabel)
		r.described[name] = about
		for _, h := range series.Histograms {
			r.histograms[name] = h.GetCountInt()
		}
		written.Samples += len(series.Samples)
		written.Histograms += len(series.Histograms)
	}
	return written, nil
}

func TestStore_SendsHistogramsAndHelpByRemoteWrite2(t *testing.T) {
	leavesNothing(t)
	taken := &receiver2{described: map[string]metadata.Metadata{}, histograms: map[string]uint64{}}
	server := httptest.NewServer(taken)
	defer server.Close()
	_, stop := runStore(t, func(o *Options) {
		o.RemoteWrite = Block{Text: []byte(`
- url: ` + server.URL + `
  protobuf_message: io.prometheus.write.v2.Request
  send_native_histograms: true
  headers: {X-Tenant: shop}
  queue_config: {batch_send_deadline: 100ms}
`)}
	})
	const duration = "channelwatch_probe_duration_seconds"
	eventually(t, "a histogram and its help arrive", func() string {
		taken.mu.Lock()
		defer taken.mu.Unlock()
		about := taken.described[duration]
		if taken.histograms[duration] == 1 && about.Type == model.MetricTypeHistogram && about.Unit == "seconds" && strings.HasPrefix(about.Help, "Time that a customer") {
			return ""
		}
		return fmt.Sprintf("%d results in %+v; %v", taken.histograms[duration], about, taken.mistakes)
	})
	stop()
	taken.mu.Lock()
	defer taken.mu.Unlock()
	if len(taken.mistakes) > 0 {
		t.Error(taken.mistakes)
	}
}
