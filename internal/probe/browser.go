package probe

import "time"

// Browser is what the operator says of the browsers that an agent may start. It is the same for all touchpoints, and
// changes with a restart only.
type Browser struct {
	Path        string        // executable; empty: the first that is found
	Dir         string        // existing or not: where private directories of browsers live; empty: the system's for temporary files
	User        string        // that runs the browser when the agent is root; empty: nobody
	NoSandbox   bool          // run without the sandbox; the operator asked for it
	Concurrency int           // visits at once
	Idle        time.Duration // without visits, until the browser is closed
	MaxRuns     int           // visits until it is replaced
	MaxAge      time.Duration // until it is replaced
	MaxMemory   int64         // bytes (proportional set size of all its processes) until it is replaced
}

// Reading is one number that a kind tells of itself rather than of a touchpoint.
type Reading struct {
	Metric string // name without the channelwatch_ prefix
	Help   string
	Type   MetricType // Gauge or Counter
	Labels []ReadingLabel
	Value  float64
}

// ReadingLabel is one label of a reading; its values come from a closed set.
type ReadingLabel struct{ Name, Value string }
