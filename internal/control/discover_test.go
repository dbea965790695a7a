package control_test

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/control"
)

const (
	routesV4 = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	defaults = routesV4 +
		"eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
		"eth1\t00000000\t010200C0\t0003\t0\t0\t9\t00000000\t0\t0\t0\n" + // the same once more
		"eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n" +
		"ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n" + // straight into the line
		"eth2\t00000000\t020200C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n" + // down
		"eth3\t0000000A\t030200C0\t0003\t0\t0\t0\t000000FF\t0\t0\t0\n" + // to one network only
		"eth4\t00000000\t040200C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n" + // half of the world
		"eth5\t00000000\tnonsense\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
	routesV6 = "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0\n" +
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 20010db8000000000000000000000001 00000400 00000002 00000000 00000003     eth0\n" +
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003     eth0\n" +
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n"
	arp = "IP address       HW type     Flags       HW address            Mask     Device\n" +
		"192.0.2.11       0x1         0x2         02:fc:00:00:00:06     *        eth0\n"
)

func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		files       map[string]string
		targets     []string
		want, seen  []string
		noLinkAtAll bool
	}{
		{name: "nothing to read"},
		{
			name:  "gateways of default routes only",
			files: map[string]string{"proc/net/route": defaults, "proc/net/ipv6_route": routesV6},
			want:  []string{"gateway 192.0.2.1", "gateway 2001:db8::1", "gateway fe80::1%eth0"},
		},
		{
			name:  "resolvers elsewhere",
			files: map[string]string{"etc/resolv.conf": "# made by hand\nsearch example.com\nnameserver 192.0.2.53\nnameserver\nnameserver nonsense\noptions edns0\nnameserver 2001:db8::53 # second\n"},
			want:  []string{"resolver 192.0.2.53", "resolver 2001:db8::53"},
		},
		{
			name: "a resolver on this machine hides the real ones",
			files: map[string]string{
				"etc/resolv.conf":                 "nameserver 127.0.0.53\n",
				"run/systemd/resolve/resolv.conf": "nameserver 192.0.2.53\n",
			},
			want: []string{"resolver 192.0.2.53"},
		},
		{
			name:  "as many as the resolver library asks",
			files: map[string]string{"etc/resolv.conf": "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.1\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n"},
			want:  []string{"resolver 192.0.2.1", "resolver 192.0.2.2", "resolver 192.0.2.3"},
		},
		{
			name:    "targets replace what was found",
			files:   map[string]string{"proc/net/route": defaults, "etc/resolv.conf": "nameserver 192.0.2.53\n"},
			targets: []string{"198.51.100.1:443"},
			want:    []string{"198.51.100.1:443"},
		},
		{
			name:  "a gateway in the ARP table",
			files: map[string]string{"proc/net/route": defaults, "proc/net/arp": arp + "192.0.2.1        0x1         0x6         02:fc:00:00:00:05     *        eth0\n"},
			want:  []string{"gateway 192.0.2.1"},
			seen:  []string{"gateway 192.0.2.1"},
		},
		{
			name:  "a gateway that does not answer ARP",
			files: map[string]string{"proc/net/route": defaults, "proc/net/arp": arp + "192.0.2.1        0x1         0x0         00:00:00:00:00:00     *        eth0\n"},
			want:  []string{"gateway 192.0.2.1"},
		},
		{
			name:        "no link",
			files:       map[string]string{"sys/class/net/lo/operstate": "unknown\n", "sys/class/net/eth0/operstate": "down\n", "sys/class/net/br0/operstate": "lowerlayerdown\n"},
			noLinkAtAll: true,
		},
		{
			name:  "one link",
			files: map[string]string{"sys/class/net/eth0/operstate": "down\n", "sys/class/net/eth1/operstate": "up\n"},
		},
		{
			name:  "a tunnel that does not tell",
			files: map[string]string{"sys/class/net/eth0/operstate": "down\n", "sys/class/net/tun0/operstate": "unknown\n"},
		},
		{
			name:  "only loopback",
			files: map[string]string{"sys/class/net/lo/operstate": "unknown\n"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, seen, unplugged := control.Discover(control.Options{Root: tree(t, tt.files), Targets: tt.targets})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("neighbours (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.seen, seen); diff != "" {
				t.Errorf("seen (-want +got):\n%s", diff)
			}
			if unplugged != tt.noLinkAtAll {
				t.Errorf("unplugged = %t, want %t", unplugged, tt.noLinkAtAll)
			}
		})
	}
}

func TestExcuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		target string
		want   bool
	}{
		{"www.example.com:443", true},
		{"www.example.com", true},
		{"192.0.2.1:80", true},
		{"[2001:db8::1]:443", true},
		{"2001:db8::1", true},
		{"", false},
		{":8080", false},
		{"localhost:8080", false},
		{"LOCALHOST", false},
		{"shop.localhost.:80", false},
		{"127.0.0.1:9977", false},
		{"127.8.9.10", false},
		{"[::1]:9977", false},
		{"::1", false},
		{"[::ffff:127.0.0.1]:80", false},
		{"0.0.0.0:80", false},
		{"[::]:80", false},
		{"localhost.example.com:80", true},
	}
	for _, tt := range tests {
		t.Run(tt.target, func(t *testing.T) {
			t.Parallel()
			if got := control.Excuses(tt.target); got != tt.want {
				t.Errorf("Excuses(%q) = %t, want %t", tt.target, got, tt.want)
			}
		})
	}
}

func TestExcuses_NotForOwnAddresses(t *testing.T) {
	t.Parallel()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		address := netip.MustParsePrefix(a.String()).Addr()
		if target := netip.AddrPortFrom(address, 443).String(); control.Excuses(target) {
			t.Errorf("Excuses(%q) = true, want false: it is an address of this machine", target)
		}
	}
}
