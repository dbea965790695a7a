package agent

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/notify"
)

// newNotifier returns what tells people of incidents, or nil when nobody is to be told.
func newNotifier(cfg *config.Config, url, version string, log *slog.Logger) (*notify.Notifier, error) {
	settings := notifyConfig(&cfg.Notify)
	if settings.Email == nil && len(settings.Webhooks) == 0 {
		return nil, nil //nolint:nilnil // an agent that tells nobody has no notifier
	}
	n, err := notify.New(notify.Options{
		Config: settings, File: filepath.Join(cfg.History.Dir, "notify.json"),
		ExternalURL: url, Location: cfg.Agent.Location, Version: version, Log: log,
	})
	if err != nil {
		return nil, err // names the fields below the block notify, each of them
	}
	return n, nil
}

func notifyConfig(cfg *config.Notify) notify.Config {
	settings := notify.DefaultConfig()
	settings.GroupWait = cfg.GroupWait
	if cfg.Email != nil {
		email := notify.Email(*cfg.Email)
		settings.Email = &email
	}
	for _, hook := range cfg.Webhooks {
		settings.Webhooks = append(settings.Webhooks, notify.Webhook(hook))
	}
	return settings
}

// waiting says which messages people have not got: whoever cannot be told by mail can be told by the page.
func waiting(stats notify.Stats) (notices []string) {
	for _, r := range stats.Receivers {
		if r.Pending > 0 && r.Failed > 0 {
			notices = append(notices, fmt.Sprintf("Messages that wait to be delivered by %s: %d. Attempts that failed since the start: %d; the log says why.",
				r.Receiver, r.Pending, r.Failed))
		}
	}
	return notices
}

// externalURL returns the address at which readers reach an agent that listens on addr, without a trailing slash.
func externalURL(cfg *config.Config, addr net.Addr) string {
	if cfg.Agent.ExternalURL != "" {
		return strings.TrimRight(cfg.Agent.ExternalURL, "/")
	}
	scheme, at := "http://", addr.String()
	if file, err := os.ReadFile(cfg.Agent.WebConfigFile); err == nil && bytes.Contains(file, []byte("tls_server_config:")) {
		scheme = "https://"
	}
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			at = net.JoinHostPort(name, fmt.Sprint(tcp.Port))
		}
	}
	return scheme + at
}
