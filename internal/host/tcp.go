package host

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
)

func tcpCollector(sys *system) collector {
	return collector{
		name: "tcp",
		metrics: []Desc{
			counter("host_tcp_sent_segments_total", "Segments sent, without those that carried only a retransmission"),
			counter("host_tcp_retransmits_total", "Segments sent again because no acknowledgement came"),
			counter("host_tcp_active_opens_total", "Connections that this host opened"),
			counter("host_tcp_passive_opens_total", "Connections that this host accepted"),
			counter("host_tcp_attempt_failures_total", "Connection attempts that failed"),
			gauge("host_tcp_established_connections", "Connections that are open"),
			counter("host_tcp_listen_overflows_total", "Connections refused because an accept queue was full"),
			counter("host_tcp_listen_drops_total", "Connection requests dropped at a listening socket"),
			counter("host_tcp_timeouts_total", "Retransmission timers that expired"),
		},
		collect: func(_ context.Context, out *samples) error {
			for _, file := range []string{"proc/net/snmp", "proc/net/netstat"} {
				data, err := sys.read(file)
				if err != nil {
					return err
				}
				counts, err := parseNetstat(data)
				if err != nil {
					return fmt.Errorf("reading %s: %w", file, err)
				}
				for _, metric := range tcpNames() {
					if n, ok := counts[metric.field]; ok {
						out.add(metric.name, n)
					}
				}
			}
			return nil
		},
	}
}

type tcpName struct{ field, name string }

func tcpNames() []tcpName {
	return []tcpName{
		{"Tcp.OutSegs", "host_tcp_sent_segments_total"},
		{"Tcp.RetransSegs", "host_tcp_retransmits_total"},
		{"Tcp.ActiveOpens", "host_tcp_active_opens_total"},
		{"Tcp.PassiveOpens", "host_tcp_passive_opens_total"},
		{"Tcp.AttemptFails", "host_tcp_attempt_failures_total"},
		{"Tcp.CurrEstab", "host_tcp_established_connections"},
		{"TcpExt.ListenOverflows", "host_tcp_listen_overflows_total"},
		{"TcpExt.ListenDrops", "host_tcp_listen_drops_total"},
		{"TcpExt.TCPTimeouts", "host_tcp_timeouts_total"},
	}
}

// parseNetstat reads pairs of lines, names and then numbers, each starting with the protocol and a colon. The keys are
// "Protocol.Name". Some numbers are negative, such as MaxConn.
func parseNetstat(data []byte) (map[string]float64, error) {
	counts := make(map[string]float64)
	var names []string
	for line := range bytes.Lines(data) {
		fields := strings.Fields(string(line))
		if names == nil {
			names = fields
			continue
		}
		if len(fields) != len(names) || len(fields) == 0 || fields[0] != names[0] {
			return nil, fmt.Errorf("line of %d numbers for %q, want %d", len(fields), strings.Join(names[:min(1, len(names))], ""), len(names))
		}
		for i, field := range fields[1:] {
			n, err := strconv.ParseFloat(field, 64)
			if err != nil {
				return nil, fmt.Errorf("%s%s: %w", names[0], names[i+1], err)
			}
			counts[strings.TrimSuffix(names[0], ":")+"."+names[i+1]] = n
		}
		names = nil
	}
	return counts, nil
}
