package chromium

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func executable(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFind_Configured(t *testing.T) {
	dir := t.TempDir()
	path := executable(t, dir, "my-chromium")
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	for _, test := range []struct{ name, configured, want, refused string }{
		{"by path", path, path, ""},
		{"by name", "my-chromium", path, ""},
		{"the wrapper of Debian", "/usr/bin/chromium-headless-shell", "/usr/lib/chromium/chromium-headless-shell", ""},
		{"a path that is not there", "/nowhere/chromium", "", `browser "/nowhere/chromium" does not exist: install chromium-headless-shell`},
		{"a name that is not there", "no-chromium", "", `browser "no-chromium" does not exist: `},
		{"no executable", plain, "", `browser "` + plain + `" cannot be run (permission denied): `},
		{"a directory", dir, "", `browser "` + dir + `" cannot be run (is a directory): `},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, missing := find(test.configured)
			if err := Installed(test.configured); (err != nil) != (test.refused != "") {
				t.Errorf("installed: %v", err)
			}
			switch {
			case missing != nil && (missing.Check != Missing || test.refused == "" || !strings.HasPrefix(missing.Detail, test.refused)):
				t.Errorf("%s: %s, want %q", missing.Check, missing.Detail, test.refused)
			case got != test.want:
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestLookUp(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	second := executable(t, dir, "second")
	third := executable(t, dir, "third")
	if got, missing := lookUp([]string{"first", "second", "third"}); got != second || missing != nil {
		t.Errorf("%q, %v; want the first that is there, %q", got, missing, second)
	}
	if got, missing := lookUp([]string{"/nowhere/first", third}); got != third || missing != nil {
		t.Errorf("%q, %v; want %q", got, missing, third)
	}
	_, missing := lookUp([]string{"first"})
	if missing == nil || missing.Check != Missing || !strings.Contains(missing.Detail, "apt-get install -y chromium-headless-shell") {
		t.Errorf("%v, want what to install", missing)
	}
}

// A headless shell comes before every full browser: it takes a third of the processor time.
func TestCandidates(t *testing.T) {
	full := slices.IndexFunc(candidates(), func(c string) bool { return !strings.Contains(c, "headless-shell") })
	if slices.ContainsFunc(candidates()[full:], func(c string) bool { return strings.Contains(c, "headless-shell") }) {
		t.Errorf("%q: a headless shell comes after a full browser", candidates())
	}
}

func TestFlags(t *testing.T) {
	for _, test := range []struct {
		name         string
		sandbox, shm bool
		want         []string
		not          []string
	}{
		{"as a rule", true, true, []string{"--remote-debugging-pipe", "--user-data-dir=/private"}, []string{"--no-sandbox", "--disable-dev-shm-usage"}},
		{"without a sandbox", false, true, []string{"--no-sandbox"}, nil},
		{"with little shared memory", true, false, []string{"--disable-dev-shm-usage"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := flags("/private", test.sandbox, test.shm)
			for _, flag := range test.want {
				if !slices.Contains(got, flag) {
					t.Errorf("%s is missing in %q", flag, got)
				}
			}
			for _, flag := range test.not {
				if slices.Contains(got, flag) {
					t.Errorf("%s is in %q", flag, got)
				}
			}
		})
	}
}

func TestCredential(t *testing.T) {
	if os.Geteuid() != 0 {
		if got, err := credential("nobody"); got != nil || err != nil {
			t.Errorf("%v, %v; an agent without privileges becomes nobody else", got, err)
		}
		return
	}
	for _, test := range []struct {
		configured string
		uid        uint32
		refused    string
	}{
		{"", nobodyID, ""},
		{"nobody", nobodyID, ""},
		{"65534", nobodyID, ""},
		{"daemon", 1, ""},
		{"root", 0, `user "root" to run the browser as is root, which Chromium refuses its sandbox`},
		{"no-such-user", 0, `user "no-such-user" to run the browser as: `},
	} {
		t.Run(test.configured, func(t *testing.T) {
			got, err := credential(test.configured)
			switch {
			case test.refused != "":
				if err == nil || !strings.HasPrefix(err.Error(), test.refused) {
					t.Errorf("error %v, want %q", err, test.refused)
				}
			case err != nil || got.Uid != test.uid || len(got.Groups) > 0:
				t.Errorf("%+v, %v; want user %d without further groups", got, err, test.uid)
			}
		})
	}
}
