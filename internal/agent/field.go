package agent

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/rum"
)

// field is where customers' own browsers tell how pages load for them. The zero value listens to nobody.
type field struct {
	server   *rum.Server
	listener net.Listener
}

// newField binds the address for beacons, if the configuration has one.
func newField(cfg *config.RUM, log *slog.Logger) (f field, err error) {
	if cfg.Listen == "" {
		return field{}, nil
	}
	opts, err := rumOptions(cfg)
	if err != nil {
		return field{}, fmt.Errorf("rum: %w", err)
	}
	opts.Log = log
	if f.server, err = rum.New(opts); err != nil {
		return field{}, fmt.Errorf("rum: %w", err)
	}
	f.listener, err = listen("rum.listen", cfg.Listen)
	return f, err
}

// checkRUM says what is wrong with the block rum.
func checkRUM(c *config.Config) error {
	if c.RUM.Listen == "" || len(c.RUM.Apps) == 0 {
		return nil // nobody listens, or what is missing is reported
	}
	opts, err := rumOptions(&c.RUM)
	if err != nil {
		return err
	}
	return rum.Check(opts)
}

func rumOptions(cfg *config.RUM) (rum.Options, error) {
	opts := rum.Options{Sample: cfg.Sample}
	for _, app := range cfg.Apps {
		a := rum.App{Channel: app.Channel, Origins: app.Origins}
		for _, group := range app.Groups {
			a.Groups = append(a.Groups, rum.Group(group))
		}
		opts.Apps = append(opts.Apps, a)
	}
	var err error
	opts.TrustedProxies, err = networks(cfg.TrustedProxies)
	return opts, err
}

// networks reads the field trusted_proxies.
func networks(texts []string) (all []netip.Prefix, err error) {
	for i, text := range texts {
		network, err := networkOf(text)
		if err != nil {
			return nil, probe.Fieldf(fmt.Sprintf("trusted_proxies[%d]", i), "%q, want an address or a network such as 192.0.2.0/24", text)
		}
		all = append(all, network)
	}
	return all, nil
}

// networkOf reads a network, or an address as a network of one.
func networkOf(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}
