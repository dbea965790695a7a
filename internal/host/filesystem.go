package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

func filesystemCollector(sys *system, choice filters) collector {
	return collector{
		name: "filesystem",
		metrics: []Desc{
			gauge("host_filesystem_size_bytes", "Size of the filesystem", "mountpoint"),
			gauge("host_filesystem_available_bytes", "Space that users without privileges can still take", "mountpoint"),
			gauge("host_filesystem_inodes", "Files that the filesystem can hold", "mountpoint"),
			gauge("host_filesystem_inodes_free", "Files that can still be made", "mountpoint"),
			gauge("host_filesystem_readonly", "Whether the filesystem is mounted read-only", "mountpoint"),
		},
		collect: func(ctx context.Context, out *samples) error {
			mounts, err := sys.mounts(ctx)
			if err != nil {
				return err
			}
			var errs []error
			for _, m := range chosenMounts(mounts, choice) {
				s, err := sys.statfs(ctx, sys.path(m.point))
				if err != nil {
					errs = append(errs, fmt.Errorf("reading space of %s: %w", m.point, err))
					continue
				}
				out.add("host_filesystem_size_bytes", float64(s.size), m.point)
				out.add("host_filesystem_available_bytes", float64(s.free), m.point)
				out.add("host_filesystem_inodes", float64(s.inodes), m.point)
				out.add("host_filesystem_inodes_free", float64(s.inodesFree), m.point)
				out.add("host_filesystem_readonly", flag(m.readOnly), m.point)
			}
			return errors.Join(errs...)
		},
	}
}

// chosenMounts returns one mount for each mount point, sorted: what was mounted over another hides it.
func chosenMounts(mounts []mount, choice filters) []mount {
	visible := make(map[string]mount, len(mounts))
	for _, m := range mounts {
		visible[m.point] = m
	}
	var chosen []mount
	for _, m := range visible {
		if choice.filesystems.takes(m.fsType) && choice.mounts.takes(m.point) {
			chosen = append(chosen, m)
		}
	}
	slices.SortFunc(chosen, func(a, b mount) int { return strings.Compare(a.point, b.point) })
	return chosen
}
