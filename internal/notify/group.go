package notify

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Labels with a meaning.
const (
	nameLabel     = "alertname"
	severityLabel = "severity"
	channelLabel  = "channel"
)

// forTheRecord is the severity of alerts that pages and dashboards show, and that wake nobody, as in
// configs/alertmanager/alertmanager.yaml. What they rest on may be forged.
const forTheRecord = "info"

// group is what an incident is about: a channel, or an agent. One of them is empty.
type group struct {
	Channel string `json:"channel,omitempty"`
	Agent   string `json:"agent,omitempty"` // where it stands
}

// groupOf returns the group of an alert. An alert about no channel and no place is about the agent at here.
func groupOf(labels map[string]string, here string) group {
	if channel := labels[channelLabel]; channel != "" {
		return group{Channel: channel}
	}
	return group{Agent: cmp.Or(labels["location"], labels["instance"], here)}
}

func (g group) compare(other group) int {
	return cmp.Or(strings.Compare(g.Channel, other.Channel), strings.Compare(g.Agent, other.Agent))
}

// fingerprint is the same for equal labels only.
func fingerprint(labels map[string]string) string {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		b = strconv.AppendQuote(b, name)
		b = strconv.AppendQuote(b, labels[name])
	}
	return string(b)
}

// inhibition says which alerts say nothing new while another fires with the same values of some labels.
type inhibition struct {
	source  string
	targets []string
	equal   []string
}

// inhibitions returns those of configs/alertmanager/alertmanager.yaml.
func inhibitions() []inhibition {
	return []inhibition{
		{"ChannelPoor", []string{"ChannelDegraded", "TouchpointDown", "HostPressureOnChannel"}, []string{channelLabel}},
		{"CertificateExpiringSoon", []string{"CertificateExpiring"}, []string{channelLabel, "touchpoint"}},
		{"AgentBlind", []string{"TouchpointDown"}, []string{"instance"}},
		{"PushCredentialRejected", []string{"PushNotArriving", "TouchpointDown"}, []string{channelLabel, "touchpoint"}},
		{"PushNotArriving", []string{"PushMessagesLost", "PushReceiverDown", "TouchpointDown"}, []string{channelLabel, "touchpoint"}},
	}
}

// inhibitor knows which alerts are inhibited by those that fire.
type inhibitor struct {
	table  []inhibition
	firing map[string]bool // by signature of sources
}

func newInhibitor(firing []*alert) *inhibitor {
	n := &inhibitor{table: inhibitions(), firing: make(map[string]bool)}
	for i := range n.table {
		for _, a := range firing {
			if a.Labels[nameLabel] == n.table[i].source {
				n.firing[n.signature(i, a)] = true
			}
		}
	}
	return n
}

func (n *inhibitor) inhibits(a *alert) bool {
	for i := range n.table {
		if slices.Contains(n.table[i].targets, a.Labels[nameLabel]) && n.firing[n.signature(i, a)] {
			return true
		}
	}
	return false
}

// signature is equal for alerts that the inhibition at i takes for being about the same. As in Alertmanager, a label that is not
// there is an empty one.
func (n *inhibitor) signature(i int, a *alert) string {
	b := strconv.AppendInt(nil, int64(i), 10)
	for _, name := range n.table[i].equal {
		b = strconv.AppendQuote(b, a.Labels[name])
	}
	return string(b)
}
