package api

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxRequestBody bounds a body file, in bytes.
const maxRequestBody = 1 << 20

// request returns what to send and the secrets in it. All header fields go to the first host only: whatever else a
// redirect leads to has no business with them.
func (c *Config) request() (httpx.Request, []string, error) {
	body, contentType, errBody := c.requestBody()
	header := make(http.Header)
	var secrets []string
	errs := []error{errBody}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		if isCredential(name) {
			errs = append(errs, probe.Fieldf("headers."+name, "is a credential, want it in secret_headers"))
		}
		errs = append(errs, setHeader(header, "headers."+name, name, c.Headers[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(c.SecretHeaders)) {
		field := "secret_headers." + name
		value, err := c.SecretHeaders[name].Read()
		if err == nil && value == "" {
			err = errors.New("the secret is empty")
		}
		if err != nil {
			errs = append(errs, probe.Fieldf(field, "%w", err))
			continue
		}
		errs = append(errs, setHeader(header, field, name, value))
		secrets = append(secrets, value)
	}
	if contentType != "" && header.Get("Content-Type") == "" {
		header.Set("Content-Type", contentType)
	}
	return httpx.Request{Method: c.Method, URL: c.URL, Header: header, Body: body}, secrets, errors.Join(errs...)
}

// setHeader sets a field that no other has set.
func setHeader(header http.Header, field, name, value string) error {
	if header.Values(name) != nil {
		return probe.Fieldf(field, "is set twice, want one value")
	}
	if err := httpx.ValidateHeader(http.Header{name: {value}}); err != nil {
		return probe.Fieldf(field, "%w", err)
	}
	header.Set(name, value)
	return nil
}

// isCredential reports whether the values of a field are credentials by their definition.
func isCredential(name string) bool {
	return slices.Contains([]string{"Authorization", "Cookie", "Proxy-Authorization"}, http.CanonicalHeaderKey(name))
}

// requestBody returns the body and its default content type.
func (c *Config) requestBody() (body []byte, contentType string, err error) {
	set := 0
	for _, is := range []bool{c.Body != "", c.JSON != nil, c.BodyFile != ""} {
		if is {
			set++
		}
	}
	switch {
	case set > 1:
		return nil, "", probe.Fieldf("body", "more than one of body, json and body_file is set, want one")
	case c.JSON != nil:
		if body, err = assert.EncodeJSON(c.JSON); err != nil {
			return nil, "", probe.Fieldf("json", "%w", err)
		}
		return body, "application/json", nil
	case c.BodyFile != "":
		if body, err = readFile(c.BodyFile); err != nil {
			return nil, "", probe.Fieldf("body_file", "%w", err)
		}
		return body, "", nil
	case c.Body != "":
		return []byte(c.Body), "", nil
	}
	return nil, "", nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(file, maxRequestBody+1))
	if err == nil && len(body) > maxRequestBody {
		err = fmt.Errorf("%s has more than %d bytes", path, maxRequestBody)
	}
	return body, err
}
