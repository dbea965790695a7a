package config

import "slices"

// guests checks that touchpoints which count in other channels too are welcome there.
func (l *loader) guests(c *Config) {
	names := make(map[string]string) // channel/touchpoint to the channel that probes it
	blocks := make(map[string]bool)
	for _, channel := range l.read {
		blocks[channel.Name] = true
		for i := range channel.Touchpoints {
			names[channel.Name+"/"+channel.Touchpoints[i].Name] = channel.Name
		}
	}
	for _, channel := range l.read {
		for i := range channel.Touchpoints {
			t := &channel.Touchpoints[i]
			if t.decoder == nil || len(t.AlsoIn) == 0 || t.decoder.isBroken(t.path.key("also_in")) {
				continue
			}
			wrong := func(format string, args ...any) {
				l.errs.add(t.pos("also_in"), t.path.key("also_in"), format, args...)
			}
			if len(c.Shard.Peers) > 1 {
				wrong("not possible beside shard.peers: the other channel may be another agent's")
			}
			for j, name := range t.AlsoIn {
				key := name + "/" + t.Name
				switch old, taken := names[key]; {
				case !blocks[name]:
					wrong("got %s, want the name of a channel", quote(name))
				case name == channel.Name:
					wrong("%s is its own channel, where it counts anyway", quote(name))
				case slices.Contains(t.AlsoIn[:j], name):
					wrong("%s is there twice", quote(name))
				case taken:
					wrong("%s has a touchpoint of the name %s already, from channel %s", quote(name), quote(t.Name), quote(old))
				default:
					names[key] = channel.Name
				}
			}
		}
	}
}
