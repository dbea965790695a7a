package freshness_test

import (
	"math"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe/freshness"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	want := time.Date(2026, 7, 31, 10, 30, 0, 0, time.UTC)
	cases := map[string]bool{ // whether there is no zone
		"2026-07-31T10:30:00Z": false, "2026-07-31T12:30:00+02:00": false, "2026-07-31T10:30:00.000Z": false, "2026-07-31T10:30Z": false,
		"2026-07-31 10:30:00+00": false, "2026-07-31 16:00:00+05:30": false, "2026-07-31 12:30:00+0200": false, "2026-07-31T12:30:00+0200": false,
		"2026-07-31 12:30:00 +0200": false, "2026-07-31 12:30:00 +02:00": false, "2026-07-31 10:30:00 UTC": false,
		"Fri, 31 Jul 2026 10:30:00 GMT": false, "Fri, 31 Jul 2026 12:30:00 +0200": false, " 2026-07-31T10:30:00Z\n": false,
		"1785493800": false, "1785493800.000": false, "1785493800000": false, "1785493800000000": false, "1785493800000000000": false, "1.7854938e9": false,
		"2026-07-31T12:30:00": true, "2026-07-31 12:30:00": true, "2026-07-31 12:30:00.000000": true, "2026-07-31 12:30": true, "2026-07-31T12:30": true,
	}
	for text, zoneless := range cases {
		got, err := freshness.ParseTime(text, berlin)
		if at, none := got.Fields(); err != nil || !at.Equal(want) || none != zoneless {
			t.Errorf("%q: got %v without zone %v, %v; want %v without zone %v", text, at, none, err, want, zoneless)
		}
	}
	for _, text := range []string{
		"", "yesterday", "NaN", "Inf", "1e300", "-1e300", "31.07.2026", "2026-07-31T25:00:00Z", "2026-13-01", "Fri, 31 Jul 2026 10:30:00 CET", "infinity",
	} {
		if got, err := freshness.ParseTime(text, time.UTC); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{"2026-07-31T10:30:00Z", "1785493800000", "2026-07-31", "-0", "1e11", "9e27", "Fri, 31 Jul 2026 10:30:00 CET", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := freshness.ParseTime(text, time.UTC)
		if err != nil {
			if len(err.Error()) > 1000 {
				t.Errorf("got an error of %d bytes, want a short one", len(err.Error()))
			}
			return
		}
		at, _ := got.Fields()
		if seconds := math.Abs(float64(at.Unix())); seconds > 3e11 {
			t.Errorf("%q: got %v, want a time of this age", text, at)
		}
	})
}
