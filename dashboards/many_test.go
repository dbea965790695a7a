package dashboards_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDashboards_StandNoChannel(t *testing.T) {
	t.Parallel()
	p := startPrometheus(t, t.TempDir(), hastenedRules(t))
	for _, b := range load(t) {
		all, err := choices(t.Context(), p, &b)
		if err != nil {
			t.Fatal(err)
		}
		for _, of := range b.all() {
			for _, q := range of.Targets {
				a, err := ask(t.Context(), p, &of, &q, all[0], zoom, time.Now())
				if err != nil {
					t.Errorf("%s/%s/%s: %v", b.UID, of.Title, q.RefID, err)
				}
				if len(a.samples) > 0 {
					t.Errorf("%s/%s/%s: %d series of nothing", b.UID, of.Title, q.RefID, len(a.samples))
				}
			}
		}
	}
}

// past writes series as if they had been recorded before the test.
type past struct {
	text strings.Builder
	end  time.Time
}

// add writes the value that a function gives for the k-th of thirteen moments, 15 s apart, before the end and a shift.
func (w *past) add(series string, shift time.Duration, value func(k int) float64) {
	series = strings.ReplaceAll(series, `", `, `",`) // the format has no blanks
	for k := range 13 {
		at := w.end.Add(-shift).Add(time.Duration(k-12) * 15 * time.Second)
		fmt.Fprintf(&w.text, "%s %v %d\n", series, value(k), at.Unix())
	}
}

func always(value float64) func(int) float64 { return func(int) float64 { return value } }

