package stream

import (
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// headers fills in what both ends send.
func (v *validation) headers() {
	shared := make(http.Header)
	v.credentials(shared)
	for _, name := range slices.Sorted(maps.Keys(v.SecretHeaders)) {
		field := "secret_headers." + quoted(name)
		v.set(shared, field, name, v.read(field, v.SecretHeaders[name]))
	}
	v.s.credential = len(shared) > 0
	v.s.receive.header = shared.Clone()
	switch v.s.form {
	case formSSE:
		v.s.receive.header.Set("Accept", "text/event-stream")
		v.s.receive.header.Set("Cache-Control", "no-store")
	case formNDJSON:
		v.s.receive.header.Set("Accept", "application/x-ndjson, application/json")
	}
	publish := shared
	for _, name := range slices.Sorted(maps.Keys(v.Headers)) {
		field := "headers." + quoted(name)
		if slices.Contains([]string{"Authorization", "Cookie", "Proxy-Authorization"}, http.CanonicalHeaderKey(name)) {
			v.wrong(field, "is a credential, want it in secret_headers as {file: …} or {env: …}")
			continue
		}
		v.set(publish, field, name, v.Headers[name])
	}
	if v.s.send.socket {
		v.s.send.header = publish
		return
	}
	byDefault := map[string]string{"Content-Type": v.contentType()}
	if v.s.ntfy {
		// A probe's message is of no use to anybody later, or on a phone.
		byDefault["Cache"], byDefault["Firebase"] = "no", "no"
	}
	for name, value := range byDefault {
		if publish.Get(name) == "" {
			publish.Set(name, value)
		}
	}
	v.s.send.header = publish
}

// credentials sets Authorization.
func (v *validation) credentials(header http.Header) {
	basic := v.Username != "" || !v.Password.IsZero()
	switch {
	case basic && (v.Username == "" || v.Password.IsZero()):
		v.wrong("username", "it and password need each other")
	case basic && !v.Token.IsZero():
		v.wrong("token", "is set beside username and password, want one")
	case basic:
		credential := base64.StdEncoding.EncodeToString([]byte(v.Username + ":" + v.read("password", v.Password)))
		v.hidden = append(v.hidden, credential)
		v.set(header, "username", "Authorization", "Basic "+credential)
	case !v.Token.IsZero():
		v.set(header, "token", "Authorization", "Bearer "+v.read("token", v.Token))
	}
}

// set adds one field to a header.
func (v *validation) set(header http.Header, field, name, value string) {
	if header.Get(name) != "" {
		v.wrong(field, "is set twice, want one value")
		return
	}
	if err := httpx.ValidateHeader(http.Header{name: {value}}); err != nil {
		v.check(&probe.FieldError{Field: field, Err: err})
		return
	}
	header.Set(name, value)
}

// quoted returns the name of a header for the path of a field, on one line.
func quoted(name string) string {
	if q := strconv.Quote(name); q != `"`+name+`"` {
		return q
	}
	return name
}
