package applink

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxFile bounds the files of the site and what Apple, stores and remote configurations answer, in bytes.
const maxFile = 1 << 20

// maxOthers is how many redirects are followed where devices follow them, too.
const maxOthers = 5

// settings is a validated Config. It is immutable.
type settings struct {
	site     *url.URL
	appIDs   []string
	links    []*url.URL
	copyURL  string // of the site's file; empty: Apple is not asked
	android  android
	releases []releases
	each     time.Duration // for one document
}

// releases is one app's release.
type releases struct {
	config  string
	minimum *assert.Path
	version *version // in the store; nil: it is asked
	store   []string
	path    *assert.Path
}

// validation turns a Config into settings and collects all mistakes.
type validation struct {
	Config
	settings
	secrets []string
	errs    []error
}

func (v *validation) wrong(field, format string, args ...any) {
	v.errs = append(v.errs, probe.Fieldf(field, format, args...))
}

func build(c Config, setup probe.Setup, clients *httpx.Common) (probe.Built, error) {
	v := &validation{Config: c}
	v.checkSite()
	v.checkIOS()
	v.checkAndroid()
	v.checkRelease("ios.release", &c.IOS.Release)
	v.checkRelease("android.release", &c.Android.Release)
	site, err := clients.New(v.siteOptions(setup))
	if err != nil {
		v.wrong("tls", "%w", err) // all else that the client could dislike was left out
	}
	others, err := clients.New(httpx.Options{UserAgent: setup.UserAgent, Timeout: setup.Timeout, MaxRedirects: maxOthers, BodyLimit: maxFile})
	v.errs = append(v.errs, err)
	if err := errors.Join(v.errs...); err != nil {
		return probe.Built{}, err
	}
	v.each = setup.Timeout / time.Duration(v.documents())
	return probe.Built{
		Prober: &prober{
			settings: v.settings, site: site, others: others, timeout: setup.Timeout, seen: new(sight), redaction: probe.NewRedaction(v.secrets...),
		},
		Profile: probe.Profile{
			Target:  httpkind.HostPort(v.site),
			URL:     httpx.RedactURL(v.site),
			Phases:  []probe.Phase{probe.Resolve, probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Receive},
			Metrics: []string{probe.CertificateNotAfter, probe.CertificateNotBefore},
			TLS:     true,
		},
	}, nil
}

// documents returns how many documents a probe asks for.
func (s *settings) documents() int {
	n := 0
	for _, asked := range []bool{len(s.appIDs) > 0, s.copyURL != "", s.android.Package != ""} {
		if asked {
			n++
		}
	}
	for i := range s.releases {
		n += 1 + len(s.releases[i].store)
	}
	return n
}

func (v *validation) siteOptions(setup probe.Setup) httpx.Options {
	options := httpx.Options{
		UserAgent: setup.UserAgent, Timeout: setup.Timeout, BodyLimit: maxFile,
		TLS: httpx.TLSOptions{
			CAFile: v.TLS.CAFile, CertFile: v.TLS.CertFile, KeyFile: v.TLS.KeyFile, ServerName: v.TLS.ServerName,
		},
	}
	if v.Resolver != "" {
		host, port, err := net.SplitHostPort(v.Resolver)
		if n, errPort := strconv.ParseUint(port, 10, 16); err != nil || errPort != nil || n == 0 || host == "" {
			v.wrong("resolver", "%q, want host:port", v.Resolver)
			return options
		}
		options.Resolver = v.Resolver
	}
	return options
}

func (v *validation) checkSite() {
	site, err := httpx.ParseURL(v.URL)
	switch {
	case err != nil:
		v.wrong("url", "%w", err)
		return
	case site.Scheme != "https":
		v.wrong("url", "is not https, and devices ask for the files by https only")
	case site.User != nil || site.RawQuery != "" || strings.Trim(site.Path, "/") != "":
		v.wrong("url", "want https:// and a host alone: the addresses of the files are fixed")
	}
	v.site = &url.URL{Scheme: site.Scheme, Host: site.Host}
	if len(v.IOS.AppIDs) == 0 && v.Android.Package == "" {
		v.wrong("ios.app_ids", "neither it nor android.package is set, want an app")
	}
}

