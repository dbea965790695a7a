package config

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Notify is how the agent itself tells people of incidents, for those who run no Alertmanager.
type Notify struct {
	GroupWait time.Duration `yaml:"group_wait" min:"0s" max:"10m" doc:"how long alerts of one channel are gathered into the message that opens an incident; what ends within it is not told"`
	Email     *Email        `yaml:"email" doc:"mails to the owners of a channel"`
	Webhooks  []Webhook     `yaml:"webhooks" doc:"messages to chat rooms and programs, in the form that Slack and Mattermost take"`
}

// Email is a mail server and who is written to.
type Email struct {
	Smarthost string       `yaml:"smarthost" required:"true" doc:"host:port of the mail server that takes the messages"`
	From      string       `yaml:"from" required:"true" doc:"address of the sender"`
	Owners    bool         `yaml:"owners" doc:"write to both owners of the channel"`
	To        []string     `yaml:"to" doc:"further addresses, which are also told what is about no channel, such as an agent without network"`
	Username  string       `yaml:"username" doc:"name to log in with"`
	Password  probe.Secret `yaml:"password" doc:"to log in with; needs TLS"`
	TLS       string       `yaml:"tls" enum:"starttls,implicit,none" doc:"how the connection is secured; default: implicit on port 465, starttls on others"`
	CAFile    string       `yaml:"ca_file" format:"file" doc:"PEM file of the authorities that may sign the server's certificate; default: those of the system"`
}

func (e *Email) prepare(place) { e.Owners = true }

// Webhook is an address that messages are posted to.
type Webhook struct {
	URL      probe.Secret `yaml:"url" required:"true" doc:"address of the hook, which is a secret: whoever knows it can post"`
	Channels []string     `yaml:"channels" pattern:"^[a-z0-9][a-z0-9-]{0,62}$" doc:"only incidents of these channels; default: all"`
}

func defaultNotify() Notify { return Notify{GroupWait: 30 * time.Second} }

// wanted reports whether anybody is to be told.
func (n *Notify) wanted() bool { return n.Email != nil || len(n.Webhooks) > 0 }
