package freshness

import (
	"errors"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Bounds of what is read and written.
const (
	maxBody      = 1 << 20 // bytes of a document
	maxRedirects = 5
	maxQuery     = 16 << 10 // bytes
)

func build(c Config, setup probe.Setup, opener *httpkind.Opener) (probe.Built, error) {
	v := validation{Config: c, setup: setup, opener: opener}
	v.ages()
	v.sources()
	if err := errors.Join(v.errs...); err != nil {
		return probe.Built{}, err
	}
	v.s.redaction = probe.NewRedaction(v.hidden...)
	return probe.Built{Prober: &prober{v.s, v.source}, Profile: v.profile}, nil
}

// validation turns a Config into settings and collects all mistakes.
type validation struct {
	Config
	setup   probe.Setup
	opener  *httpkind.Opener
	s       settings
	source  source
	profile probe.Profile
	hidden  []string
	errs    []error
}

func (v *validation) wrong(field, format string, args ...any) {
	v.errs = append(v.errs, probe.Fieldf(field, format, args...))
}

// ages checks what is made of the value.
func (v *validation) ages() {
	v.s = settings{
		age: v.Value == valueAge, zone: time.UTC, zoneSet: v.Zone != "", warn: v.Warn, error: v.Error, ahead: v.Ahead, timeout: v.setup.Timeout,
	}
	if v.Value != valueTime && v.Value != valueAge {
		v.wrong("value", "%q, want %s or %s", v.Value, valueTime, valueAge)
	}
	if v.Zone != "" {
		zone, err := time.LoadLocation(v.Zone)
		if err != nil || v.Zone == "Local" {
			v.wrong("zone", "%q, want a time zone such as Europe/Berlin", v.Zone)
		}
		v.s.zone = zone
	}
	if v.Warn <= 0 || v.Error < v.Warn {
		v.wrong("error", "%v and warn %v, want warn above 0 and error at least warn", v.Error, v.Warn)
	}
	if v.Ahead < 0 {
		v.wrong("ahead", "%v, want none below 0", v.Ahead)
	}
}

// sources builds the one source.
func (v *validation) sources() {
	set := 0
	for _, is := range []bool{v.HTTP != nil, v.File != nil, v.SQL != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		v.errs = append(v.errs, errors.New("want exactly one of http, file and sql"))
		return
	}
	v.profile.Metrics = []string{ageSeconds}
	switch {
	case v.HTTP != nil:
		v.document()
	case v.File != nil:
		v.file()
	default:
		v.sql()
	}
}

func (v *validation) document() {
	b := v.HTTP
	site, err := v.opener.Site(&httpkind.Target{
		URL: b.URL, Headers: b.Headers, SecretHeaders: b.SecretHeaders, Redirects: httpkind.Redirects{Max: maxRedirects},
		MaxBody: maxBody, Resolver: v.Resolver, TLS: v.TLS,
	}, v.setup, nil)
	v.below("http", err)
	path, err := assert.ParsePath(b.JSONPath)
	if err != nil {
		v.wrong("http.jsonpath", "%w", err)
	}
	if site.URL == nil {
		return
	}
	secure := site.URL.Scheme == "https"
	v.source = &document{client: site.Client, request: httpx.Request{URL: b.URL, Header: site.Header}, path: path, name: b.JSONPath, secure: secure}
	v.hidden = append(v.hidden, site.Secrets...)
	v.profile.Target, v.profile.URL, v.profile.TLS = httpkind.HostPort(site.URL), httpx.RedactURL(site.URL), secure
	// A redirect can lead to a name and to TLS when the URL has neither.
	v.profile.Phases = []probe.Phase{probe.Resolve, probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Receive}
	if secure {
		v.profile.Metrics = append(v.profile.Metrics, probe.CertificateNotAfter, probe.CertificateNotBefore)
	}
}

// below adds mistakes of a part of the configuration that knows its own fields only.
func (v *validation) below(block string, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			v.below(block, one)
		}
		return
	}
	wrong, ok := errors.AsType[*probe.FieldError](err)
	switch {
	case err == nil:
	case !ok:
		v.errs = append(v.errs, err)
	case strings.HasPrefix(wrong.Field, "tls"), wrong.Field == "resolver":
		v.errs = append(v.errs, wrong)
	default:
		v.wrong(block+"."+wrong.Field, "%w", wrong.Err)
	}
}

// here is the target of what is on the agent's own host.
const here = "localhost:0"

func (v *validation) file() {
	b := v.File
	if !filepath.IsAbs(b.Path) {
		v.wrong("file.path", "%q, want an absolute path", b.Path)
	}
	if b.MinSize < 0 || b.MaxSize < 0 || b.MaxSize > 0 && b.MaxSize < b.MinSize {
		v.wrong("file.max_size", "%d and min_size %d, want max_size 0 or at least min_size", b.MaxSize, b.MinSize)
	}
	v.source = newDisk(&file{path: b.Path, minSize: b.MinSize, maxSize: b.MaxSize}, "STAT", b.Path)
	v.local(b.Path)
	v.profile.Metrics = append(v.profile.Metrics, fileBytes)
}

// local is the profile of what is on the agent's own host.
func (v *validation) local(path string) {
	v.profile.Target, v.profile.URL, v.profile.Phases = here, "file://"+path, []probe.Phase{probe.Wait}
}

func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	n, errPort := strconv.ParseUint(port, 10, 16)
	return err == nil && errPort == nil && n > 0 && host != ""
}
