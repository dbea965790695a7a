package webpush_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/channelwatch/channelwatch/internal/webpush"
)

func FuzzFrame(f *testing.F) {
	file := filepath.Join(f.TempDir(), "state")
	if err := os.WriteFile(file, []byte(storedState), 0o600); err != nil {
		f.Fatal(err)
	}
	state, err := webpush.ReadState("state_file", file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(notification("v", decoded(f, rfcBody))))
	f.Add([]byte(notification("v", nil)))
	f.Add([]byte(`{"messageType": "hello", "status": 200, "uaid": "a"}`))
	f.Add([]byte(`{"headers": []}`))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, code, ours, err := webpush.Open(state, data)
		switch {
		case err != nil:
		case !ours && code != 102, ours && m.Err != nil && code != 101, ours && m.Err == nil && code != 100:
			t.Errorf("code %d for %+v, ours %v", code, m, ours)
		case m.Err != nil && m.Plaintext != nil:
			t.Errorf("%d bytes of what could not be decrypted", len(m.Plaintext))
		}
	})
}
