package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// client asks one of the servers.
type client struct {
	t    *testing.T
	base string
	http http.Client
}

// newClient returns a client of the server at an address, once the server is ready: it listens sooner.
func newClient(t *testing.T, address string) *client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c := &client{t: t, base: "http://" + address, http: http.Client{Transport: transport}}
	eventually(t, "the server at "+address, func() string {
		if status, body := c.fetch("/-/ready"); status != http.StatusOK {
			return fmt.Sprintf("status %d: %s", status, body)
		}
		return ""
	})
	return c
}

// address returns host and port.
func (c *client) address() string { return strings.TrimPrefix(c.base, "http://") }

// get decodes the answer to a path into value.
func (c *client) get(path string, value any) {
	c.t.Helper()
	status, body := c.fetch(path)
	if status != http.StatusOK {
		c.t.Fatalf("GET %s: status %d: %s", path, status, body)
	}
	if err := json.Unmarshal(body, value); err != nil {
		c.t.Fatalf("GET %s: %v in %s", path, err, body)
	}
}

// fetch returns the status and the body of the answer to a path.
func (c *client) fetch(path string) (status int, body []byte) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.base+path, http.NoBody)
	if err != nil {
		c.t.Fatal(err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err = io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatalf("GET %s: %v", path, err)
	}
	return response.StatusCode, body
}

// point is a sample at a time in Unix milliseconds.
type point struct {
	at    int64
	value float64
}

// UnmarshalJSON reads the pair of a time in seconds and a value as text.
func (p *point) UnmarshalJSON(data []byte) error {
	var seconds float64
	var value string
	if err := json.Unmarshal(data, &[]any{&seconds, &value}); err != nil {
		return err
	}
	p.at = int64(seconds*1000 + 0.5)
	var err error
	p.value, err = strconv.ParseFloat(value, 64)
	return err
}

// series is one line of the answer to a query.
type series struct {
	Metric map[string]string
	Value  *point  // of an instant
	Values []point // of a range
}

// query evaluates an expression at a time in Unix milliseconds; 0 means now.
func (c *client) query(at int64, expr string) []series {
	c.t.Helper()
	values := url.Values{"query": {expr}}
	if at != 0 {
		values.Set("time", fmt.Sprintf("%d.%03d", at/1000, at%1000))
	}
	var answer struct {
		Warnings []string
		Data     struct{ Result []series }
	}
	c.get("/api/v1/query?"+values.Encode(), &answer)
	if len(answer.Warnings) > 0 {
		c.t.Errorf("%s: warnings %q", expr, answer.Warnings)
	}
	return answer.Data.Result
}

// values evaluates an expression at a time and returns its values by the values of some labels, joined by slashes.
func (c *client) values(at int64, expr string, labels ...string) map[string]float64 {
	c.t.Helper()
	values := make(map[string]float64)
	for _, s := range c.query(at, expr) {
		var key []string
		for _, l := range labels {
			key = append(key, s.Metric[l])
		}
		name := strings.Join(key, "/")
		if _, double := values[name]; double {
			c.t.Errorf("%s: more than one series of %q: %v", expr, name, slices.Collect(maps.Keys(s.Metric)))
		}
		values[name] = s.Value.value
	}
	return values
}
