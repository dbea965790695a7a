package host

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/shirou/gopsutil/v3/common"
	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/disk"
	"github.com/shirou/gopsutil/v3/mem"
	"github.com/shirou/gopsutil/v3/net"
)

// This file is all that knows gopsutil. It also turns what gopsutil hides into errors: a file that is missing is an
// empty answer there.

// library reads the host below a root through gopsutil.
type library struct{ env common.EnvMap }

func newLibrary(root string) library {
	return library{common.EnvMap{
		common.HostProcEnvKey: filepath.Join(root, "proc"),
		common.HostSysEnvKey:  filepath.Join(root, "sys"),
		common.HostDevEnvKey:  filepath.Join(root, "dev"),
		common.HostRunEnvKey:  filepath.Join(root, "run"),
		common.HostEtcEnvKey:  filepath.Join(root, "etc"),
		common.HostVarEnvKey:  filepath.Join(root, "var"),
		common.HostRootEnvKey: root,
	}}
}

func (l library) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, common.EnvKey, l.env)
}

// cpuSeconds returns the seconds that all processors together spent in each mode; the modes do not overlap.
func (l library) cpuSeconds(ctx context.Context) (map[string]float64, error) {
	times, err := cpu.TimesWithContext(l.context(ctx), false)
	if err != nil {
		return nil, err
	}
	if len(times) != 1 {
		return nil, errors.New("reading proc/stat: no line for all processors")
	}
	t := times[0]
	return map[string]float64{
		"user": t.User, "nice": t.Nice, "system": t.System, "idle": t.Idle,
		"iowait": t.Iowait, "irq": t.Irq, "softirq": t.Softirq, "steal": t.Steal,
	}, nil
}

// memory is in bytes.
type memory struct{ total, available, free, cached, buffers, dirty, swapTotal, swapFree uint64 }

func (l library) memory(ctx context.Context) (memory, error) {
	m, err := mem.VirtualMemoryWithContext(l.context(ctx))
	if err != nil {
		return memory{}, err
	}
	if m.Total == 0 {
		return memory{}, errors.New("reading proc/meminfo: no MemTotal")
	}
	return memory{
		total: m.Total, available: m.Available, free: m.Free, cached: m.Cached, buffers: m.Buffers, dirty: m.Dirty,
		swapTotal: m.SwapTotal, swapFree: m.SwapFree,
	}, nil
}

// mount is one mounted filesystem.
type mount struct {
	device, point, fsType string
	readOnly              bool
}

// mounts returns what is mounted, in the order of mounting.
func (l library) mounts(ctx context.Context) ([]mount, error) {
	partitions, err := disk.PartitionsWithContext(l.context(ctx), true)
	if err != nil {
		return nil, err
	}
	mounts := make([]mount, 0, len(partitions))
	for _, p := range partitions {
		m := mount{device: p.Device, point: p.Mountpoint, fsType: p.Fstype}
		for _, option := range p.Opts {
			m.readOnly = m.readOnly || option == "ro"
		}
		mounts = append(mounts, m)
	}
	return mounts, nil
}

// space is what a filesystem has, in bytes and inodes; free is what users without privileges may still take.
type space struct{ size, free, inodes, inodesFree uint64 }

func statfs(ctx context.Context, path string) (space, error) {
	usage, err := disk.UsageWithContext(ctx, path)
	if err != nil {
		return space{}, err
	}
	return space{size: usage.Total, free: usage.Free, inodes: usage.InodesTotal, inodesFree: usage.InodesFree}, nil
}

// diskIO counts since boot; times are in milliseconds.
type diskIO struct {
	name                            string
	reads, writes                   uint64
	readBytes, writtenBytes         uint64
	readTime, writeTime, activeTime uint64
	weightedTime                    uint64
}

func (l library) disks(ctx context.Context) ([]diskIO, error) {
	counters, err := disk.IOCountersWithContext(l.context(ctx))
	if err != nil {
		return nil, err
	}
	disks := make([]diskIO, 0, len(counters))
	for name, c := range counters {
		disks = append(disks, diskIO{
			name: name, reads: c.ReadCount, writes: c.WriteCount, readBytes: c.ReadBytes, writtenBytes: c.WriteBytes,
			readTime: c.ReadTime, writeTime: c.WriteTime, activeTime: c.IoTime, weightedTime: c.WeightedIO,
		})
	}
	return disks, nil
}

// traffic counts one direction of a network interface since it came up.
type traffic struct{ bytes, packets, errors, drops uint64 }

type networkInterface struct {
	name              string
	receive, transmit traffic
}

func (l library) interfaces(ctx context.Context) ([]networkInterface, error) {
	counters, err := net.IOCountersWithContext(l.context(ctx), true)
	if err != nil {
		return nil, err
	}
	interfaces := make([]networkInterface, 0, len(counters))
	for _, c := range counters {
		interfaces = append(interfaces, networkInterface{
			name:     c.Name,
			receive:  traffic{bytes: c.BytesRecv, packets: c.PacketsRecv, errors: c.Errin, drops: c.Dropin},
			transmit: traffic{bytes: c.BytesSent, packets: c.PacketsSent, errors: c.Errout, drops: c.Dropout},
		})
	}
	return interfaces, nil
}

// cores returns the number of processors online.
func (l library) cores(ctx context.Context) (int, error) {
	times, err := cpu.TimesWithContext(l.context(ctx), true)
	if err != nil {
		return 0, err
	}
	if len(times) == 0 {
		return 0, errors.New("reading proc/stat: no processor")
	}
	return len(times), nil
}
