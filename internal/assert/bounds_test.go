package assert_test

import (
	"testing"

	"github.com/channelwatch/channelwatch/internal/assert"
)

func TestParseSize(t *testing.T) {
	t.Parallel()
	valid := map[string]int64{
		"0": 0, "900": 900, "12B": 12, "64KB": 64000, "64 kb": 64000, "1.5MiB": 1572864, "2mb": 2000000, "1KiB": 1024, "1GB": 1e9, "1GiB": 1 << 30,
	}
	for text, want := range valid {
		if got, ok := assert.ParseSize(text); !ok || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "KB", "-1", "1TB", "1K", "NaN", "1e30", "1 2"} {
		if got, ok := assert.ParseSize(text); ok {
			t.Errorf("%q: got %d, want none", text, got)
		}
	}
}
