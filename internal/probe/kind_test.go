package probe_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestDefine_KeepsTheConfigurationTyped(t *testing.T) {
	t.Parallel()
	type config struct {
		Device string
		Max    int
	}
	var built config
	kind := probe.Define(probe.Kind{Name: "test"},
		func(channel probe.ChannelType) config { return config{Device: string(channel), Max: 3} },
		func(c config, setup probe.Setup) (probe.Built, error) {
			built = c
			if setup.Touchpoint == "" {
				return probe.Built{}, probe.Fieldf("max", "%d, want more", c.Max)
			}
			return probe.Built{Profile: probe.Profile{Target: setup.Touchpoint}}, nil
		})
	first, second := kind.NewConfig(probe.Push).(*config), kind.NewConfig(probe.Push).(*config)
	first.Max = 7
	if second.Max != 3 || second.Device != "push" {
		t.Errorf("got %+v, want fresh defaults of the channel type", *second)
	}
	got, err := kind.Build(first, probe.Setup{Touchpoint: "home"})
	if err != nil || got.Profile.Target != "home" || built.Max != 7 {
		t.Errorf("got %+v, error %v from %+v, want the changed configuration built", got, err, built)
	}
	_, err = kind.Build(second, probe.Setup{})
	if fieldErr, ok := errors.AsType[*probe.FieldError](err); !ok || fieldErr.Field != "max" || err.Error() != "max: 3, want more" {
		t.Errorf("got %v, want a mistake in max", err)
	}
}

func TestFieldf_Wraps(t *testing.T) {
	t.Parallel()
	err := probe.Fieldf("tls.ca_file", "reading: %w", fs.ErrNotExist)
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "tls.ca_file: reading: file does not exist" {
		t.Errorf("got %v, want it to wrap its cause", err)
	}
}

func TestResult_Find(t *testing.T) {
	t.Parallel()
	result := probe.Result{Findings: []probe.Finding{{Check: "a"}, {Check: "b", Detail: "first"}, {Check: "b", Detail: "second"}}}
	if f := result.Find("b"); f == nil || f.Detail != "first" {
		t.Errorf("got %+v, want the first b", f)
	}
	if f := result.Find("c"); f != nil {
		t.Errorf("got %+v, want none", f)
	}
}

func TestEvent_JSONHasSeconds(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(probe.Evidence{Events: []probe.Event{{At: 1500 * time.Millisecond, Text: "sent"}}})
	if want := `{"events":[{"at_seconds":1.5,"text":"sent"}]}`; err != nil || string(data) != want {
		t.Errorf("got %s and error %v, want %s", data, err, want)
	}
}

func TestSecret_Read(t *testing.T) {
	t.Setenv("CHANNELWATCH_TEST_SECRET", "from env")
	t.Setenv("CHANNELWATCH_TEST_EMPTY", "")
	t.Setenv("CHANNELWATCH_TEST_SHORT", "abc")
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file, missing := write("token", " from file \r\n\n"), filepath.Join(dir, "missing")
	short, shortest := write("short", "abc\n"), write("shortest", "abcd\n")
	limit, large := write("limit", strings.Repeat("x", 64<<10)), write("large", strings.Repeat("x", 64<<10+1))
	tests := []struct {
		name    string
		secret  probe.Secret
		want    string
		wantErr string
	}{
		{"environment", probe.Secret{Env: "CHANNELWATCH_TEST_SECRET"}, "from env", ""},
		{"file without its line ends", probe.Secret{File: file}, " from file ", ""},
		{"largest file", probe.Secret{File: limit}, strings.Repeat("x", 64<<10), ""},
		{"nothing", probe.Secret{}, "", "want {file: …} or {env: …}"},
		{"both", probe.Secret{File: file, Env: "CHANNELWATCH_TEST_SECRET"}, "", "both file and env are set, want one"},
		{"unset variable", probe.Secret{Env: "CHANNELWATCH_TEST_UNSET"}, "", "environment variable CHANNELWATCH_TEST_UNSET is not set"},
		{"empty variable", probe.Secret{Env: "CHANNELWATCH_TEST_EMPTY"}, "", "environment variable CHANNELWATCH_TEST_EMPTY is not set"},
		{"missing file", probe.Secret{File: missing}, "", "stat " + missing + ": no such file or directory"},
		{"short variable", probe.Secret{Env: "CHANNELWATCH_TEST_SHORT"}, "", "environment variable CHANNELWATCH_TEST_SHORT has 3 bytes, want at least 4, else results cannot be kept free of it"},
		{"shortest file", probe.Secret{File: shortest}, "abcd", ""},
		{"short file", probe.Secret{File: short}, "", short + " has 3 bytes, want at least 4, else results cannot be kept free of it"},
		{"large file", probe.Secret{File: large}, "", large + " has 65537 bytes, want at most 65536"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.secret.Read()
			if got != tt.want {
				t.Errorf("got %.40q, want %.40q", got, tt.want)
			}
			if tt.wantErr == "" && err != nil || tt.wantErr != "" && (err == nil || err.Error() != tt.wantErr) {
				t.Errorf("got error %v, want %q", err, tt.wantErr)
			}
			if tt.secret.IsZero() != (tt.name == "nothing") {
				t.Errorf("got zero %v", tt.secret.IsZero())
			}
		})
	}
}

func TestSecret_PrintsNothing(t *testing.T) {
	t.Parallel()
	holder := struct{ Token probe.Secret }{probe.Secret{Env: "SHOP_TOKEN"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if got := fmt.Sprintf(verb, holder); strings.Contains(got, "SHOP_TOKEN") || !strings.Contains(got, "[redacted]") {
			t.Errorf("%s: got %s, want [redacted]", verb, got)
		}
	}
}
