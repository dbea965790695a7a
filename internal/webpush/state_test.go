package webpush_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/webpush"
)

const storedState = `{"service": "wss://push.example.net/", "key": "", "uaid": "planted-uaid-of-a-browser", "channel": "planted-channel",
	"endpoint": "` + anEndpoint + `", "keys": {"private": "` + rfcPrivate + `", "auth": "` + rfcAuth + `"}}`

func writeState(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestState_SurvivesAFile(t *testing.T) {
	t.Parallel()
	state, err := webpush.ReadState("state_file", writeState(t, storedState, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "state")
	if err := os.WriteFile(file, []byte("older"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := state.Write(file); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v in the folder, want the file alone", entries, err)
	}
	again, err := webpush.ReadState("state_file", file)
	if err != nil || !slices.Equal(again.Secrets(), state.Secrets()) {
		t.Errorf("got %q, %v, want %q", again.Secrets(), err, state.Secrets())
	}
	want := []string{
		"planted-uaid-of-a-browser", "planted-channel", rfcPrivate, anEndpoint, rfcPublic, rfcAuth,
		"planted-endpoint-of-a-browser", "planted-query-of-it",
	}
	if got := state.Secrets(); !slices.Equal(got, want) {
		t.Errorf("secrets %q, want %q", got, want)
	}
}

func TestState_NoneYet(t *testing.T) {
	t.Parallel()
	state, err := webpush.ReadState("state_file", filepath.Join(t.TempDir(), "none"))
	if err != nil || !state.IsZero() || state.Secrets() != nil {
		t.Errorf("got %v, %v, want the zero value", state, err)
	}
}

func TestState_WriteFails(t *testing.T) {
	t.Parallel()
	state, err := webpush.ReadState("state_file", writeState(t, storedState, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	if err := state.Write(filepath.Join(t.TempDir(), "none", "state")); err == nil || strings.Contains(err.Error(), "planted") {
		t.Errorf("got %v, want an error without secrets", err)
	}
	dir := t.TempDir()
	taken := filepath.Join(dir, "state")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := state.Write(taken); err == nil || strings.Contains(err.Error(), "planted") {
		t.Errorf("got %v, want an error without secrets", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v in the folder, want nothing left behind", entries, err)
	}
}

func TestReadState_Refuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		{"everybody reads it", storedState, 0o644, "can be read by everybody (mode 0644), want 0640 or less"},
		{"no JSON", "planted", 0o600, "is not the state of a receiver; remove it, and a new subscription is made"},
		{"empty", "", 0o600, "is the damaged state of a receiver"},
		{"no keys", strings.Replace(storedState, `"keys"`, `"kees"`, 1), 0o600, "is the damaged state of a receiver"},
		{"no name", strings.Replace(storedState, `"uaid"`, `"user"`, 1), 0o600, "is the damaged state of a receiver"},
		{"no channel", strings.Replace(storedState, `"channel"`, `"chan"`, 1), 0o600, "is the damaged state of a receiver"},
		{"no base64url", strings.Replace(storedState, rfcPrivate, "planted/key", 1), 0o600, "is the damaged state of a receiver"},
		{"no key", strings.Replace(storedState, rfcPrivate, rfcAuth, 1), 0o600, "is the damaged state of a receiver"},
		{"no auth", strings.Replace(storedState, rfcAuth, "AA", 1), 0o600, "is the damaged state of a receiver"},
		{"zeros", strings.Repeat("\x00", 400), 0o600, "is the damaged state of a receiver"},
		{"cut off", storedState[:len(storedState)/2], 0o600, "is the damaged state of a receiver"},
		{"a key of somebody else", "-----BEGIN PRIVATE KEY-----\nplanted", 0o600, "is not the state of a receiver; remove it, and a new subscription is made"},
		{"plain text", strings.Replace(storedState, "https:", "http:", 1), 0o600, "endpoint: want https, or http on this machine; remove it, and a new subscription is made"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := webpush.ReadState("state_file", writeState(t, tc.text, tc.mode))
			field, ok := errors.AsType[*probe.FieldError](err)
			if !ok || field.Field != "state_file" || !strings.HasSuffix(err.Error(), tc.want) || strings.Contains(err.Error(), "planted") {
				t.Errorf("got %v, want a mistake in state_file: … %s", err, tc.want)
			}
			if got, want := errors.Is(err, webpush.ErrDamaged), strings.Contains(tc.want, "damaged"); got != want {
				t.Errorf("damaged: got %t, want %t", got, want)
			}
		})
	}
	if _, err := webpush.ReadState("state_file", ""); err == nil {
		t.Error("no name of a file is taken, want an error")
	}
}
