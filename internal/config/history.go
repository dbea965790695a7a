package config

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// History is how the agent keeps what it exports, for its own pages and for whoever asks it as a Prometheus.
type History struct {
	Enabled   bool          `yaml:"enabled" doc:"keep history at all; without it the page shows the last results and no scores"`
	Dir       string        `yaml:"dir" format:"file" doc:"directory of the store, of one agent; default: $STATE_DIRECTORY, as systemd sets it, else channelwatch in $XDG_STATE_HOME or ~/.local/state"`
	Every     time.Duration `yaml:"every" min:"1s" max:"1m" doc:"time between two samples of a series"`
	Retention time.Duration `yaml:"retention" min:"2h" max:"1827d" doc:"how long samples are kept; scores over 28 days need 29"`
	MaxBytes  int64         `yaml:"max_bytes" format:"bytes" min:"64MiB" max:"16384GiB" doc:"disk that the store may take; the oldest goes first"`
	MinFree   int64         `yaml:"min_free_bytes" format:"bytes" min:"0B" max:"16384GiB" doc:"free disk below which nothing more is kept until there is room again"`
}

func defaultHistory() History {
	return History{Enabled: true, Every: 15 * time.Second, Retention: 35 * 24 * time.Hour, MaxBytes: 2 << 30, MinFree: 256 << 20}
}

// stateDir is where a program of this user keeps what must outlive it.
func stateDir() string {
	if dirs := os.Getenv("STATE_DIRECTORY"); dirs != "" { // systemd.exec(5): several are joined by colons
		first, _, _ := strings.Cut(dirs, ":")
		return first
	}
	base := os.Getenv("XDG_STATE_HOME") // XDG Base Directory Specification
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			home = "."
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "channelwatch")
}
