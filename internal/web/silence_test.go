package web_test

import (
	"strings"
	"testing"
	"time"
)

// TestPages_SayThatNothingIsNew shows scores that nobody has recorded for a while, on a page that is fresh.
func TestPages_SayThatNothingIsNew(t *testing.T) {
	for name, tt := range map[string]struct {
		age  time.Duration
		want string
	}{
		"fresh": {2 * time.Minute, ""},
		"old":   {14 * time.Minute, "Nothing was recorded in the last 14 min: what you see is from "},
	} {
		t.Run(name, func(t *testing.T) {
			views := shop()
			for _, c := range views.channels {
				if c.Now != nil {
					c.Now.At = views.at.Add(-tt.age)
				}
			}
			base := serve(t, &source{channels: channels()}, withViews(views))
			for _, path := range []string{"/", "/wall"} {
				got := text(find(document(t, base+path), ".notice")...)
				if !strings.HasPrefix(got, tt.want) || (tt.want == "") != (got == "") {
					t.Errorf("%s: %q, want %q", path, got, tt.want)
				}
			}
			page := document(t, base+"/wall")
			if got, want := attr(find(page, ".data time")[0], "datetime"), views.at.Add(-tt.age).UTC().Format(time.RFC3339); got != want {
				t.Errorf("the wall shows data of %s, want %s", got, want)
			}
		})
	}
}
