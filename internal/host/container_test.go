package host_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/host"
)

func TestHost_ContainerLimits(t *testing.T) {
	t.Parallel()
	const v1Memory = "sys/fs/cgroup/memory/"
	type tree map[string]string
	tests := []struct {
		name  string
		files tree
		want  map[string]float64 // limits, by name without host_container_
		state string             // "ok", "nothing" or "failed"
	}{
		{"no control groups", tree{}, nil, "nothing"},
		{"the root has no limits", tree{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.stat": "nr_periods 0\n"}, nil, "nothing"},
		{"the tightest of the groups above counts", tree{
			"proc/self/cgroup":             "0::/a/b\n",
			"sys/fs/cgroup/a/b/cpu.max":    "400000 100000\n",
			"sys/fs/cgroup/a/b/cpu.stat":   "nr_throttled 1\n",
			"sys/fs/cgroup/a/cpu.max":      "50000 100000\n",
			"sys/fs/cgroup/a/cpu.stat":     "nr_throttled 2\nthrottled_usec 3000000\n",
			"sys/fs/cgroup/cpu.max":        "max 100000\n",
			"sys/fs/cgroup/cpu.stat":       "nr_throttled 9\n",
			"sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/b/memory.current": "5\n", "sys/fs/cgroup/a/b/memory.events": "oom_kill 6\n",
		}, map[string]float64{
			"cpu_limit_cores": 0.5, "cpu_periods_total": 0, "cpu_throttled_periods_total": 2, "cpu_throttled_seconds_total": 3,
			"memory_usage_bytes": 5, "memory_oom_kills_total": 6,
		}, "ok"},
		{"both versions: the controllers are in the first", tree{
			"proc/self/cgroup":                 "4:memory:/\n0::/\n",
			v1Memory + "memory.limit_in_bytes": "9223372036854771712\n",
			v1Memory + "memory.usage_in_bytes": "77\n",
			v1Memory + "memory.oom_control":    "oom_kill_disable 0\noom_kill 3\n",
		}, map[string]float64{"memory_usage_bytes": 77, "memory_oom_kills_total": 3}, "ok"},
		{"a path with a colon", tree{
			"proc/self/cgroup": "0::/a:b\n", "sys/fs/cgroup/a:b/memory.max": "8\n", "sys/fs/cgroup/a:b/memory.current": "7\n",
		}, map[string]float64{"memory_limit_bytes": 8, "memory_usage_bytes": 7, "memory_oom_kills_total": 0}, "ok"},
		{"nonsense in cpu.max", tree{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "fast 100000\n"}, nil, "failed"},
		{"a period of nothing", tree{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "1 0\n"}, nil, "failed"},
		{"nonsense in memory.max", tree{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "8 MB\n"}, nil, "failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := machine{t, t.TempDir()}
			for name, content := range tt.files {
				m.write(name, content)
			}
			h := newHost(t, host.Options{Root: m.root, Collectors: []string{"container"}}, nil)
			var got map[string]float64
			state := map[string]float64{}
			for _, r := range h.Collect(t.Context()) {
				const prefix = "host_container_"
				switch {
				case len(r.Name) > len(prefix) && r.Name[:len(prefix)] == prefix:
					if got == nil {
						got = make(map[string]float64)
					}
					got[r.Name[len(prefix):]] = r.Value
				default:
					state[r.Name] = r.Value
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("limits (-want +got):\n%s", diff)
			}
			success, available := state["host_collector_success"], state["host_collector_available"]
			want := map[string][2]float64{"ok": {1, 1}, "nothing": {1, 0}, "failed": {0, 1}}[tt.state]
			if got := [2]float64{success, available}; got != want {
				t.Errorf("success and available = %v, want %v", got, want)
			}
		})
	}
}
