//go:build !nohistory

package history

import (
	"math"
	"testing"
	"testing/fstest"
)

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	const meminfo = "MemTotal:       24576 kB\nMemFree:  1 kB\n" // 24 MiB
	for _, test := range []struct {
		name  string
		files map[string]string
		want  uint64
	}{
		{"of a service", map[string]string{
			"proc/self/cgroup": "0::/system.slice/channelwatch.service\n", "proc/meminfo": meminfo,
			"sys/fs/cgroup/system.slice/channelwatch.service/memory.max": "1048576\n",
		}, 1 << 20},
		{"of a container", map[string]string{"proc/self/cgroup": "0::/\n", "proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "2097152\n"}, 2 << 20},
		{"of a container, version 1", map[string]string{
			"proc/self/cgroup": "12:memory:/docker/7\n", "proc/meminfo": meminfo, "sys/fs/cgroup/memory/memory.limit_in_bytes": "3145728\n",
		}, 3 << 20},
		{"none but that of the machine", map[string]string{"proc/self/cgroup": "0::/\n", "proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "max\n"}, 24 << 20},
		{"larger than the machine", map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "9223372036854771712\n"}, 24 << 20},
		{"not to be told", map[string]string{"proc/meminfo": "MemTotal:", "proc/self/cgroup": "0::/../../etc\n"}, math.MaxUint64},
	} {
		files := make(fstest.MapFS)
		for name, text := range test.files {
			files[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := memoryLimit(files); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}
