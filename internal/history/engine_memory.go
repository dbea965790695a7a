//go:build !nohistory

package history

import (
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// memoryLimit returns how many bytes of memory this process may use: those of its control group, or of the machine. root is
// the root of the file system. Where it cannot tell, as outside of Linux, there is no limit.
func memoryLimit(root fs.FS) uint64 {
	limit := uint64(math.MaxUint64)
	for _, file := range []string{
		path.Join("sys/fs/cgroup", controlGroup(root), "memory.max"), // version 2, of the host
		"sys/fs/cgroup/memory.max",                                   // version 2, of a container
		"sys/fs/cgroup/memory/memory.limit_in_bytes",                 // version 1, of a container
	} {
		if bytes, err := strconv.ParseUint(strings.TrimSpace(readText(root, file)), 10, 64); err == nil {
			limit = min(limit, bytes)
		}
	}
	if _, after, ok := strings.Cut(readText(root, "proc/meminfo"), "MemTotal:"); ok {
		if fields := strings.Fields(after); len(fields) > 0 {
			if kibibytes, err := strconv.ParseUint(fields[0], 10, 54); err == nil {
				limit = min(limit, kibibytes<<10)
			}
		}
	}
	return limit
}

// controlGroup returns the path of the control group of this process, of version 2.
func controlGroup(root fs.FS) string {
	for line := range strings.Lines(readText(root, "proc/self/cgroup")) {
		if group, ok := strings.CutPrefix(line, "0::"); ok {
			return strings.TrimSpace(group)
		}
	}
	return "/"
}

// readText returns the text of a file, or nothing.
func readText(root fs.FS, file string) string {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return ""
	}
	return string(text)
}
