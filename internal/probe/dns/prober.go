package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// prober asks anew at every probe and keeps no answer.
type prober struct{ settings }

// Probe asks the resolver, or the name servers of the zone, and looks at what they say.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.timeout)
		defer cancel()
	}
	resolver, err := p.resolver()
	if err != nil {
		return probe.Result{}, err
	}
	v := &verdict{settings: &p.settings, result: probe.Result{Start: time.Now(), Evidence: new(probe.Evidence)}}
	if p.authoritative {
		err = p.askZone(ctx, resolver, v)
	} else {
		err = p.askResolver(ctx, resolver, v)
	}
	if err != nil {
		return probe.Result{}, err
	}
	v.result.Duration = time.Since(v.result.Start)
	if v.waited > 0 && v.result.Reason == "" {
		v.result.Duration = v.waited
	}
	v.result.Phases.Add(probe.Resolve, v.result.Duration)
	return v.result, nil
}

// resolver returns the server to ask first. The system's can change at any time.
func (p *prober) resolver() (string, error) {
	const file = "/etc/resolv.conf"
	if p.server != "" {
		return p.server, nil
	}
	config, err := dns.ClientConfigFromFile(file)
	switch {
	case err != nil:
		return "", fmt.Errorf("reading the system's DNS servers: %w", err)
	case len(config.Servers) == 0:
		return "", errors.New("no DNS server in " + file + ", want one, or the field server")
	}
	return net.JoinHostPort(config.Servers[0], config.Port), nil
}

func (p *prober) askResolver(ctx context.Context, resolver string, v *verdict) error {
	r, err := query(ctx, resolver, p.question, true)
	if err != nil {
		return err
	}
	v.fromResolver(r)
	return nil
}

// askZone asks all name servers of the zone at once.
func (p *prober) askZone(ctx context.Context, resolver string, v *verdict) error {
	found, unanswered, err := p.find(ctx, resolver)
	if err != nil {
		return err
	}
	if unanswered != nil {
		v.fromResolver(unanswered)
		return nil
	}
	v.found = time.Since(v.result.Start)
	replies := make([]*reply, len(found.servers))
	errs := make([]error, len(found.servers))
	var asking sync.WaitGroup
	for i, server := range found.servers {
		asking.Go(func() {
			replies[i], errs[i] = query(ctx, p.addressOf(server), p.question, false)
			if replies[i] != nil {
				replies[i].server = server.String()
			}
		})
	}
	asking.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	v.fromZone(found, replies)
	return nil
}
