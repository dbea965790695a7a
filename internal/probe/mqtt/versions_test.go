package mqtt_test

import (
	"iter"

	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
)

// versions yields the versions of the protocol, each with what makes a configuration use it.
func versions() iter.Seq2[string, func(*mqtt.Config)] {
	return func(yield func(string, func(*mqtt.Config)) bool) {
		for _, version := range []string{"5", "3.1.1"} {
			if !yield("version "+version, func(c *mqtt.Config) { c.Version = version }) {
				return
			}
		}
	}
}

// both applies two changes to a configuration.
func both(first, second func(*mqtt.Config)) func(*mqtt.Config) {
	return func(c *mqtt.Config) {
		first(c)
		second(c)
	}
}
