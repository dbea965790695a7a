package config_test

import (
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/config"
)

const oneChannel = `
channels:
  - name: mobile-web
    type: mobile_web
    touchpoints:
      - {name: home, kind: page, with: {url: "https://www.example.com/"}}
`

// TestRaw_KeepsWhatIsWrittenAndWhere: another program's reader gets the block, and the lines that it names are those of
// the file.
func TestRaw_KeepsWhatIsWrittenAndWhere(t *testing.T) {
	t.Parallel()
	const block = "  # over there\n  - url: https://example.com/write\n\n    basic_auth: {username: a, password: hunter2}\n"
	tests := []struct{ name, file, want string }{
		{"last", strings.TrimPrefix(oneChannel, "\n") + "remote_write:\n" + block, strings.Repeat("\n", 7) + strings.TrimPrefix(block, "  # over there\n")},
		{"before another", "remote_write:\n" + block + oneChannel, "\n\n" + strings.TrimPrefix(block, "  # over there\n") + "\n"},
		{"on the line of its key", "remote_write: [{url: 'https://example.com/ü'}] # over there\n" + oneChannel, strings.Repeat(" ", 14) + "[{url: 'https://example.com/ü'}] # over there\n\n"},
		{
			"in a file in braces",
			`{remote_write: [{url: "https://example.com/write"}], channels: [{name: web, type: custom, touchpoints: [{name: home, kind: page, with: {url: "https://www.example.com/"}}]}]}`,
			"[{url: \"https://example.com/write\"}]\n",
		},
		{"none", oneChannel, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := config.Parse("test.yaml", []byte(tt.file), testKinds())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if got := string(c.RemoteWrite.YAML()); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if c.RemoteWrite.IsZero() != (tt.want == "") {
				t.Errorf("IsZero %v of %q", c.RemoteWrite.IsZero(), tt.want)
			}
		})
	}
}

func TestRaw_IsNotShown(t *testing.T) {
	t.Parallel()
	view := func(password string) string {
		c, err := config.Parse("test.yaml", []byte("remote_write:\n  - url: https://example.com/write\n    bearer_token: "+password+oneChannel), testKinds())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, b := range c.Settings().Blocks {
			if b.Type == "remote_write" {
				return b.Fields["text"]
			}
		}
		return "nothing"
	}
	if got := view("hunter2"); !strings.HasPrefix(got, "hidden-") || got == view("hunter3") {
		t.Errorf("got %q for one token and %q for another, want different checksums", got, view("hunter3"))
	}
}

func TestHistory_DirIsThatOfTheUser(t *testing.T) {
	tests := []struct {
		name, systemd, xdg, file, want string
	}{
		{"nothing said", "", "", "", "/home/ann/.local/state/channelwatch"},
		{"XDG", "", "/var/xdg", "", "/var/xdg/channelwatch"},
		{"systemd", "/var/lib/channelwatch:/var/lib/other", "/var/xdg", "", "/var/lib/channelwatch"},
		{"the file", "/var/lib/channelwatch", "", "history: {dir: /srv/history}\n", "/srv/history"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("HOME", "/home/ann")
			t.Setenv("STATE_DIRECTORY", tt.systemd)
			t.Setenv("XDG_STATE_HOME", tt.xdg)
			c, err := config.Parse("test.yaml", []byte(tt.file+oneChannel), testKinds())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if c.History.Dir != tt.want {
				t.Errorf("got %s, want %s", c.History.Dir, tt.want)
			}
		})
	}
}
