// Package mqtt is the kind that asks what a push channel is for: a message sent now, does it arrive, and how late?
// It publishes a random id on one connection and waits for it on another, over MQTT 5 or 3.1.1, with both connections
// held between probes as customers' devices hold theirs.
//
// A message is judged by its arrival alone, because a broker's acknowledgements are wrong in both directions: it
// accepts messages that never arrive and delivers messages that it never acknowledged. A probe tries everything once:
// a client that retries hides outages.
//
// It imports probe, push, httpx for looking up names, and the paho modules: the client of version 5, which keeps no
// session here, and the packets alone of 3.1.1, because the client of that module starts ten goroutines for each
// connection and hides why one failed. It does not use WebSockets.
package mqtt

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// Config is what an mqtt touchpoint is told below "with".
type Config struct {
	URL        string        `yaml:"url" required:"true" doc:"Broker that messages are published to: mqtt://host (port 1883) or mqtts://host (port 8883)."`
	ReceiveURL string        `yaml:"receive_url" doc:"Broker that messages arrive from; the same when it is left out."`
	Version    string        `yaml:"version" enum:"5,3.1.1" doc:"Version of MQTT; some brokers, such as NATS, speak 3.1.1 only."`
	Topic      string        `yaml:"topic" required:"true" doc:"Topic for probing alone, without wildcards; nothing else should use it."`
	QoS        int           `yaml:"qos" min:"0" max:"2" doc:"Quality of service of publishing and subscribing."`
	ClientID   string        `yaml:"client_id" doc:"Start of the two client ids, -send and -receive follow; random when it is left out."`
	Username   string        `yaml:"username" doc:"User name, when the broker wants one. A rejected one is tried again after 20 minutes, because repeated logins lock accounts."`
	Password   probe.Secret  `yaml:"password" doc:"Password, when the broker wants one; everybody on the machine must not be able to read its file."`
	TLS        tlsFiles      `yaml:"tls" doc:"What an mqtts:// connection needs beyond the system's authorities."`
	Deadline   time.Duration `yaml:"deadline" doc:"A message that arrives later is late; 5s, or the window where that is shorter, when it is left out."`
	Window     time.Duration `yaml:"window" doc:"A message that has not arrived by then is lost; four fifths of the timeout when it is left out."`
}

// tlsFiles names what a TLS connection needs beyond the system's own authorities.
type tlsFiles struct {
	CAFile     string `yaml:"ca_file" format:"file" doc:"PEM authorities to trust in place of the system's."`
	CertFile   string `yaml:"cert_file" format:"file" doc:"PEM client certificate; needs key_file."`
	KeyFile    string `yaml:"key_file" format:"file" doc:"PEM key of cert_file; everybody on the machine must not be able to read it."`
	ServerName string `yaml:"server_name" doc:"Name that the certificate must hold; the host of the URL when it is left out."`
}

// Kind returns the kind "mqtt".
func Kind() probe.Kind {
	return probe.Define(probe.Kind{
		Name:    "mqtt",
		Summary: "Sends a message through an MQTT broker and waits for it: whether push and in-app messages reach customers, and how late.",
		Sample:  sample,
		Checks:  checks(),
		Metrics: metrics(),
		Floor:   5 * time.Second,
		Every:   30 * time.Second,
		Timeout: 25 * time.Second,
		Limits:  limits,
	}, defaults, build)
}

func defaults(probe.ChannelType) Config { return Config{Version: version5, QoS: 1} }

// limits are for the time from sending to arrival. A broker's own share of it is milliseconds, so up to a second is
// all network, and still feels instant to somebody who has just ordered. Five seconds is what people wait for a
// one-time code before they ask for another. Twenty is the default window: whatever arrives at all is at least fair.
func limits(probe.ChannelType) probe.Limits {
	return probe.Limits{Excellent: time.Second, Good: 5 * time.Second, Fair: 20 * time.Second}
}
