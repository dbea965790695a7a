package view

import (
	"fmt"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/query"
)

// TestReadWindows_OfAYoungHistory shows no window that tells of the same time as a shorter one.
func TestReadWindows_OfAYoungHistory(t *testing.T) {
	t.Parallel()
	tests := []struct {
		minutes float64 // measured
		want    string
	}{
		{0, "5m"},
		{5, "5m"},
		{7, "5m 1h early"},
		{30, "5m 1h"},
		{60, "5m 1h"},
		{65, "5m 1h 1d early"},
		{12 * 60, "5m 1h 1d"},
		{24 * 60, "5m 1h 1d"},
		{24*60 + 5, "5m 1h 1d 7d early 28d early"},
		{4 * 24 * 60, "5m 1h 1d 7d 28d early"},
		{28 * 24 * 60, "5m 1h 1d 7d 28d"},
	}
	for _, tt := range tests {
		of := subject{channel: "web"}
		measured := coverage{"web": {}}
		answers := make(map[window]*[]query.Series)
		for _, w := range windows() {
			ratio := min(tt.minutes/w.length().Minutes(), 1)
			if w != recent {
				measured["web"][w] = ratio
			}
			answers[w] = &[]query.Series{{
				Labels: map[string]string{"__name__": channels.score(w), "channel": "web"}, Points: []query.Point{{At: base.UnixMilli(), Value: 97}},
			}}
		}
		var got []string
		for _, s := range readWindows(answers, of, measured) {
			got = append(got, s.Window)
			if s.Early {
				got = append(got, "early")
			}
			if w := window(s.Window); w != recent && s.Coverage != measured["web"][w] || w == recent && s.Coverage != 0 {
				t.Errorf("%v min: coverage of %s is %v", tt.minutes, s.Window, s.Coverage)
			}
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%s measured: got %q, want %q", fmt.Sprint(tt.minutes, " min"), got, tt.want)
		}
	}
	nothing := make(map[window]*[]query.Series)
	for _, w := range windows() {
		nothing[w] = &[]query.Series{}
	}
	if got := readWindows(nothing, subject{channel: "web"}, coverage{}); got == nil || len(got) > 0 {
		t.Errorf("without records: got %+v, want an empty list", got)
	}
}
