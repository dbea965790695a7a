package httpkind

import (
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/channelwatch/channelwatch/internal/httpx"
)

// headers are what is sent. Wrong ones are left out.
type headers struct {
	everywhere http.Header // the device's, configured ones in their place
	firstSite  http.Header // all others: whatever else a redirect leads to has no business with them
	secrets    []string    // values that nobody may read
}

// headers joins the headers of the device with the configured ones and reads the secret ones.
func (t *Target) headers(m *mistakes, device http.Header) headers {
	h := headers{everywhere: device.Clone(), firstSite: make(http.Header)}
	if h.everywhere == nil {
		h.everywhere = make(http.Header)
	}
	configured := make(map[string]bool)
	set := func(header http.Header, field, name, value string) {
		canonical := http.CanonicalHeaderKey(name)
		if configured[canonical] {
			m.add(field, "is set twice, want one value")
			return
		}
		configured[canonical] = true
		if err := httpx.ValidateHeader(http.Header{name: {value}}); err != nil {
			m.add(field, "%w", err)
			return
		}
		header[canonical] = []string{value}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Headers)) {
		field := fieldOf("headers", name)
		switch canonical := http.CanonicalHeaderKey(name); {
		case isCredential(canonical):
			m.add(field, "is a credential, want it in secret_headers as {file: …} or {env: …}")
		case isDevice(canonical):
			set(h.everywhere, field, name, t.Headers[name])
		default:
			set(h.firstSite, field, name, t.Headers[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.SecretHeaders)) {
		field := fieldOf("secret_headers", name)
		value, err := t.SecretHeaders[name].Read()
		if err == nil && value == "" {
			err = errors.New("the secret is empty")
		}
		if err != nil {
			m.add(field, "%w", err)
			continue
		}
		set(h.firstSite, field, name, value)
		h.secrets = append(h.secrets, value)
	}
	return h
}

// isCredential reports whether the values of a field are credentials by their definition.
func isCredential(canonical string) bool {
	return slices.Contains([]string{"Authorization", "Cookie", "Proxy-Authorization"}, canonical)
}
