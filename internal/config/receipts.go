package config

import (
	"net/netip"
	"net/url"
	"strings"
)

// Receipts is how devices confirm messages that they got.
type Receipts struct {
	Listen         string   `yaml:"listen" doc:"address where receipts arrive, open to the devices behind your own TLS; default: nobody listens"`
	PublicURL      string   `yaml:"public_url" format:"url" doc:"how devices reach that address, such as https://receipts.example.com; it is written into messages"`
	TrustedProxies []string `yaml:"trusted_proxies" doc:"addresses or networks whose X-Forwarded-For tells who asks; it is used to limit how often, and kept nowhere"`
}

// url returns the public URL as kinds are told it.
func (r *Receipts) url() string { return strings.TrimRight(r.PublicURL, "/") }

func (w settingsCheck) receipts(r *Receipts) {
	if (r.Listen == "") != (r.PublicURL == "") {
		w.wrong("receipts", "want both listen and public_url, or neither")
		return
	}
	if u, err := url.Parse(r.PublicURL); r.PublicURL != "" && err == nil && (u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Scheme != "https" && !local(u)) {
		w.wrong("receipts.public_url", "want https (http on a loopback address only) without user, query and fragment")
	}
}

// local reports whether a URL leads to this machine.
func local(u *url.URL) bool {
	address, err := netip.ParseAddr(u.Hostname())
	return err == nil && address.IsLoopback() || u.Hostname() == "localhost"
}
