package push_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/push"
)

func TestWritten(t *testing.T) {
	t.Parallel()
	known := time.Unix(1_700_000_000, 0)
	file := filepath.Join(t.TempDir(), "token")
	if got := push.Written(file, known); !got.Equal(known) {
		t.Errorf("a file that is gone: got %v, want %v", got, known)
	}
	if err := os.WriteFile(file, []byte("token"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := known.Add(time.Hour)
	if err := os.Chtimes(file, again, again); err != nil {
		t.Fatal(err)
	}
	if got := push.Written(file, known); !got.Equal(again) {
		t.Errorf("a file that was written again: got %v, want %v", got, again)
	}
}
