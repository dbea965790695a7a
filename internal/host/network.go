package host

import (
	"context"
	"slices"
	"strings"
)

func networkCollector(sys *system, choice filter) collector {
	return collector{
		name: "network",
		metrics: []Desc{
			counter("host_network_receive_bytes_total", "Bytes received", "device"),
			counter("host_network_receive_packets_total", "Packets received", "device"),
			counter("host_network_receive_errors_total", "Packets received broken", "device"),
			counter("host_network_receive_drops_total", "Packets received and thrown away", "device"),
			counter("host_network_transmit_bytes_total", "Bytes sent", "device"),
			counter("host_network_transmit_packets_total", "Packets sent", "device"),
			counter("host_network_transmit_errors_total", "Packets that could not be sent", "device"),
			counter("host_network_transmit_drops_total", "Packets thrown away instead of sent", "device"),
		},
		collect: func(ctx context.Context, out *samples) error {
			interfaces, err := sys.interfaces(ctx)
			if err != nil {
				return err
			}
			slices.SortFunc(interfaces, func(a, b networkInterface) int { return strings.Compare(a.name, b.name) })
			for _, i := range interfaces {
				if !choice.takes(i.name) {
					continue
				}
				addTraffic(out, "host_network_receive_", i.receive, i.name)
				addTraffic(out, "host_network_transmit_", i.transmit, i.name)
			}
			return nil
		},
	}
}

func addTraffic(out *samples, prefix string, t traffic, device string) {
	out.add(prefix+"bytes_total", float64(t.bytes), device)
	out.add(prefix+"packets_total", float64(t.packets), device)
	out.add(prefix+"errors_total", float64(t.errors), device)
	out.add(prefix+"drops_total", float64(t.drops), device)
}
