package agent

import (
	"slices"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// counted returns the channels with the touchpoints that count in them: their own, and those of other channels that
// count there too. Channels without such are returned as they are.
func counted(channels []*probe.Channel) []*probe.Channel {
	guests := make(map[string][]*probe.Touchpoint)
	for _, channel := range channels {
		for _, tp := range channel.Touchpoints {
			for _, name := range tp.AlsoIn {
				guests[name] = append(guests[name], tp.In(name))
			}
		}
	}
	if len(guests) == 0 {
		return channels
	}
	all := make([]*probe.Channel, len(channels))
	for i, channel := range channels {
		c := *channel
		c.Touchpoints = slices.Concat(c.Touchpoints, guests[c.Name])
		all[i] = &c
	}
	return all
}

// everywhere returns a touchpoint as it counts in each of its channels, its own first.
func everywhere(tp *probe.Touchpoint) []*probe.Touchpoint {
	all := []*probe.Touchpoint{tp}
	for _, name := range tp.AlsoIn {
		all = append(all, tp.In(name))
	}
	return all
}

// probedAs returns the key of the touchpoint that is probed for one that counts in a channel.
func (a *Agent) probedAs(channel, touchpoint string) string {
	for _, tp := range a.inForce().Touchpoints() {
		if tp.Name == touchpoint && slices.Contains(tp.AlsoIn, channel) {
			return tp.Key()
		}
	}
	return channel + "/" + touchpoint
}
