package config_test

import (
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/config"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		text    string
		want    time.Duration
		mistake string
	}{
		{"0", 0, ""},
		{"0s", 0, ""},
		{"800ms", 800 * time.Millisecond, ""},
		{"1.8s", 1800 * time.Millisecond, ""},
		{"5us", 5 * time.Microsecond, ""},
		{"5µs", 5 * time.Microsecond, ""},
		{"7ns", 7, ""},
		{"1h30m", 90 * time.Minute, ""},
		{"28d", 28 * day, ""},
		{"4w", 28 * day, ""},
		{"1w2d12h", 9*day + 12*time.Hour, ""},
		{"1.5d", 36 * time.Hour, ""},
		{"", 0, "is not a duration"},
		{"30", 0, "has no unit"},
		{"1.5", 0, "has no unit"},
		{"s", 0, "is not a duration"},
		{"-1s", 0, "is not a duration"},
		{"1 s", 0, "is not a duration"},
		{"1s ", 0, "is not a duration"},
		{"1.s", 0, "is not a duration"},
		{"1m30", 0, "is not a duration"},
		{"3y", 0, `has the unknown unit "y"`},
		{"1month", 0, `has the unknown unit "month"`},
		{"20000w", 0, "is too long"},
	}
	for _, test := range tests {
		got, err := config.ParseDuration(test.text)
		mistake := ""
		if err != nil {
			mistake = err.Error()
		}
		if got != test.want || mistake != test.mistake {
			t.Errorf("%q: got %v and %q, want %v and %q", test.text, got, mistake, test.want, test.mistake)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		0:                              "0s",
		7:                              "7ns",
		1500 * time.Microsecond:        "1.5ms",
		800 * time.Millisecond:         "800ms",
		time.Second:                    "1s",
		1800 * time.Millisecond:        "1.8s",
		3845 * time.Millisecond:        "3.845s",
		90 * time.Second:               "1m30s",
		time.Hour:                      "1h",
		28 * day:                       "28d",
		day + time.Hour + time.Second:  "1d1h1s",
		time.Minute + time.Millisecond: "1m0.001s",
	} {
		got := config.FormatDuration(d)
		if got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
		if back, err := config.ParseDuration(got); err != nil || back != d {
			t.Errorf("%q: got %v, %v back, want %v", got, back, err, d)
		}
	}
}
