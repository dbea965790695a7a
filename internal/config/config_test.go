package config_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// pageConfig is the configuration of a small kind that has every type of field.
type pageConfig struct {
	URL     string            `yaml:"url" required:"true" format:"url" doc:"address of the page"`
	Profile string            `yaml:"profile" enum:"desktop,phone" doc:"device"`
	Method  string            `yaml:"method"`
	Headers map[string]string `yaml:"headers"`
	Auth    *authConfig       `yaml:"auth"`
	Token   probe.Secret      `yaml:"token"`
	CA      string            `yaml:"ca" format:"file"`
	MaxBody int64             `yaml:"max_body" format:"bytes" min:"1KiB" max:"64MiB"`
	Delay   time.Duration     `yaml:"delay"`
	Ratio   float64           `yaml:"ratio" min:"0" max:"1"`
	Expect  expectConfig      `yaml:"expect"`
	Assert  []assertConfig    `yaml:"assert"`
	JSON    any               `yaml:"json"`
	Hops    uint8             `yaml:"hops"`
}

type authConfig struct {
	User     string       `yaml:"user"`
	Password probe.Secret `yaml:"password"`
}

type expectConfig struct {
	Status []int  `yaml:"status"`
	Text   string `yaml:"text"`
	Index  *bool  `yaml:"index"`
	Match  string `yaml:"match" format:"regex"`
}

type assertConfig struct {
	JSONPath string `yaml:"jsonpath"`
	Equals   any    `yaml:"equals"`
}

type idle struct{}

func (idle) Probe(context.Context) (probe.Result, error) { return probe.Result{}, nil }

func testKinds() []probe.Kind {
	page := probe.Kind{
		Name:    "page",
		Every:   30 * time.Second,
		Timeout: 10 * time.Second,
		Limits: func(t probe.ChannelType) probe.Limits {
			if t == probe.MobileWeb {
				return probe.Limits{Excellent: 800 * time.Millisecond, Good: 1800 * time.Millisecond, Fair: 4 * time.Second}
			}
			return probe.Limits{Excellent: 500 * time.Millisecond, Good: time.Second, Fair: 3 * time.Second}
		},
	}
	defaults := func(t probe.ChannelType) pageConfig {
		profile := "desktop"
		if t == probe.MobileWeb {
			profile = "phone"
		}
		return pageConfig{Profile: profile, MaxBody: 8 << 20}
	}
	return []probe.Kind{probe.Define(page, defaults, buildPage)}
}

func buildPage(c pageConfig, s probe.Setup) (probe.Built, error) {
	var errs []error
	if c.URL == "" {
		errs = append(errs, probe.Fieldf("url", "missing, want an http or https URL"))
	}
	for i, a := range c.Assert {
		if a.JSONPath == "" {
			errs = append(errs, &probe.FieldError{Field: "assert[" + string(rune('0'+i)) + "].jsonpath", Err: errors.New("missing")})
		}
	}
	for _, secret := range []probe.Secret{c.Token} {
		if !secret.IsZero() {
			if _, err := secret.Read(); err != nil {
				errs = append(errs, &probe.FieldError{Field: "token", Err: err})
			}
		}
	}
	return probe.Built{Prober: idle{}, Profile: probe.Profile{Target: s.UserAgent}}, errors.Join(errs...)
}

func TestParse_Smallest(t *testing.T) {
	c, err := config.Parse("shop.yaml", []byte(`
channels:
  - name: mobile-web
    type: mobile_web
    touchpoints:
      - {name: home, kind: page, with: {url: "https://www.example.com/"}}
`), testKinds())
	if err != nil {
		t.Fatal(err)
	}
	tp := c.Touchpoints()[0]
	if tp.Every != 30*time.Second || tp.Title != "Home" {
		t.Errorf("got %+v", tp)
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
