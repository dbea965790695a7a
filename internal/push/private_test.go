package push_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

func TestReadPrivate(t *testing.T) {
	t.Parallel()
	write := func(name, content string, mode os.FileMode) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const planted = "planted-secret"
	good := write("key", planted, 0o640)
	data, at, err := push.ReadPrivate("key_file", good)
	if err != nil || string(data) != planted || at.IsZero() {
		t.Fatalf("got %q, %v, %v", data, at, err)
	}
	for name, file := range map[string]string{
		"none": "", "missing": filepath.Join(t.TempDir(), "none"), "readable by everybody": write("open", planted, 0o644),
		"too large": write("large", strings.Repeat(planted, 10000), 0o600), "a directory": t.TempDir(),
	} {
		if err := os.Chmod(filepath.Dir(good), 0o700); err != nil {
			t.Fatal(err)
		}
		data, _, err := push.ReadPrivate("key_file", file)
		if err == nil || data != nil || strings.Contains(err.Error(), planted) {
			t.Errorf("%s: got %d bytes and %v, want an error without the content", name, len(data), err)
		}
	}
}

// What kinds declare follows from two tables whose entries are complete and named once.
func TestTables(t *testing.T) {
	t.Parallel()
	var ids []probe.CheckID
	ids = append(ids, push.Outcomes(true, true)...)
	ids = append(ids, push.Disconnected, push.Stale)
	checks := push.Checks(ids...)
	if len(checks) != len(ids) {
		t.Errorf("%d ids name %d checks", len(ids), len(checks))
	}
	for _, c := range checks {
		if c.Title == "" || c.Marketing == "" || c.IT == "" {
			t.Errorf("%s says too little: %+v", c.ID, c)
		}
	}
	names := append(push.Names(true), push.ReceiverUp, push.ReceiverReconnects, push.SkippedTotal, push.Outstanding, push.CredentialOK,
		push.CredentialExpiry, push.TargetValid, push.TargetRefreshed)
	metrics := push.Metrics(names...)
	if len(metrics) != len(names) {
		t.Errorf("%d names are of %d metrics", len(names), len(metrics))
	}
	for _, word := range push.Words() {
		if word := push.Word(word); word != push.Accepted && word != push.Unanswered && push.Checks(push.Answer{Word: word}.Check()) == nil {
			t.Errorf("the answer %q has no check", word)
		}
	}
}
