package config

import "time"

// Agent is how the agent itself runs.
type Agent struct {
	Listen        string        `yaml:"listen" doc:"address of the page, the API and /metrics; loopback unless you open it"`
	ExternalURL   string        `yaml:"external_url" format:"url" doc:"address at which readers reach the page, used in messages; default: http:// and listen"`
	Location      string        `yaml:"location" doc:"where this agent stands, a label on everything that it sees; default: the host's name"`
	Serves        []string      `yaml:"serves" pattern:"^[a-z0-9][a-z0-9-]{0,62}$" doc:"channels that run on this host: its pressure is shown beside them; an agent without channels names those that others probe"`
	WebConfigFile string        `yaml:"web_config_file" format:"file" doc:"TLS, basic auth and mTLS for every route, in the form of Prometheus' exporter-toolkit"`
	Log           Log           `yaml:"log" doc:"how the agent logs"`
	MaxConcurrent int           `yaml:"max_concurrent" min:"1" max:"100000" doc:"probes that run at the same time"`
	PerHost       int           `yaml:"per_host" min:"1" max:"10000" doc:"probes of one target host that run at the same time"`
	SeriesLimit   int           `yaml:"series_limit" min:"1000" max:"10000000" doc:"series that the agent exports at most; new ones beyond are refused and counted"`
	Recheck       time.Duration `yaml:"recheck" min:"0s" max:"1h" doc:"how long after a poor result a touchpoint is probed once more, to confirm it for alerts; 0s turns it off"`
	RecentBytes   int64         `yaml:"recent_bytes" format:"bytes" min:"64KiB" max:"4GiB" doc:"memory for recent results with their evidence"`
	Pprof         bool          `yaml:"pprof" doc:"serve Go profiles below /debug/pprof/"`
}

// Log is how the agent logs.
type Log struct {
	Format string `yaml:"format" enum:"text,json" doc:"form of a line"`
	Level  string `yaml:"level" enum:"debug,info,warn,error" doc:"least level that is written"`
}

func defaultAgent() Agent {
	return Agent{
		Listen:        "127.0.0.1:9977",
		Log:           Log{Format: "text", Level: "info"},
		MaxConcurrent: 1000,
		PerHost:       32,
		SeriesLimit:   1_000_000,
		Recheck:       time.Second,
		RecentBytes:   16 << 20,
	}
}

// Host is what the agent reads of the machine that it runs on.
type Host struct {
	Enabled     bool          `yaml:"enabled" doc:"read the host at all"`
	Root        string        `yaml:"root" doc:"directory that holds proc and sys; in a container, where the host's root is mounted"`
	Collectors  []string      `yaml:"collectors" enum:"container,cpu,disk,file,filesystem,load,memory,network,pressure,process,tcp,time" doc:"what is read; default: everything that the host has"`
	Filesystems Filter        `yaml:"filesystems" doc:"types of filesystems; default: storage of this machine, nothing over a network"`
	Mounts      Filter        `yaml:"mounts" doc:"mount points; default: without those of the system and of containers"`
	Disks       Filter        `yaml:"disks" doc:"block devices; default: whole disks"`
	Interfaces  Filter        `yaml:"interfaces" doc:"network interfaces; default: without loopback and those of containers"`
	Processes   []string      `yaml:"processes" doc:"names of processes to count and measure"`
	MaxAge      time.Duration `yaml:"max_age" min:"1s" max:"10m" doc:"how long one reading is served before the host is read again"`
	Timeout     time.Duration `yaml:"timeout" min:"10ms" max:"1m" doc:"for each collector"`
}

// Filter chooses by name: what Include matches and Exclude does not.
type Filter struct {
	Include string `yaml:"include" format:"regex" doc:"regular expression of the names that are read; default: all"`
	Exclude string `yaml:"exclude" format:"regex" doc:"regular expression of the names that are left out; $^ leaves out none"`
}

func defaultHost() Host {
	return Host{Enabled: true, Root: "/", MaxAge: 5 * time.Second, Timeout: 2 * time.Second}
}

// Control is how the agent finds out that its own network is gone.
type Control struct {
	Enabled bool          `yaml:"enabled" doc:"look whether the agent's own network works"`
	Targets []string      `yaml:"targets" doc:"neutral addresses, host:port, that answer TCP; default: the gateway and the resolvers of this host"`
	Every   time.Duration `yaml:"every" min:"1s" max:"10m" doc:"time between two looks"`
	Timeout time.Duration `yaml:"timeout" min:"10ms" max:"1m" doc:"for a whole look"`
}

func defaultControl() Control {
	return Control{Enabled: true, Every: 5 * time.Second, Timeout: 2 * time.Second}
}
