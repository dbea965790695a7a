package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/config"
)

const crossing = `
channels:
  - name: web
    type: desktop_web
    touchpoints:
      - {name: sign-up, kind: page, also_in: ALSO, with: {url: "https://www.example.com/"}}
  - name: app
    type: mobile_app
    touchpoints:
      - {name: home, kind: page, with: {url: "https://www.example.com/"}}
  - name: push
    type: push
    touchpoints:
      - {name: sign-up, kind: page, with: {url: "https://www.example.com/"}}
`

func TestAlsoIn(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, also, more, want string }{
		{"one", "[app]", "", ""},
		{"none", "[]", "", ""},
		{"a channel that is not there", "[shop]", "", `got "shop", want the name of a channel`},
		{"its own", "[web]", "", `"web" is its own channel, where it counts anyway`},
		{"twice", "[app, app]", "", `"app" is there twice`},
		{"where the name is taken", "[push]", "", `"push" has a touchpoint of the name "sign-up" already, from channel "push"`},
		{"in a fleet", "[app]", "shard: {name: a, peers: [a, b]}\n", "not possible beside shard.peers"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := config.Parse("test.yaml", []byte(test.more+strings.Replace(crossing, "ALSO", test.also, 1)), testKinds())
			switch {
			case test.want == "" && err != nil:
				t.Fatal(err)
			case test.want == "":
				if got := c.Touchpoints()[0].AlsoIn; slices.Contains(got, "app") != (test.also == "[app]") {
					t.Errorf("counts in %q too, want %s", got, test.also)
				}
			case err == nil || !strings.Contains(err.Error(), "also_in: "+test.want):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
