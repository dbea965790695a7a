package config

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Pages is where the pages take their scores from, and where they lead to.
type Pages struct {
	PrometheusURL string            `yaml:"prometheus_url" format:"url" doc:"Prometheus, Thanos, Mimir or VictoriaMetrics that evaluates the bundled rules: the pages read from there, and no rule is evaluated and nobody told here; default: the agent's own history"`
	Username      string            `yaml:"username" doc:"for basic authentication there"`
	Password      probe.Secret      `yaml:"password" doc:"for basic authentication there"`
	BearerToken   probe.Secret      `yaml:"bearer_token" doc:"sent there as Authorization: Bearer"`
	Headers       map[string]string `yaml:"headers" doc:"further headers sent there, such as X-Scope-OrgID"`
	CAFile        string            `yaml:"ca_file" format:"file" doc:"PEM file of the authorities that may sign its certificate; default: those of the system"`
	Timeout       time.Duration     `yaml:"timeout" min:"100ms" max:"2m" doc:"for one query"`
	GrafanaURL    string            `yaml:"grafana_url" format:"url" doc:"Grafana with the bundled dashboards, which pages link to"`
}

func defaultPages() Pages { return Pages{Timeout: 10 * time.Second} }

// Shard is how several agents with the same configuration share its channels.
type Shard struct {
	Name     string   `yaml:"name" doc:"this agent among the peers; default: the host's name, which in a StatefulSet is the pod's"`
	Peers    []string `yaml:"peers" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$" doc:"names of all agents, the same on each; default: this agent probes everything"`
	Replicas int      `yaml:"replicas" min:"1" max:"16" doc:"how many agents probe each channel; 2 leaves no gap when one of them fails"`
}

func defaultShard() Shard { return Shard{Replicas: 1} }

// Public is a page for everybody: a few channels, without addresses, owners and evidence.
type Public struct {
	Listen   string   `yaml:"listen" doc:"address of the public page; default: there is none"`
	Channels []string `yaml:"channels" pattern:"^[a-z0-9][a-z0-9-]{0,62}$" doc:"channels that it shows"`
	Title    string   `yaml:"title" doc:"heading of the public page; default: Channels"`

	WebConfigFile string `yaml:"web_config_file" format:"file" doc:"TLS of the public page, in the form of Prometheus' exporter-toolkit; that of the agent does not count here"`
}
