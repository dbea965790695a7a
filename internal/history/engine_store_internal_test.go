//go:build !nohistory

package history

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/query"
)

var _ query.Engine = (*Store)(nil)

// What a store recorded is what its queries and its API tell, for as long as it is open.
func TestStore_Answers(t *testing.T) {
	t.Parallel()
	src := newSource(t, 1)
	src.set(map[string]float64{"of=a": 1, "of=b": 2})
	s := testStore(t, testOptions(t, src))
	server := httptest.NewServer(s.API())
	t.Cleanup(server.Close)
	notReady := func(when string) {
		t.Helper()
		if _, err := s.Query(t.Context(), "1", time.Time{}); !errors.Is(err, ErrNotReady) {
			t.Errorf("%s: error %v, want %v", when, err, ErrNotReady)
		}
		if _, err := s.QueryRange(t.Context(), "1", time.Unix(0, 0), time.Unix(1, 0), time.Second); !errors.Is(err, ErrNotReady) {
			t.Errorf("%s: error %v, want %v", when, err, ErrNotReady)
		}
		got := ask(t, server.URL, "/api/v1/query?query=1", nil)
		if got.status != http.StatusServiceUnavailable || !strings.HasPrefix(got.body, `{"status":"error","errorType":"unavailable","error":"history is not open yet`) {
			t.Errorf("%s: %d %s, want 503 and why", when, got.status, got.body)
		}
	}
	notReady("before it is opened")

	o, closeStore := openStore(t, s)
	start := time.Now().Truncate(testEvery).Add(-time.Minute)
	ticks(t, s, o, from(start, 3)...)
	labels := func(of string) map[string]string {
		return map[string]string{"__name__": "channelwatch_test_value", "instance": "berlin-1", "job": "channelwatch", "of": of}
	}
	at := start.Add(2 * testEvery)
	got, err := s.Query(t.Context(), "channelwatch_test_value", at)
	want := []query.Series{
		{Labels: labels("a"), Points: []query.Point{{At: at.UnixMilli(), Value: 1}}},
		{Labels: labels("b"), Points: []query.Point{{At: at.UnixMilli(), Value: 2}}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("query: %v (-want +got):\n%s", err, diff)
	}
	got, err = s.QueryRange(t.Context(), `channelwatch_test_value{of="b"}`, start, at, testEvery)
	want = []query.Series{{Labels: labels("b"), Points: []query.Point{
		{At: start.UnixMilli(), Value: 2}, {At: start.Add(testEvery).UnixMilli(), Value: 2}, {At: at.UnixMilli(), Value: 2},
	}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("range query: %v (-want +got):\n%s", err, diff)
	}

	if got := ask(t, server.URL, "/api/v1/label/of/values?match[]=channelwatch_test_value", nil); got.body != `{"status":"success","data":["a","b"]}` {
		t.Errorf("values of a label: %s, want a and b", got.body)
	}
	var metadata struct {
		Data map[string][]struct{ Type, Unit, Help string }
	}
	if err := json.Unmarshal([]byte(ask(t, server.URL, "/api/v1/metadata", nil).body), &metadata); err != nil {
		t.Fatal(err)
	}
	if got := metadata.Data["channelwatch_test_value"]; len(got) != 1 || got[0].Type != "gauge" || got[0].Help != "Set by the test." {
		t.Errorf("metadata of a reading: %v, want a gauge with its help", got)
	}
	if got := metadata.Data["channelwatch_probe_duration_seconds"]; len(got) != 1 || got[0].Type != "histogram" || got[0].Unit != "seconds" {
		t.Errorf("metadata of the histogram: %v, want one of seconds", got)
	}

	closeStore()
	notReady("when it is closed")
}
