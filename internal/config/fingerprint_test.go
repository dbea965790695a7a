package config_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestFingerprint(t *testing.T) {
	const with = `with: {url: "https://www.example.com/", profile: phone, expect: {status: [200, 204]}}`
	base := touchpoint(t, probe.MobileWeb, "every: 30s", with).Fingerprint
	tests := []struct {
		name  string
		same  bool
		typ   probe.ChannelType
		lines []string
	}{
		{"read again", true, probe.MobileWeb, []string{"every: 30s", with}},
		{"default written out", true, probe.MobileWeb, []string{"every: 30s", "timeout: 10s", "tier: standard", "weight: 1", "title: Home page", with}},
		{"other words for the same", true, probe.MobileWeb, []string{"every: 0.5m", "# comment", with}},
		{"other order of keys", true, probe.MobileWeb, []string{"every: 30s", `with: {profile: phone, expect: {status: [200, 204]}, "url": 'https://www.example.com/'}`}},
		{"every", false, probe.MobileWeb, []string{"every: 31s", with}},
		{"timeout", false, probe.MobileWeb, []string{"every: 30s", "timeout: 9s", with}},
		{"recheck", false, probe.MobileWeb, []string{"every: 30s", "recheck: 2s", with}},
		{"tier", false, probe.MobileWeb, []string{"every: 30s", "tier: critical", with}},
		{"weight", false, probe.MobileWeb, []string{"every: 30s", "weight: 2", with}},
		{"title", false, probe.MobileWeb, []string{"every: 30s", "title: Start", with}},
		{"limits", false, probe.MobileWeb, []string{"every: 30s", "limits: {fair: 5s}", with}},
		{"url", false, probe.MobileWeb, []string{"every: 30s", `with: {url: "https://www.example.com/b", profile: phone, expect: {status: [200, 204]}}`}},
		{"order of a list", false, probe.MobileWeb, []string{"every: 30s", `with: {url: "https://www.example.com/", profile: phone, expect: {status: [204, 200]}}`}},
		{"type of the channel", false, probe.MobileApp, []string{"every: 30s", "limits: {excellent: 800ms, good: 1.8s, fair: 4s}", with}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := touchpoint(t, test.typ, test.lines...).Fingerprint; (got == base) != test.same {
				t.Errorf("got %x beside %x, want the same: %v", got, base, test.same)
			}
		})
	}
}

// TestFingerprint_Files checks that a rotated secret builds its touchpoint anew, and no other.
func TestFingerprint_Files(t *testing.T) {
	dir := t.TempDir()
	main := filepath.Join(dir, "main.yaml")
	write(t, filepath.Join(dir, "token"), "first")
	write(t, filepath.Join(dir, "ca.pem"), "one")
	write(t, main, `
channels:
  - name: web
    type: desktop_web
    touchpoints:
      - {name: token, kind: page, with: {url: "https://www.example.com/", token: {file: token}}}
      - {name: ca, kind: page, with: {url: "https://www.example.com/", ca: ca.pem}}
      - {name: none, kind: page, with: {url: "https://www.example.com/"}}
`)
	load := func() (*config.Config, map[string]uint64) {
		t.Helper()
		c, err := config.Load(main, testKinds())
		if err != nil {
			t.Fatal(err)
		}
		prints := make(map[string]uint64)
		for _, tp := range c.Touchpoints() {
			prints[tp.Name] = tp.Fingerprint
		}
		return c, prints
	}
	first, before := load()
	write(t, filepath.Join(dir, "token"), "second")
	if err := os.Chtimes(filepath.Join(dir, "ca.pem"), time.Now(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	second, after := load()
	if before["token"] == after["token"] {
		t.Error("a changed secret leaves the fingerprint as it was")
	}
	delete(before, "token")
	delete(after, "token")
	equal(t, "fingerprints of the others", after, before)
	equal(t, "hash, which secrets are not in", second.Hash, first.Hash)
}

func TestConfig_Hash(t *testing.T) {
	one := parse(t, oneTouchpoint(probe.MobileWeb))
	two := parse(t, oneTouchpoint(probe.MobileWeb)+"# a comment\n")
	if len(one.Hash) != 64 || one.Hash == two.Hash {
		t.Errorf("got the hashes %q and %q, want two of 64 digits", one.Hash, two.Hash)
	}
}