// blocks makes a data directory of Prometheus.
func (w *past) blocks(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "past.txt")
	if err := os.WriteFile(file, []byte(w.text.String()+"# EOF\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	command := exec.CommandContext(t.Context(), program(t, "promtool"), "tsdb", "create-blocks-from", "openmetrics", file, data)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return data
}

// manyChannels writes what sixty channels recorded: the k-th has a score of k, and had two points less a week before.
// Two agents watch the first one and call it differently.
func manyChannels(w *past) {
	for k := range 60 {
		name := fmt.Sprintf("channel-%02d", k)
		info := `channelwatch_channel_info{channel=%q, title=%q, owner_it="it", owner_marketing="marketing", instance=%q}`
		w.add(fmt.Sprintf(info, name, fmt.Sprintf("Channel %02d with a long name", k), "a:1"), 0, always(1))
		if k == 0 {
			w.add(fmt.Sprintf(info, name, "Another name", "b:1"), 0, always(1))
		}
		w.add(fmt.Sprintf("channel:channelwatch_score:1d{channel=%q}", name), 0, always(float64(k)))
		w.add(fmt.Sprintf("channel:channelwatch_score:1d{channel=%q}", name), 7*24*time.Hour, always(float64(k-2)))
		w.add(fmt.Sprintf("channel:channelwatch_gap:1d{channel=%q}", name), 0, always(float64(k)))
		w.add(fmt.Sprintf("channel:channelwatch_score:5m{channel=%q}", name), 0, always(float64(k)))
		w.add(fmt.Sprintf("channel:channelwatch_agreement_state{channel=%q}", name), 0, always(float64(k%4)))
		for _, window := range []string{"5m", "1d"} {
			w.add(fmt.Sprintf("channel:channelwatch_rating:%s{channel=%q}", window, name), 0, always(float64(k%5)))
		}
		for i, cause := range []string{"dns_failed", "slow_server"} {
			w.add(fmt.Sprintf("channel_cause:channelwatch_points_lost:1d{channel=%q, dimension=\"fast\", cause=%q}", name, cause), 0,
				always(float64((100-k)*(1+2*i))/4))
		}
	}
	for _, agent := range []string{"a:1", "b:1"} {
		for _, check := range []string{"dns_failed", "slow_server"} {
			w.add(fmt.Sprintf("channelwatch_check_info{check=%q, title=%q, marketing=\"It hurts.\", it=\"Look there.\", instance=%q}", check, "the "+check, agent), 0, always(1))
		}
	}
}

// rarities writes what a healthy demo does not have.
func rarities(w *past) {
	w.add(`ALERTS{alertname="ChannelPoor", alertstate="firing", severity="critical", channel="channel-01"}`, 0, always(1))
	w.add(`channelwatch_build_info{instance="a:1"}`, 0, always(1))
	w.add(`touchpoint:channelwatch_experience:increase5m{channel="channel-01", touchpoint="t", rating="unknown", cause="agent_blind"}`, 0, always(3))
	w.add(`channelwatch_host_uptime_seconds{instance="a:1"}`, 0, always(1000))
	for _, name := range []string{"reads_total", "read_seconds_total", "writes_total", "write_seconds_total"} {
		w.add(`channelwatch_host_disk_`+name+`{instance="a:1", device="vda"}`, 0, func(k int) float64 { return float64(k) })
	}
}

func TestDashboards_ShowManyChannels(t *testing.T) {
	t.Parallel()
	w := &past{end: time.Now().Add(-10 * time.Second).Truncate(time.Second)}
	manyChannels(w)
	rarities(w)
	p := startPrometheus(t, w.blocks(t), nil)
	shared := named(t, "channelwatch-shared")
	everything := choice{"channel": ".*", "window": "1d"}
	get := func(b *board, id int, ref string, chosen choice) map[string]float64 {
		t.Helper()
		of := b.panel(t, id)
		q := of.target(t, ref)
		a, err := ask(t.Context(), p, &of, &q, chosen, zoom, w.end)
		if err != nil {
			t.Fatalf("%s: %v", of.Title, err)
		}
		values := make(map[string]float64)
		for _, s := range a.samples {
			values[s.labels["channel"]+s.labels["cause"]+s.labels["device"]] = s.value
		}
		return values
	}
	for _, count := range []struct {
		panel int
		ref   string
		want  int
	}{
		{2, "A", 60},
		{3, "A", 60},
		{4, "A", 12},
		{4, "B", 12},
		{5, "A", 12},
		{6, "A", 15},
		{7, "A", 60},
		{7, "B", 60},
		{7, "C", 60},
		{7, "D", 60},
		{7, "E", 60},
	} {
		if got := get(shared, count.panel, count.ref, everything); len(got) != count.want {
			t.Errorf("panel %d %s: %d rows for 60 channels, want %d", count.panel, count.ref, len(got), count.want)
		}
	}
	scores, ratings := get(shared, 4, "A", everything), get(shared, 4, "B", everything)
	for k := range 12 {
		name := fmt.Sprintf("channel-%02d", k)
		if scores[name] != float64(k) || ratings[name] != float64(k%5) {
			t.Errorf("bar of %s: score %v and rating %v, want %d and %d", name, scores[name], ratings[name], k, k%5)
		}
	}
	for name, change := range get(shared, 7, "C", everything) {
		if math.Abs(change-2) > 1e-9 {
			t.Errorf("%s changed by %v against a week before, want 2", name, change)
		}
	}
	for at := range get(shared, 7, "D", everything) {
		if !strings.HasSuffix(at, "slow_server") {
			t.Errorf("main cause %s, want slow_server, which took three quarters", at)
		}
	}
	checkLater(t, p, shared, w.end)
	hosts, operations := named(t, "channelwatch-hosts"), named(t, "channelwatch-operations")
	if got := get(operations, 5, "A", choice{"agent": ".*"}); got["channel-01"] != 1 {
		t.Errorf("alerts %v, want the one of channel-01", got)
	}
	if got := get(operations, 11, "A", choice{"agent": ".*"}); got["agent_blind"] != 3 {
		t.Errorf("unknown %v, want 3 for agent_blind", got)
	}
	for _, ref := range []string{"A", "B"} {
		if got := get(hosts, 31, ref, choice{"host": ".*"}); got["vda"] != 1 {
			t.Errorf("disk time %s: %v, want 1 s for each operation of vda", ref, got)
		}
	}
}

// checkLater looks between two evaluations of a long window, further after the last one than Prometheus looks back.
func checkLater(t *testing.T, p *prometheus, shared *board, recorded time.Time) {
	t.Helper()
	of := shared.panel(t, 7)
	q := of.target(t, "B")
	for _, test := range []struct {
		window string
		after  time.Duration
		want   int
	}{
		{"1d", 0, 60},
		{"1d", 50 * time.Minute, 60},
		{"1d", 4 * time.Hour, 0}, // nobody records it any more
		{"5m", 0, 60},
		{"5m", 50 * time.Minute, 0}, // no longer so
	} {
		a, err := ask(t.Context(), p, &of, &q, choice{"channel": ".*", "window": test.window}, zoom, recorded.Add(test.after))
		if err != nil {
			t.Fatal(err)
		}
		if len(a.samples) != test.want {
			t.Errorf("%v after the scores over %s were recorded: %d rows, want %d", test.after, test.window, len(a.samples), test.want)
		}
	}
}
