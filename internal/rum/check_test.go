package rum_test

import (
	"errors"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/rum"
)

// mistakes returns the fields that an error complains of, with what it says of each.
func mistakes(t *testing.T, err error) map[string]string {
	t.Helper()
	all := make(map[string]string)
	if err == nil {
		return all
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%v is not joined", err)
	}
	for _, e := range joined.Unwrap() {
		var field *probe.FieldError
		if !errors.As(e, &field) {
			t.Fatalf("%v is of no field", e)
		}
		all[field.Field] = field.Err.Error()
	}
	return all
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(*rum.Options)
		field string // empty: nothing is wrong
		word  string
	}{
		{"as it is", func(*rum.Options) {}, "", ""},
		{"all page views", func(o *rum.Options) { o.Sample = 1 }, "", ""},
		{"hardly any page view", func(o *rum.Options) { o.Sample = 1e-4 }, "", ""},
		{"twenty groups", func(o *rum.Options) { o.Apps[1].Groups = groups(20) }, "", ""},
		{"no website", func(o *rum.Options) { o.Apps = nil }, "apps", "at least one"},
		{"no page view", func(o *rum.Options) { o.Sample = 0 }, "sample", "above 0"},
		{"too many page views", func(o *rum.Options) { o.Sample = 1.5 }, "sample", "1.5, want above 0"},
		{"not a number", func(o *rum.Options) { o.Sample = math.NaN() }, "sample", "above 0"},
		{"a proxy that is everybody", func(o *rum.Options) {
			o.TrustedProxies = append(o.TrustedProxies, netip.MustParsePrefix("::/0"))
		}, "trusted_proxies[1]", "every address"},
		{"no proxy", func(o *rum.Options) { o.TrustedProxies = make([]netip.Prefix, 1) }, "trusted_proxies[0]", "none"},
		{"a proxy that is IPv4 in IPv6", func(o *rum.Options) {
			o.TrustedProxies[0] = netip.MustParsePrefix("::ffff:10.0.0.0/104")
		}, "trusted_proxies[0]", "want it as IPv4"},
		{"no channel", func(o *rum.Options) { o.Apps[1].Channel = "" }, "apps[1].channel", "missing"},
		{"a channel twice", func(o *rum.Options) { o.Apps[1].Channel = "shop" }, "apps[1].channel", `"shop" has an entry already`},
		{"no origin", func(o *rum.Options) { o.Apps[0].Origins = nil }, "apps[0].origins", "none"},
		{"an origin of another", func(o *rum.Options) {
			o.Apps[1].Origins = append(o.Apps[1].Origins, shopOrigin)
		}, "apps[1].origins[1]", `an origin of "shop"`},
		{"an origin twice", func(o *rum.Options) { o.Apps[0].Origins[1] = shopOrigin }, "apps[0].origins[1]", `an origin of "shop"`},
		{"twenty-one groups", func(o *rum.Options) { o.Apps[0].Groups = groups(21) }, "apps[0].groups", "21, want at most 20"},
		{"no name", func(o *rum.Options) { o.Apps[0].Groups[2].Name = "" }, "apps[0].groups[2].name", "missing"},
		{"a name that is taken", func(o *rum.Options) { o.Apps[0].Groups[2].Name = "home" }, "apps[0].groups[2].name", `"home" is taken`},
		{"the name of all others", func(o *rum.Options) { o.Apps[0].Groups[2].Name = "other" }, "apps[0].groups[2].name", "in no group"},
		{"no path", func(o *rum.Options) { o.Apps[0].Groups[2].Path = "" }, "apps[0].groups[2].path", "missing"},
		{"no expression", func(o *rum.Options) { o.Apps[0].Groups[2].Path = "^/(" }, "apps[0].groups[2].path", "missing closing )"},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := options()
			test.spoil(&opts)
			got := mistakes(t, rum.Check(opts))
			if test.field == "" {
				if len(got) > 0 {
					t.Errorf("got %v, want nothing", got)
				}
				return
			}
			if len(got) != 1 || !strings.Contains(got[test.field], test.word) {
				t.Errorf("got %v, want %q of %s alone", got, test.word, test.field)
			}
			if _, err := rum.New(opts); err == nil {
				t.Error("a server is made of it")
			}
		})
	}
}

func groups(n int) []rum.Group {
	var all []rum.Group
	for i := range n {
		all = append(all, rum.Group{Name: "g" + string(rune('a'+i)), Path: "^/" + string(rune('a'+i))})
	}
	return all
}

func TestCheck_TellsAllMistakesAtOnce(t *testing.T) {
	opts := options()
	opts.Sample, opts.Apps[0].Channel, opts.Apps[0].Groups[0].Path, opts.Apps[1].Origins[0] = -1, "", "(", "blog.example"
	var fields []string
	for field := range mistakes(t, rum.Check(opts)) {
		fields = append(fields, field)
	}
	slices.Sort(fields)
	if want := []string{"apps[0].channel", "apps[0].groups[0].path", "apps[1].origins[0]", "sample"}; !slices.Equal(fields, want) {
		t.Errorf("mistakes in %v, want %v", fields, want)
	}
}

func TestCheck_Origins(t *testing.T) {
	for origin, want := range map[string]string{
		"https://example.com":           "",
		"https://example.com:8443":      "",
		"https://xn--bcher-kva.example": "",
		"https://[2001:db8::1]:8443":    "",
		"http://localhost:3000":         "",
		"http://shop.localhost":         "",
		"http://127.0.0.1:9000":         "",
		"http://[::1]:9000":             "",
		"":                              "is no origin",
		"*":                             "is no origin",
		"https://*.example.com":         "is no origin",
		"example.com":                   "is no origin",
		"//example.com":                 "is no origin",
		"ftp://example.com":             "is no origin",
		"https://":                      "is no origin",
		"https:///path":                 "is no origin",
		"null":                          "is no origin",
		"http://exa mple.com":           "is no origin",
		"https://bücher.example":        "ASCII",
		"https://example.com/":          `want "https://example.com"`,
		"https://example.com/shop":      `want "https://example.com"`,
		"https://example.com?q":         `want "https://example.com"`,
		"https://example.com#f":         `want "https://example.com"`,
		"https://me@example.com":        `want "https://example.com"`,
		"https://Example.com":           `want "https://example.com"`,
		"HTTPS://example.com":           `want "https://example.com"`,
		"https://example.com:443":       `want "https://example.com"`,
		"http://localhost:80":           `want "http://localhost"`,
		"http://example.com":            "not encrypted",
		"http://localhost.example.com":  "not encrypted",
		"http://10.0.0.1":               "not encrypted",
	} {
		opts := options()
		opts.Apps[1].Origins[0] = origin
		got := mistakes(t, rum.Check(opts))
		switch {
		case want == "" && len(got) > 0:
			t.Errorf("%s: got %v, want nothing", origin, got)
		case want != "" && !strings.Contains(got["apps[1].origins[0]"], want):
			t.Errorf("%s: got %v, want %s", origin, got, want)
		}
	}
}
