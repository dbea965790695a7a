package e2e_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/shard"
)

// fleet is three agents with one configuration, and what watches them.
type fleet struct {
	t            *testing.T
	page         string // that all channels show
	replicas     int
	agents       map[string]*running // by name
	addresses    map[string]string
	inbox        *inbox
	prometheus   *client
	alertmanager *client
}

// members returns the names of the agents.
func members() []string { return []string{"north", "south", "west"} }

// fleetChannels returns the names of the channels that they share.
func fleetChannels() []string {
	var names []string
	for i := range 9 {
		names = append(names, fmt.Sprintf("channel-%d", i))
	}
	return names
}

func newFleet(t *testing.T, replicas int) *fleet {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!doctype html><html lang=en><title>Shop</title><body>Welcome</body></html>")
	}))
	t.Cleanup(server.Close)
	f := &fleet{
		t: t, page: server.URL, replicas: replicas, agents: make(map[string]*running), addresses: make(map[string]string), inbox: newInbox(t),
	}
	var all []string
	for _, name := range members() {
		f.addresses[name] = "127.0.0.1:0"
		f.start(name, members())
		all = append(all, f.addresses[name])
	}
	f.prometheus, f.alertmanager = startStack(t, strings.Join(all, `", "`), f.inbox)
	return f
}

// start starts the agent with a name, where it was before, with a list of peers.
func (f *fleet) start(name string, peers []string) {
	f.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "agent: {listen: %q, location: %s}\nhost: {enabled: false}\ncontrol: {enabled: false}\nhistory: {enabled: false}\n",
		f.addresses[name], name)
	fmt.Fprintf(&b, "shard: {name: %s, peers: [%s], replicas: %d}\nchannels:\n", name, strings.Join(peers, ", "), f.replicas)
	for _, channel := range fleetChannels() {
		fmt.Fprintf(&b, `  - name: %s
    title: Title of %s
    type: desktop_web
    owners: {it: it@shop.example, marketing: marketing@shop.example}
    touchpoints:
      - {name: home, kind: page, every: 1s, timeout: 900ms, with: {url: %q}}
`, channel, channel, f.page)
	}
	g := &gate{}
	g.open.Store(true)
	f.agents[name] = runAgent(f.t, b.String(), g)
	f.addresses[name] = f.agents[name].Addr()
}

// probed waits until the agents that probe a channel are those that should: by what they say, and by what they count.
func (f *fleet) probed(want map[string][]string) {
	f.t.Helper()
	for what, expr := range map[string]string{
		"the channels of each agent": "channelwatch_channel_info",
		"results of each agent":      "sum by (channel, location) (increase(channelwatch_experience_total[10s])) > 0",
	} {
		eventually(f.t, what, func() string {
			got := make(map[string][]string)
			for _, s := range f.prometheus.query(0, expr) {
				got[s.Metric["channel"]] = append(got[s.Metric["channel"]], s.Metric["location"])
			}
			for channel, agents := range got {
				slices.Sort(agents)
				if !slices.Equal(agents, want[channel]) {
					return fmt.Sprintf("%s by %q, want %q", channel, agents, want[channel])
				}
			}
			if len(got) != len(want) {
				return fmt.Sprintf("%d channels, want %d", len(got), len(want))
			}
			return ""
		})
	}
}

// owners returns the agents that should probe each channel, without those that are gone.
func (f *fleet) owners(gone ...string) map[string][]string {
	all := make(map[string][]string)
	for _, channel := range fleetChannels() {
		owners := shard.Owners(members(), channel, f.replicas)
		owners = slices.DeleteFunc(owners, func(name string) bool { return slices.Contains(gone, name) })
		if len(owners) > 0 {
			all[channel] = slices.Sorted(slices.Values(owners))
		}
	}
	return all
}

// firing returns the channels for which an alert fires.
func (f *fleet) firing(name string) []string {
	return slices.Sorted(maps.Keys(f.prometheus.values(0, fmt.Sprintf("ALERTS{alertname=%q, alertstate=%q}", name, "firing"), "channel")))
}

func TestShards_OneAgentForEachChannel(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	all := f.owners()
	f.probed(all)
	eventually(t, "no orphans while all agents run", func() string { // there may be some before the first scrape of all
		if orphans := f.firing("ChannelOrphan"); len(orphans) > 0 {
			return fmt.Sprintf("orphans %q", orphans)
		}
		return ""
	})

	f.agents["west"].stop(t)
	var orphans []string
	for channel, owners := range all {
		if owners[0] == "west" {
			orphans = append(orphans, channel)
		}
	}
	slices.Sort(orphans)
	if len(orphans) == 0 || len(orphans) == len(all) {
		t.Fatalf("west has %d of %d channels: nothing can be shown with that", len(orphans), len(all))
	}
	f.probed(f.owners("west"))
	eventually(t, "an alert for each channel of west", func() string {
		if got := f.firing("ChannelOrphan"); !slices.Equal(got, orphans) {
			return fmt.Sprintf("orphans %q, want %q", got, orphans)
		}
		return ""
	})
	eventually(t, "both owners to hear of it", func() string {
		_, first := f.inbox.holding("ChannelOrphan", orphans[0], "firing")
		switch {
		case first == nil:
			return "no message"
		case first.Labels["owner_it"] != "it@shop.example" || first.Labels["owner_marketing"] != "marketing@shop.example":
			t.Fatalf("owners %v, want both", first.Labels)
		case first.Annotations["summary"] != "Nobody looks at Title of "+orphans[0]:
			t.Fatalf("summary %q", first.Annotations["summary"])
		case !strings.Contains(first.Annotations["it"], "These report: north, south."):
			t.Fatalf("sentence for IT %q, want the agents that are left", first.Annotations["it"])
		}
		return ""
	})

	f.start("west", append(members(), "east"))
	eventually(t, "the operators to hear that the lists differ", func() string {
		messages, first := f.inbox.holding("ShardMismatch", "", "firing")
		switch {
		case first == nil:
			return "no message"
		case messages[0].Receiver != "operators":
			t.Fatalf("the message went to %q", messages[0].Receiver)
		}
		for _, name := range members() {
			peers := members()
			if name == "west" {
				peers = append(peers, "east")
			}
			if want := fmt.Sprintf("%s %s with replicas 1", name, shard.Hash(peers)); !strings.Contains(first.Annotations["it"], want) {
				t.Fatalf("sentence for IT %q, want %q in it", first.Annotations["it"], want)
			}
		}
		return ""
	})
}

func TestShards_TwoAgentsForEachChannel(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.probed(f.owners())
	settled := time.Now() // before, Prometheus had seen some of the agents only, to which the channels of others are orphans
	f.agents["south"].stop(t)
	f.probed(f.owners("south"))
	eventually(t, "the operators to hear that south is gone", func() string {
		if _, absent := f.inbox.holding("AgentAbsent", "", "firing"); absent == nil {
			return "no message"
		}
		return ""
	})
	if got := f.prometheus.values(0, "count by (channel) (channel:channelwatch_score:5m)", "channel"); len(got) != len(fleetChannels()) {
		t.Errorf("%d channels have a score with one agent of three gone, want all %d", len(got), len(fleetChannels()))
	}
	if got := f.prometheus.query(0, fmt.Sprintf(`count_over_time(ALERTS{alertname=~"ChannelOrphan|ShardMismatch", alertstate="firing"}[%ds])`,
		int(time.Since(settled).Seconds()))); len(got) > 0 {
		t.Errorf("alerts with one agent of three gone: %v", got)
	}
}