func (v *validation) checkIOS() {
	appID := regexp.MustCompile(`^[A-Z0-9]{10}\.[A-Za-z0-9.-]+$`)
	for i, id := range v.IOS.AppIDs {
		if !appID.MatchString(id) {
			v.wrong(fmt.Sprintf("ios.app_ids[%d]", i), "%q, want a team and a bundle identifier such as ABCDE12345.com.example.shop", id)
		}
	}
	v.appIDs = v.IOS.AppIDs
	for i, text := range v.IOS.Links {
		field := fmt.Sprintf("ios.links[%d]", i)
		link, err := httpx.ParseURL(text)
		switch {
		case err != nil:
			v.wrong(field, "%w", err)
		case v.site != nil && (link.Scheme != "https" || !strings.EqualFold(link.Host, v.site.Host)):
			v.wrong(field, "is not an address of the site, want https://%s/…", v.site.Host)
		case len(v.appIDs) == 0:
			v.wrong(field, "no app is set that it should open, want ios.app_ids")
		default:
			v.links = append(v.links, link)
		}
	}
	if len(v.appIDs) > 0 && v.IOS.Copy != "" && v.site != nil {
		v.checkCopy()
	}
}

// checkCopy makes the address of Apple's copy, which is by the name of the host alone.
func (v *validation) checkCopy() {
	base, err := httpx.ParseURL(v.IOS.Copy)
	if err != nil {
		v.wrong("ios.copy", "%w", err)
		return
	}
	if _, err := netip.ParseAddr(v.site.Hostname()); err == nil && v.IOS.Copy == appleCopy {
		return // links of an address open no app, and Apple has none
	}
	v.copyURL = base.JoinPath("a", "v1", v.site.Hostname()).String()
}

func (v *validation) checkAndroid() {
	a := &v.Android
	fingerprint := regexp.MustCompile(`^([0-9A-F]{2}:){31}[0-9A-F]{2}$`)
	for i, f := range a.Fingerprints {
		if !fingerprint.MatchString(f) {
			v.wrong(fmt.Sprintf("android.fingerprints[%d]", i), "%q, want 32 bytes in capitals with colons between them", f)
		}
	}
	switch {
	case a.Package == "" && len(a.Fingerprints) > 0:
		v.wrong("android.package", "missing beside fingerprints, want the name of the app's package")
	case a.Package != "" && len(a.Fingerprints) == 0:
		v.wrong("android.fingerprints", "missing, want those of the keys that sign the app")
	}
	v.android = *a
}

func (v *validation) checkRelease(field string, r *release) {
	if r.Config == "" && r.Minimum == "" && r.Version == "" && len(r.Store) == 0 {
		return
	}
	var ready releases
	ready.config = v.checkURL(field+".config", r.Config)
	ready.minimum = v.checkPath(field+".minimum", r.Minimum)
	ready.path = v.checkPath(field+".path", r.Path)
	for i, store := range r.Store {
		ready.store = append(ready.store, v.checkURL(fmt.Sprintf("%s.store[%d]", field, i), store))
	}
	if r.Version != "" {
		stored, err := parseVersion(r.Version)
		if err != nil {
			v.wrong(field+".version", "%w", err)
		}
		ready.version = &stored
	}
	if (r.Version == "") == (len(r.Store) == 0) {
		v.wrong(field+".store", "want either it or version, to know what customers can get")
	}
	v.releases = append(v.releases, ready)
}

// checkURL checks an address that may have a key in its query, which nobody may see from then on.
func (v *validation) checkURL(field, text string) string {
	parsed, err := httpx.ParseURL(text)
	switch {
	case err != nil:
		v.wrong(field, "%w", err)
		return ""
	case parsed.User != nil:
		v.wrong(field, "holds credentials, want an address that is asked for without")
	}
	for _, values := range parsed.Query() {
		v.secrets = append(v.secrets, values...)
	}
	return text
}

func (v *validation) checkPath(field, text string) *assert.Path {
	path, err := assert.ParsePath(text)
	if err != nil {
		v.wrong(field, "%w", err)
	}
	return path
}
