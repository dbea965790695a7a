package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// planted are the secrets that the test hides in files and in the environment.
type planted struct {
	page, api, mqtt string
}

// fragment is how many characters of a secret in a row count as leaked: few enough to find one that was cut, too many
// to stand anywhere by chance.
const fragment = 10

// leaks returns the parts of the secrets that a text holds.
func (p planted) leaks(text string) []string {
	var found []string
	for _, secret := range []string{p.page, p.api, p.mqtt} {
		for i := range len(secret) - fragment + 1 {
			if part := secret[i : i+fragment]; strings.Contains(text, part) {
				found = append(found, part)
				break
			}
		}
	}
	return found
}

// unkind is a service that returns the secret that it was sent. respond gets the secret alone, without its scheme.
type unkind struct {
	name    string
	respond func(secret string) string
}

// answer returns an answer with a body that stands for itself.
func answer(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
}

// head returns an answer without a body.
func head(status string, fields ...string) string {
	return "HTTP/1.1 " + status + "\r\n" + strings.Join(append(fields, "Content-Length: 0", "Connection: close"), "\r\n") + "\r\n\r\n"
}

// unkindServices are the ways in which services repeat what they were sent. Paddings put the secret across the places
// where texts are cut.
func unkindServices() []unkind {
	services := []unkind{
		{"text", func(s string) string { return answer("<!doctype html><title>Shop</title>No session for " + s) }},
		{"title", func(s string) string { return answer("<!doctype html><title>" + s + "</title>hello") }},
		{"canonical", func(s string) string {
			return answer(`<!doctype html><title>Shop</title><link rel="canonical" href="https://shop.example/` + s + `">hello`)
		}},
		{"robots", func(s string) string {
			return answer(`<!doctype html><title>Shop</title><meta name="robots" content="noindex, ` + s + `">hello`)
		}},
		{"json", func(s string) string { return answer(`{"value": "` + s + `"}`) }},
		{"json-key", func(s string) string { return answer(`{"` + s + `": 1}`) }},
		{"bad-json", func(s string) string { return answer(`{"value": ` + s + `}`) }},
		{"status-line", func(s string) string { return head("503 " + s) }},
		{"status-code", func(s string) string { return head(s + " OK") }},
		{"server", func(s string) string { return head("500 Sorry", "Server: "+s, "Etag: \""+s+"\"") }},
		{"cookie", func(s string) string { return head("500 Sorry", "Set-Cookie: session="+s) }},
		{"robots-tag", func(s string) string { return head("200 OK", "X-Robots-Tag: noindex, "+s) }},
		{"content-type", func(s string) string { return head("200 OK", "Content-Type: text/"+s) }},
		{"charset", func(s string) string { return head("200 OK", "Content-Type: text/html; charset="+s) }},
		{"content-encoding", func(s string) string { return head("200 OK", "Content-Encoding: "+s) }},
		{"content-length", func(s string) string { return "HTTP/1.1 200 OK\r\nContent-Length: " + s + "\r\n\r\n" }},
		{"transfer-encoding", func(s string) string { return "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + s + "\r\n\r\n" }},
		{"chunk", func(s string) string { return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + s + "\r\n" }},
		{"field", func(s string) string { return "HTTP/1.1 200 OK\r\n" + s + "\r\n\r\n" }},
		{"no-http", func(s string) string { return s + "\r\n\r\n" }},
		{"truncated", func(s string) string { return "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + s }},
		{"redirect-path", func(s string) string { return head("302 Found", "Location: /login/"+s) }},
		{"redirect-query", func(s string) string { return head("302 Found", "Location: /login?"+s+"&token="+s) }},
		{"redirect-escaped", func(s string) string { return head("302 Found", "Location: /login/"+url.PathEscape(s)) }},
		{"redirect-user", func(s string) string { return head("302 Found", "Location: http://me:"+s+"@shop.invalid/") }},
		{"redirect-scheme", func(s string) string { return head("302 Found", "Location: "+s+"://shop.invalid/") }},
		{"redirect-malformed", func(s string) string { return head("302 Found", "Location: http://%zz/"+s) }},
	}
	for _, padding := range []int{8, 20, 230, 270, 480, 1000, 2020, 4070, 8160} {
		fill := strings.Repeat("x", padding)
		services = append(services,
			unkind{fmt.Sprintf("text-after-%d", padding), func(s string) string { return answer(fill + s) }},
			unkind{fmt.Sprintf("json-after-%d", padding), func(s string) string { return answer(`{"value": "` + fill + s + `"}`) }},
			unkind{fmt.Sprintf("server-after-%d", padding), func(s string) string { return head("500 Sorry", "Server: "+fill+s) }},
			unkind{fmt.Sprintf("encoding-after-%d", padding), func(s string) string { return head("200 OK", "Content-Encoding: "+fill+s) }},
			unkind{fmt.Sprintf("redirect-after-%d", padding), func(s string) string { return head("302 Found", "Location: /"+fill+s) }},
		)
	}
	return services
}

// listen serves every connection to a free port with handle until the test ends.
func listen(t *testing.T, handle func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(patience))
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

// seen notes which services were sent a secret.
type seen struct {
	mu    sync.Mutex
	names map[string]bool
}

func (s *seen) add(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[name] = true
}

func (s *seen) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.names {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// serve starts a service.
func (u unkind) serve(t *testing.T, sent *seen) (address string) {
	t.Helper()
	return listen(t, func(conn net.Conn) {
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		if secret := strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer "); secret != "" {
			sent.add(u.name)
			_, _ = io.WriteString(conn, u.respond(secret))
		}
	})
}

// serveBroker starts a broker that refuses everybody with the packet that answer returns.
func serveBroker(t *testing.T, name, password string, sent *seen, answer func() []byte) (address string) {
	t.Helper()
	return listen(t, func(conn net.Conn) {
		buffer := make([]byte, 4096)
		n, _ := conn.Read(buffer)
		if bytes.Contains(buffer[:n], []byte(password)) {
			sent.add(name)
		}
		_, _ = conn.Write(answer())
	})
}

// connack refuses a connection with a reason string, as section 3.2 of MQTT 5 says.
func connack(reason string) []byte {
	property := append([]byte{0x1f, 0, byte(len(reason))}, reason...)
	packet := append([]byte{0, 0x87, byte(len(property))}, property...)
	return append([]byte{0x20, byte(len(packet))}, packet...)
}

// newPlanted plants the secrets and returns the configuration of an agent that sends them to every service.
func newPlanted(t *testing.T, sent *seen) (secrets planted, c *configuration) {
	t.Helper()
	// What must be escaped in places stands in the middle, so that both halves are found in any escaped form.
	token := func() string { return rand.Text() + "+/=~" + rand.Text() }
	secrets = planted{page: token(), api: token(), mqtt: token()}
	t.Setenv("CHANNELWATCH_TEST_API", "Bearer "+secrets.api)
	c = &configuration{dir: t.TempDir(), touchpoints: make(map[string][]string)}
	write(t, filepath.Join(c.dir, "page-token"), "Bearer "+secrets.page+"\n")
	write(t, filepath.Join(c.dir, "mqtt-password"), secrets.mqtt)
	for _, u := range unkindServices() {
		c.add("web", "{name: %s, kind: page, every: 1s, timeout: 1s, with: {url: \"http://%s/\", secret_headers: {Authorization: {file: page-token}}, "+
			"redirects: {max: 2}, expect: {text: [basket], title: Checkout, index: true, canonical: self, charset: utf-8}}}", u.name, u.serve(t, sent))
		c.add("app", "{name: %s, kind: api, every: 1s, timeout: 1s, with: {url: \"http://%s/\", secret_headers: {Authorization: {env: CHANNELWATCH_TEST_API}}, "+
			"redirects: {max: 2}, expect: {content_type: application/json, contains: [basket], json: [{path: $.value, equals: 1}]}}}", u.name, u.serve(t, sent))
	}
	for name, answer := range map[string]func() []byte{
		"refused":   func() []byte { return connack("bad password " + secrets.mqtt) },
		"malformed": func() []byte { return []byte(secrets.mqtt) },
		"cut":       func() []byte { return connack("bad password " + secrets.mqtt)[:40] },
	} {
		c.add("push", "{name: %s, kind: mqtt, every: 5s, timeout: 2s, with: {url: \"mqtt://%s\", topic: t, username: me, password: {file: mqtt-password}}}",
			name, serveBroker(t, "mqtt-"+name, secrets.mqtt, sent, answer))
	}
	return secrets, c
}

// configuration is what touchpoints are collected in.
type configuration struct {
	dir         string
	touchpoints map[string][]string // by channel
}

func (c *configuration) add(channel, format string, args ...any) {
	c.touchpoints[channel] = append(c.touchpoints[channel], fmt.Sprintf(format, args...))
}

// file writes a configuration with the touchpoints that are wanted, and returns its path.
func (c *configuration) file(t *testing.T, name string, wanted func(channel, touchpoint string) bool) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("agent: {listen: \"127.0.0.1:0\", location: lab, log: {level: debug}}\n" +
		"host: {enabled: false}\ncontrol: {enabled: false}\nhistory: {enabled: false}\nchannels:\n")
	for _, channel := range []string{"web", "app", "push"} {
		title := fmt.Sprintf("  - name: %s\n    type: custom\n    touchpoints:\n", channel)
		for _, touchpoint := range c.touchpoints[channel] {
			if wanted(channel, touchpoint) {
				fmt.Fprintf(&b, "%s      - %s\n", title, touchpoint)
				title = ""
			}
		}
	}
	path := filepath.Join(c.dir, name)
	write(t, path, b.String())
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// buffer can be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns everything that was written.
func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// poll waits until ready.
func poll(t *testing.T, what string, ready func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// run runs the agent until the test ends and returns its log and its address.
func run(t *testing.T, configuration string) (log *buffer, base string) {
	t.Helper()
	log = &buffer{}
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() { code <- execute(ctx, []string{"run", "--config", configuration}, io.Discard, log) }()
	t.Cleanup(func() {
		cancel()
		if c := <-code; c != exitOK {
			t.Errorf("exit code %d, want 0; log:\n%s", c, log)
		}
	})
	poll(t, "the address of the agent", func() bool {
		_, rest, found := strings.Cut(log.String(), " address=")
		address, _, whole := strings.Cut(rest, "\n")
		base = "http://" + address
		return found && whole
	})
	return log, base
}

// shown is something that people or programs read.
type shown struct{ where, text string }

// routes returns what the agent shows on every route.
func routes(t *testing.T, base string, names []string) []shown {
	t.Helper()
	paths := []string{"/", "/metrics", "/api/v1/results", "/api/v1/config"}
	for _, name := range names {
		channel, touchpoint, _ := strings.Cut(name, "/")
		paths = append(paths, "/touchpoints/"+name, "/api/v1/results?channel="+channel+"&touchpoint="+touchpoint)
	}
	var all []shown
	for _, path := range paths {
		text, err := ask(http.MethodGet, base+path)
		if err != nil || !strings.HasPrefix(text, "200\n") {
			t.Errorf("GET %s: %v %.100s", path, err, text)
		}
		all = append(all, shown{"GET " + path, text})
	}
	return all
}

// commands returns what the commands that probe and compare print. Each probe has a file of its own, which is loaded
// sooner than the whole.
func commands(t *testing.T, c *configuration, all, base string, names []string) []shown {
	t.Helper()
	lines := [][]string{{"check", "-c", all, "--diff", base}, {"plan", "-c", all}, {"plan", "-c", all, "--json"}}
	for i, name := range names {
		channel, touchpoint, _ := strings.Cut(name, "/")
		one := c.file(t, fmt.Sprintf("one-%d.yaml", i), func(ch, tp string) bool {
			return ch == channel && strings.HasPrefix(tp, "{name: "+touchpoint+",")
		})
		lines = append(lines, []string{"probe", name, "-c", one}, []string{"probe", name, "-c", one, "--json"})
	}
	printed := make([]shown, len(lines))
	var running sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i, line := range lines {
		slots <- struct{}{}
		running.Go(func() {
			var out, log bytes.Buffer
			code := execute(t.Context(), line, &out, &log)
			if line[0] == "probe" && !strings.Contains(log.String(), " is ") {
				t.Errorf("%q: exit code %d, want a rating:\n%s", line, code, log.String())
			}
			printed[i] = shown{strings.Join(line, " "), out.String() + log.String()}
			<-slots
		})
	}
	running.Wait()
	return printed
}

// refusals replaces the configuration by ones with mistakes around secrets, and returns what check and a reload say.
func refusals(t *testing.T, configuration, base string, secrets planted) []shown {
	t.Helper()
	good, err := os.ReadFile(configuration)
	if err != nil {
		t.Fatal(err)
	}
	var all []shown
	for name, with := range map[string]string{
		"inline":           `kind: page, with: {url: "http://127.0.0.1:1/", secret_headers: {Authorization: "Bearer ` + secrets.page + `"}}`,
		"unknown key":      `kind: page, with: {url: "http://127.0.0.1:1/", secret_headers: {Authorization: {value: "` + secrets.page + `"}}}`,
		"URL":              `kind: page, with: {url: "http://me:` + secrets.page + `@127.0.0.1:1/"}`,
		"malformed URL":    `kind: page, with: {url: "http://me:` + secrets.page + `@%zz:1/"}`,
		"query":            `kind: page, with: {url: "htp://127.0.0.1:1/?token=` + secrets.page + `"}`,
		"plain header":     `kind: api, with: {url: "http://127.0.0.1:1/", headers: {Authorization: "Bearer ` + secrets.api + `"}}`,
		"control":          `kind: api, with: {url: "http://127.0.0.1:1/", secret_headers: {Authorization: {file: two-lines}}}`,
		"MQTT URL":         `kind: mqtt, with: {url: "mqtt://me:` + secrets.mqtt + `@127.0.0.1:1", topic: t}`,
		"MQTT inline":      `kind: mqtt, with: {url: "mqtt://127.0.0.1:1", topic: t, username: me, password: "` + secrets.mqtt + `"}`,
		"misspelt":         `kind: mqtt, with: {url: "mqtt://127.0.0.1:1", topic: t, username: me, pasword: "` + secrets.mqtt + `"}`,
		"broken structure": `kind: mqtt, with: {url: "mqtt://127.0.0.1:1", password: "` + secrets.mqtt + `}`,
	} {
		write(t, filepath.Join(filepath.Dir(configuration), "two-lines"), "Bearer "+secrets.api+"\nsecond\n")
		write(t, configuration, strings.Replace(string(good), "touchpoints:\n", "touchpoints:\n      - {name: wrong, "+with+"}\n", 1))
		var out, log bytes.Buffer
		if code := execute(t.Context(), []string{"check", "-c", configuration}, &out, &log); code != exitFail {
			t.Errorf("check of a configuration with the mistake %q: exit code %d, want 1", name, code)
		}
		text, err := ask(http.MethodPost, base+"/-/reload")
		if err != nil || !strings.HasPrefix(text, "422\n") {
			t.Errorf("reload of a configuration with the mistake %q: %v %.100s, want 422", name, err, text)
		}
		page, err := ask(http.MethodGet, base+"/")
		if err != nil || !strings.Contains(page, "The last reload was refused") {
			t.Errorf("the page after the mistake %q does not say that the reload was refused (%v)", name, err)
		}
		all = append(all, shown{"check: " + name, out.String() + log.String()}, shown{"reload: " + name, text}, shown{"page: " + name, page})
	}
	return all
}

// TestSecrets_AppearNowhere sends secrets to services that return them in every way that they can, and looks for them
// in everything that the agent and the commands print.
func TestSecrets_AppearNowhere(t *testing.T) {
	sent := &seen{names: make(map[string]bool)}
	secrets, c := newPlanted(t, sent)
	path := c.file(t, "channelwatch.yaml", func(string, string) bool { return true })
	log, base := run(t, path)
	names := waitForRatings(t, base)
	want := []string{"mqtt-cut", "mqtt-malformed", "mqtt-refused"}
	for _, u := range unkindServices() {
		want = append(want, u.name)
	}
	slices.Sort(want)
	if got := sent.all(); !slices.Equal(got, want) {
		t.Fatalf("secrets were sent to %q, want %q", got, want)
	}

	all := slices.Concat(routes(t, base, names), commands(t, c, path, base, names), refusals(t, path, base, secrets))
	all = append(all, shown{"log", log.String()})
	hidden := 0
	for _, s := range all {
		hidden += strings.Count(s.text, "[redacted]")
		if leaks := secrets.leaks(s.text); len(leaks) > 0 {
			at := strings.Index(s.text, leaks[0])
			t.Errorf("%s shows %q: …%s…", s.where, leaks, s.text[max(0, at-200):min(len(s.text), at+60)])
		}
	}
	if hidden < len(want) {
		t.Errorf("%d secrets were hidden, want at least %d: did the services return them?", hidden, len(want))
	}
}

// waitForRatings waits until every touchpoint has a result and returns their names.
func waitForRatings(t *testing.T, base string) (names []string) {
	t.Helper()
	total := 2*len(unkindServices()) + 3
	poll(t, "a result of every touchpoint", func() bool {
		text, err := ask(http.MethodGet, base+"/api/v1/results")
		if err != nil {
			return false
		}
		_, body, _ := strings.Cut(text, "\n")
		var answer struct {
			Results []struct{ Channel, Touchpoint string }
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatal(err)
		}
		names = nil
		for _, r := range answer.Results {
			names = append(names, r.Channel+"/"+r.Touchpoint)
		}
		return len(names) == total
	})
	return names
}
