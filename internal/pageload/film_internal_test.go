package pageload

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func frame(at float64, data string) screencastFrame {
	f := screencastFrame{Data: []byte(data)}
	f.Metadata.Timestamp = at
	return f
}

func TestFilm_Thins(t *testing.T) {
	var f film
	for i := range 100 {
		f.add(frame(1000+float64(i), string(rune('A'+i))))
	}
	var at []float64
	for _, frame := range f.frames {
		at = append(at, frame.Metadata.Timestamp)
	}
	if len(at) != maxFrames || at[0] != 1000 || at[len(at)-1] != 1099 || !slices.IsSorted(at) {
		t.Errorf("got frames at %v, want %d with the first and the last", at, maxFrames)
	}
}

func TestFilm_KeepsWhatDiffers(t *testing.T) {
	var f film
	f.add(frame(1000, "blank"))
	f.add(frame(1001, "blank"))
	f.add(frame(1002, "text"))
	f.add(frame(1003, string(make([]byte, maxFrame+1))))
	f.add(frame(1004, "blank"))
	var got []time.Duration
	for _, p := range f.pictures(1001.5) {
		got = append(got, p.At)
	}
	if diff := cmp.Diff([]time.Duration{500 * time.Millisecond, 2500 * time.Millisecond}, got); diff != "" {
		t.Errorf("moments (-want +got):\n%s", diff)
	}
	f.clear()
	if n := len(f.pictures(0)); n != 0 {
		t.Errorf("got %d frames of a film that was cleared", n)
	}
}

func TestOptions_Orders(t *testing.T) {
	o := Options{Device: Device{Slowdown: 4, Network: &Throttling{Latency: 562500 * time.Microsecond, Down: 1474560}}}
	want := map[string]map[string]any{
		"Emulation.setCPUThrottlingRate": {"rate": 4.0},
		"Network.emulateNetworkConditions": {
			"offline": false, "latency": 562.5, "downloadThroughput": 184320.0, "uploadThroughput": -1.0,
		},
	}
	for _, order := range slices.Concat(o.everywhere(identity{version: "1.2"}), o.frames()) {
		if params, ok := want[order.method]; ok {
			if diff := cmp.Diff(params, order.params); diff != "" {
				t.Errorf("%s (-want +got):\n%s", order.method, diff)
			}
			delete(want, order.method)
		}
	}
	for method := range want {
		t.Errorf("%s: not ordered", method)
	}
}
