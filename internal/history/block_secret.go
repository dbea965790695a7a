//go:build !nohistory

package history

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
)

// secrets are texts that are never printed, each with what is printed in its place.
type secrets []secret

type secret struct{ text, shown string }

// shortest is the length below which a value is no secret, and a replacement would make a riddle of every line.
const shortest = 4

// in returns a text without the secrets.
func (s secrets) in(text string) string {
	for _, hidden := range s {
		text = strings.ReplaceAll(text, hidden.text, hidden.shown)
	}
	return text
}

// secretsOf collects what a block of Prometheus' configuration holds of secrets, longest first.
func secretsOf(root *node) secrets {
	var all secrets
	hide := func(text, shown string) {
		quoted := strconv.Quote(text)
		for _, form := range []string{text, quoted[1 : len(quoted)-1]} {
			if len(form) >= shortest {
				all = append(all, secret{form, shown})
			}
		}
	}
	root.walk(func(key string, value *node) {
		switch key {
		case "password", "credentials", "bearer_token", "client_secret", "client_certificate_key", "secret_key", "key",
			"headers", "http_headers", "proxy_connect_header", "endpoint_params", "claims":
			value.scalars(func(text string) { hide(text, "<hidden>") })
		case "basic_auth", "authorization", "oauth2":
			if value.is(yamlnode.ScalarNode) { // somebody took it for the password
				hide(value.Value, "<hidden>")
			}
		case "url", "proxy_url", "token_url":
			value.scalars(func(text string) { hideURL(text, hide) })
		}
	})
	slices.SortStableFunc(all, func(a, b secret) int { return len(b.text) - len(a.text) })
	return all
}

// hideURL hides what may stand in a URL beside host and path, alone and within the URL.
func hideURL(text string, hide func(text, shown string)) {
	u, err := url.Parse(text)
	if err != nil {
		hide(text, "<hidden>")
		return
	}
	if u.User == nil && u.RawQuery == "" {
		return
	}
	plain := *u
	plain.User, plain.RawQuery = nil, ""
	hide(text, plain.String())
	hide(u.String(), plain.String())
	hide(u.RawQuery, "<hidden>")
	if password, ok := u.User.Password(); ok {
		hide(password, "<hidden>")
		hide(url.QueryEscape(password), "<hidden>")
	}
}
