package host

import "fmt"

// collectors is the list: one line per collector. sys may be nil when only the declarations are of interest.
func collectors(sys *system, choice filters) []collector {
	return []collector{
		cpuCollector(sys),
		loadCollector(sys),
		memoryCollector(sys),
		pressureCollector(sys),
		filesystemCollector(sys, choice),
		diskCollector(sys, choice.disks),
		networkCollector(sys, choice.interfaces),
		tcpCollector(sys),
		fileCollector(sys),
		timeCollector(sys),
		containerCollector(sys),
		processCollector(sys, choice.processes),
	}
}

// filters say what the collectors leave out.
type filters struct {
	filesystems, mounts, disks, interfaces filter
	processes                              []string
}

// The default exclusions.
const (
	excludeFilesystems = `autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|efivarfs|fuse\..*|fusectl|hugetlbfs|` +
		`iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|ramfs|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tmpfs|tracefs|` +
		`9p|afs|ceph|cifs|glusterfs|lustre|nfs4?|smb3?|virtiofs`
	excludeMounts = `/(dev|proc|run/credentials|run/user|sys|var/lib/docker|var/lib/containers|var/lib/kubelet)($|/.*)`
	excludeDisks  = `(loop|ram|zram|sr|fd|dm-)\d+|(h|s|v|xv)d[a-z]+\d+|nvme\d+n\d+p\d+|mmcblk\d+(p\d+|boot\d+|rpmb)`
	// Of containers and virtual machines come many interfaces that live for minutes.
	excludeInterfaces = `lo|(veth|cali|cilium|lxc|tap|vnet|ifb|dummy|flannel|docker|br-|virbr|kube-|nodelocaldns).*`
)

func newFilters(opts Options) (choice filters, errs []error) {
	choice.processes = opts.Processes
	for _, f := range []struct {
		name    string
		from    Filter
		exclude string
		to      *filter
	}{
		{"filesystems", opts.Filesystems, excludeFilesystems, &choice.filesystems},
		{"mounts", opts.Mounts, excludeMounts, &choice.mounts},
		{"disks", opts.Disks, excludeDisks, &choice.disks},
		{"interfaces", opts.Interfaces, excludeInterfaces, &choice.interfaces},
	} {
		compiled, err := f.from.compile(f.exclude)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", f.name, err))
		}
		*f.to = compiled
	}
	return choice, errs
}
