package config

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Browser is how the agent runs the browsers that it visits pages with.
type Browser struct {
	Path        string        `yaml:"path" pattern:"^/" doc:"executable of the browser; default: the headless shell of Chromium, else Chromium, where the system keeps them"`
	Dir         string        `yaml:"dir" pattern:"^/" doc:"directory for the private directories of browsers, each removed after use; default: that of the system for temporary files"`
	User        string        `yaml:"user" doc:"user that runs the browser when the agent is root; default: nobody"`
	Sandbox     bool          `yaml:"sandbox" doc:"run pages in the browser's sandbox; without it a page that breaks out of the browser has the rights of that user"`
	Concurrency int           `yaml:"concurrency" min:"1" max:"16" doc:"visits at once; more than one makes pages look slower than they are, unless their network is slowed down anyway"`
	Idle        time.Duration `yaml:"idle" min:"1s" max:"24h" doc:"without a visit, until the browser is closed"`
	MaxRuns     int           `yaml:"max_runs" min:"1" max:"100000" doc:"visits until the browser is replaced"`
	MaxAge      time.Duration `yaml:"max_age" min:"1m" max:"7d" doc:"until the browser is replaced"`
	MaxMemory   int64         `yaml:"max_memory" format:"bytes" min:"128MiB" max:"64GiB" doc:"memory of all its processes, beyond which the browser is replaced"`
}

func defaultBrowser() Browser {
	return Browser{
		Sandbox: true, Concurrency: 1, Idle: time.Minute, MaxRuns: 200, MaxAge: 6 * time.Hour, MaxMemory: 600 << 20,
	}
}

// setup returns what kinds are told of it.
func (b *Browser) setup() probe.Browser {
	return probe.Browser{
		Path: b.Path, Dir: b.Dir, User: b.User, NoSandbox: !b.Sandbox, Concurrency: b.Concurrency,
		Idle: b.Idle, MaxRuns: b.MaxRuns, MaxAge: b.MaxAge, MaxMemory: b.MaxMemory,
	}
}

// Evidence is what the agent keeps of how pages looked.
type Evidence struct {
	Dir      string `yaml:"dir" format:"file" doc:"directory of pictures of pages, of one agent; default: pictures below the directory of history"`
	MaxBytes int64  `yaml:"max_bytes" format:"bytes" min:"1MiB" max:"1024GiB" doc:"disk that pictures may take; those of good results go first, the oldest before others"`
}

func defaultEvidence() Evidence { return Evidence{MaxBytes: 256 << 20} }
