package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// times are the settings of the shipped files that are replaced, as text and with nothing else: nobody waits 5 minutes
// for a group interval. Rules are evaluated every 1.5 s beside a scrape every second, so that an evaluation does not
// meet the same moment of a scrape each time: figures are compared where no scrape was under way. Alerts go on firing
// for longer than a restart of the agent takes, as they do with the shipped times. What ChannelPoor inhibits fires long
// after it, as it does with the shipped times, and ends before: otherwise it is a matter of luck which of the two an
// Alertmanager hears of first.
var times = []struct {
	setting *regexp.Regexp
	short   string
}{
	{regexp.MustCompile(`(?m)(\b(?:scrape_interval|group_wait|group_interval): )\d+[smh]\b`), "${1}1s"},
	{regexp.MustCompile(`(?m)(\b(?:evaluation_interval|interval): )\d+[smh]\b`), "${1}1s500ms"},
	{regexp.MustCompile(`(?m)(\bkeep_firing_for: )\d+[smh]\b`), "${1}15s"},
	{regexp.MustCompile(`(?ms)(- alert: (?:ChannelDegraded|TouchpointDown)$.+?\bfor: )\d+m(\n.+?\bkeep_firing_for: )\w+`), "${1}10s${2}5s"},
	{regexp.MustCompile(`(?m)(^ +for: )\d+[mh]\b`), "${1}1s"},
}

// hastened returns the text of a shipped file with short times.
func hastened(t *testing.T, name string) string {
	t.Helper()
	text := shipped(t, name)
	for _, replace := range times {
		text = replace.setting.ReplaceAllString(text, replace.short)
	}
	return text
}

// replaced replaces a text that must be there once.
func replaced(t *testing.T, text, old, replacement string) string {
	t.Helper()
	if n := strings.Count(text, old); n != 1 {
		t.Fatalf("%q is %d times in the shipped file, want once", old, n)
	}
	return strings.Replace(text, old, replacement, 1)
}

// startStack starts Alertmanager and Prometheus with the shipped files. Prometheus scrapes the agent at the given
// address, which may not serve yet.
func startStack(t *testing.T, agent string, inbox *inbox) (prometheus, alertmanager *client) {
	t.Helper()
	alertmanager = startAlertmanager(t, inbox)
	return startPrometheus(t, agent, alertmanager.address()), alertmanager
}

// startAlertmanager starts Alertmanager with the shipped file, whose receivers get webhooks into the inbox.
func startAlertmanager(t *testing.T, inbox *inbox) *client {
	t.Helper()
	dir := t.TempDir()
	text := hastened(t, "alertmanager/alertmanager.yaml")
	for _, receiver := range []string{"both", "operators"} {
		text = replaced(t, text, "- name: "+receiver, "- name: "+receiver+
			"\n    webhook_configs: [{url: \""+inbox.server.URL+"/"+receiver+"\"}]")
	}
	return newClient(t, alertmanagerProgram.serve(t,
		"--config.file="+writeFile(t, filepath.Join(dir, "alertmanager.yaml"), text),
		"--storage.path="+filepath.Join(dir, "alertmanager"),
		"--web.listen-address=127.0.0.1:0", "--cluster.listen-address="))
}

// startPrometheus starts Prometheus with the shipped files, to scrape an agent and to tell an Alertmanager.
func startPrometheus(t *testing.T, agent, alertmanager string) *client {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"channelwatch.rules.yaml", "channelwatch.alerts.yaml", "channelwatch.fleet.alerts.yaml"} {
		writeFile(t, filepath.Join(dir, file), hastened(t, "prometheus/"+file))
	}
	text := hastened(t, "prometheus/prometheus.yaml")
	text = replaced(t, text, "alertmanager:9093", alertmanager)
	text = replaced(t, text, "channelwatch:9977", agent)
	return newClient(t, prometheusProgram.serve(t,
		"--config.file="+writeFile(t, filepath.Join(dir, "prometheus.yaml"), text),
		"--storage.tsdb.path="+filepath.Join(dir, "prometheus"),
		"--web.listen-address=127.0.0.1:0"))
}

// message is what Alertmanager sends to a webhook: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config.
type message struct {
	Receiver    string
	GroupLabels map[string]string
	Alerts      []alert
}

type alert struct {
	Status      string // "firing" or "resolved"
	Labels      map[string]string
	Annotations map[string]string
}

func (a *alert) is(name, channel string) bool {
	return a.Labels["alertname"] == name && a.Labels["channel"] == channel
}

// inbox receives what Alertmanager sends.
type inbox struct {
	server *httptest.Server

	mu       sync.Mutex
	messages []message // in the order of their arrival
}

func newInbox(t *testing.T) *inbox {
	t.Helper()
	in := &inbox{}
	in.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Errorf("message of Alertmanager: %v", err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if want := strings.TrimPrefix(r.URL.Path, "/"); m.Receiver != want {
			t.Errorf("a message for receiver %q came to %q", m.Receiver, want)
		}
		in.mu.Lock()
		defer in.mu.Unlock()
		in.messages = append(in.messages, m)
	}))
	t.Cleanup(in.server.Close)
	return in
}

// holding returns the messages that hold an alert with the status, and the first such alert.
func (in *inbox) holding(name, channel, status string) (messages []message, first *alert) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, m := range in.messages {
		i := slices.IndexFunc(m.Alerts, func(a alert) bool { return a.is(name, channel) && a.Status == status })
		if i < 0 {
			continue
		}
		messages = append(messages, m)
		if first == nil {
			first = &m.Alerts[i]
		}
	}
	return messages, first
}

// about returns the messages about a channel.
func (in *inbox) about(channel string) []message {
	in.mu.Lock()
	defer in.mu.Unlock()
	var all []message
	for _, m := range in.messages {
		if m.GroupLabels["channel"] == channel {
			all = append(all, m)
		}
	}
	return all
}
