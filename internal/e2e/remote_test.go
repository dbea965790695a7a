package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/channelwatch/channelwatch/internal/view"
)

// startReceiver starts a Prometheus that takes what is written to it, and evaluates nothing.
func startReceiver(t *testing.T) (address string) {
	t.Helper()
	dir := t.TempDir()
	return newClient(t, prometheusProgram.serve(t, "--config.file="+writeFile(t, filepath.Join(dir, "prometheus.yaml"), ""),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0",
		"--web.enable-remote-write-receiver")).address()
}

// startVictoriaMetrics starts VictoriaMetrics as people do.
func startVictoriaMetrics(t *testing.T) (address string) {
	t.Helper()
	host := fmt.Sprintf("127.1.%d.%d", os.Getpid()>>8&255, os.Getpid()&255) // of this process alone: nobody else is given its ports
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	address = listener.Addr().String() // it does not tell which port it chose
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	victoriaMetrics.run(t, "-httpListenAddr="+address, "-storageDataPath="+t.TempDir(), "-memory.allowedBytes=256MB")
	return address
}

// startViewer runs an agent without channels, whose pages read from a server elsewhere.
func startViewer(t *testing.T, server string) *client {
	t.Helper()
	return newClient(t, runAgent(t, `
agent: {listen: "127.0.0.1:0", location: office}
host: {enabled: false}
control: {enabled: false}
history: {enabled: false}
view: {prometheus_url: "http://`+server+`"}
channels: []
`, &gate{}).Addr())
}

// TestRemoteWrite_FeedsPagesElsewhere lets an agent in trouble write to a real Prometheus and a real VictoriaMetrics. The
// pages of agents that read from there, and probe nothing themselves, show what the first one's show.
func TestRemoteWrite_FeedsPagesElsewhere(t *testing.T) {
	t.Parallel()
	prometheus, victoria := startReceiver(t), startVictoriaMetrics(t)
	shop, gate := openShop(t), &gate{}
	gate.open.Store(true)
	shop.beginTrouble()
	writer := runAgent(t, shop.settings(t, "127.0.0.1:0",
		"remote_write: [{url: http://"+prometheus+"/api/v1/write}, {url: http://"+victoria+"/api/v1/write}]"), gate)
	// VictoriaMetrics keeps 12 digits or more, and shows lines over time with a delay of half a minute.
	digits := cmpopts.EquateApprox(1e-11, 0)
	delayed := cmp.Options{
		cmpopts.IgnoreFields(view.Channel{}, "Timeline", "Since", "SinceAtLeast", "Spark"), cmpopts.IgnoreFields(view.Words{}, "Since"),
	}
	for name, tc := range map[string]struct {
		server string
		equal  cmp.Option
	}{
		"Prometheus":      {prometheus, cmp.Options{}},
		"VictoriaMetrics": {victoria, cmp.Options{digits, delayed}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compareViewer(t, newClient(t, writer.Addr()), startViewer(t, tc.server), tc.equal)
		})
	}
}

// compareViewer compares all that the first pages of two agents show, once they show the same evaluation.
func compareViewer(t *testing.T, writer, viewer *client, equal cmp.Option) {
	t.Helper()
	var want, got *view.Overview
	eventually(t, "both pages to show the same evaluations", func() string {
		for _, c := range []*client{writer, viewer} { // it takes a moment until a store is open
			if status, body := c.fetch("/api/v1/channels?range=1h"); status != http.StatusOK {
				return fmt.Sprintf("status %d: %s", status, body)
			}
		}
		want, got = writer.overview(), viewer.overview()
		if len(want.Channels) < 5 || want.Channels[0].Now == nil {
			return fmt.Sprintf("the writer has no scores yet: %+v", want)
		}
		return cmp.Diff(evaluations(want), evaluations(got))
	})
	if diff := cmp.Diff(want, got, equal); diff != "" {
		t.Errorf("the viewer's page (+) differs from the writer's (-):\n%s", diff)
	}
	shown := viewer.page()
	for _, c := range got.Channels {
		if c.Now != nil && shown.scores[c.Name]["now"] == 0 && c.Now.Score != 0 {
			t.Errorf("the viewer's page shows %v for %s, want %v", shown.scores[c.Name], c.Name, c.Now.Score)
		}
	}
}

// evaluations returns when the figures of a page were recorded. Those of longer windows are by other groups of rules.
func evaluations(o *view.Overview) []time.Time {
	all := []time.Time{o.At}
	for _, c := range o.Channels {
		for _, s := range []*view.Score{c.Now, c.Day, c.Month} {
			if s != nil {
				all = append(all, s.At)
			}
		}
	}
	return all
}
