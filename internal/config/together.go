package config

import (
	"net/url"
	"slices"
	"strings"
)

// together checks what the blocks of the agent ask for together, and the addresses in them.
func (l *loader) together(c *Config, main *mainFile) {
	if main.decoder == nil {
		return // the file holds no keys, which is reported
	}
	w := settingsCheck{loader: l, main: main}
	w.address("agent.external_url", c.Agent.ExternalURL)
	w.address("view.prometheus_url", c.Pages.PrometheusURL)
	w.address("view.grafana_url", c.Pages.GrafanaURL)
	alerts := map[string]bool{"alerting": !c.Alerting.IsZero(), "notify": c.Notify.wanted()}
	for _, block := range []string{"alerting", "notify"} {
		switch {
		case alerts[block] && !c.History.Enabled:
			w.wrong(block, "needs history, which is off")
		case alerts[block] && c.Pages.PrometheusURL != "":
			w.wrong(block, "not possible beside view.prometheus_url: that Prometheus evaluates the alerts, and nobody is to be told twice")
		case alerts[block] && c.Shard.Replicas > 1 && len(c.Shard.Peers) > 1:
			w.wrong(block, "not possible beside shard.replicas %d: each of these agents would tell of the same channel, and none sees what the others see; let one Prometheus evaluate the alerts", c.Shard.Replicas)
		}
	}
	if !c.RemoteWrite.IsZero() && !c.History.Enabled {
		w.wrong("remote_write", "needs history, which is off")
	}
	w.email(c.Notify.Email)
	w.authentication(&c.Pages)
	w.shard(&c.Shard)
	w.public(c)
	w.rum(&c.RUM)
	w.receipts(&c.Receipts)
	l.pairs()
	l.guests(c)
}

type settingsCheck struct {
	*loader
	main *mainFile
}

// wrong notes a mistake in a field, unless one was noted before.
func (w settingsCheck) wrong(field, format string, args ...any) {
	if p := path(field); !w.main.decoder.isBroken(p) {
		w.errs.add(w.main.decoder.find(w.main.node, field), p, format, args...)
	}
}

// address checks a URL of a page or a server.
func (w settingsCheck) address(field, s string) {
	if s == "" {
		return
	}
	switch u, err := url.Parse(s); {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		w.wrong(field, "want a URL such as https://host:9090/")
	case u.User != nil:
		w.wrong(field, "holds a user or a password, which have keys of their own")
	case u.RawQuery != "" || u.Fragment != "":
		w.wrong(field, "holds a query or a fragment, want an address without")
	}
}

func (w settingsCheck) email(e *Email) {
	switch {
	case e == nil:
	case e.Password.IsZero() != (e.Username == ""):
		w.wrong("notify.email", "want both username and password, or neither")
	case e.TLS == "none" && e.Username != "":
		w.wrong("notify.email.tls", "got none, want starttls or implicit: a password is not sent in the clear")
	case !e.Owners && len(e.To) == 0:
		w.wrong("notify.email", "writes to nobody: want owners: true or addresses in to")
	}
}

func (w settingsCheck) authentication(v *Pages) {
	for name := range v.Headers {
		switch strings.ToLower(name) {
		case "authorization", "proxy-authorization", "cookie", "x-api-key":
			w.wrong("view.headers", "%s is a credential, want password or bearer_token as {file: …} or {env: …}", quote(name))
		}
	}
	switch {
	case v.Password.IsZero() != (v.Username == ""):
		w.wrong("view", "want both username and password, or neither")
	case v.Username != "" && !v.BearerToken.IsZero():
		w.wrong("view", "both a password and a bearer token, want one")
	}
}

func (w settingsCheck) shard(s *Shard) {
	if len(s.Peers) == 0 {
		return
	}
	for i, peer := range s.Peers {
		if slices.Index(s.Peers, peer) != i {
			w.wrong("shard.peers", "%s is there twice, want the name of each agent once", quote(peer))
		}
	}
	if !slices.Contains(s.Peers, s.Name) {
		w.wrong("shard.name", "got %s, want one of shard.peers: %s", quote(s.Name), strings.Join(s.Peers, ", "))
	}
	if s.Replicas > len(s.Peers) {
		w.wrong("shard.replicas", "got %d, want at most the number of peers, %d", s.Replicas, len(s.Peers))
	}
}

func (w settingsCheck) public(c *Config) {
	if (c.Public.Listen == "") != (len(c.Public.Channels) == 0) {
		w.wrong("public", "want both listen and channels, or neither")
	}
	if c.Pages.PrometheusURL != "" {
		return // its channels are not known here
	}
	for _, name := range c.Public.Channels {
		if !slices.ContainsFunc(w.read, func(b *channelBlock) bool { return b.Name == name }) {
			w.wrong("public.channels", "got %s, want the name of a channel", quote(name))
		}
	}
}

func (w settingsCheck) rum(r *RUM) {
	if (r.Listen == "") != (len(r.Apps) == 0) {
		w.wrong("rum", "want both listen and apps, or neither")
	}
	if len(w.read) == 0 {
		return // its channels are those of other agents
	}
	for i := range r.Apps {
		name := r.Apps[i].Channel
		if name != "" && !slices.ContainsFunc(w.read, func(b *channelBlock) bool { return b.Name == name }) {
			w.wrong(string(path("rum.apps").index(i, "").key("channel")), "got %s, want the name of a channel", quote(name))
		}
	}
}
