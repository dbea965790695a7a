package httpx_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// startNginx starts a real nginx in a directory of its own and returns the addresses of its plain and its secure port, and
// the file of its authority.
func startNginx(t *testing.T) (plain, secure, caFile string) {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		t.Fatal("nginx is missing: apt-get install -y nginx-light")
	}
	root := (*authority)(nil).issue(t, ca(template("Test Root")))
	leaf := root.issue(t, template("127.0.0.1", "127.0.0.1"))
	caFile = root.file(t)
	for range 5 { // somebody else may take a port before nginx does
		plain, secure = freeAddresses(t)
		if err = runNginx(t, path, plain, secure, leaf.file(t), leaf.keyFile(t)); err == nil {
			return plain, secure, caFile
		}
	}
	t.Fatalf("starting nginx: %v", err)
	return "", "", ""
}

// runNginx runs an nginx until the test ends, and returns once it listens, or has ended.
func runNginx(t *testing.T, path, plain, secure, certFile, keyFile string) error {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "page.html"), bytes.Repeat([]byte("<p>welcome</p>\n"), 1<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, plain, secure, certFile, keyFile), 0o600); err != nil {
		t.Fatal(err)
	}
	// Not the test's context: it ends before the cleanup that waits for the process.
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), path, "-p", dir, "-c", config, "-e", "stderr")
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting nginx: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // reports the signal
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	late, tick := time.After(time.Minute), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for {
		if id, err := os.ReadFile(filepath.Join(dir, "nginx.pid")); err == nil && len(id) > 0 { // it writes that once it listens
			return nil
		}
		select {
		case <-tick.C:
		case <-ended:
			return errors.New(output.String())
		case <-late:
			return errors.New("it does not listen")
		}
	}
}

// nginxConfig has one process, so that nothing is left when it ends.
const nginxConfig = `
daemon off;
master_process off;
pid %[1]s/nginx.pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	types { text/html html; }
	gzip on;
	client_max_body_size 1k;
	server {
		listen %[2]s;
		location / { return 301 https://%[3]s$request_uri; }
	}
	server {
		listen %[3]s ssl http2;
		ssl_protocols TLSv1.2 TLSv1.3;
		ssl_certificate %[4]s;
		ssl_certificate_key %[5]s;
		root %[1]s;
		location /gone { return 410; }
		location /hangup { return 444; }
	}
}
`

// freeAddresses returns two addresses that were free a moment ago.
func freeAddresses(t *testing.T) (one, other string) {
	t.Helper()
	var addresses [2]string
	for i := range addresses {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }() // with the other one, so that they are two
		addresses[i] = listener.Addr().String()
	}
	return addresses[0], addresses[1]
}

func TestDo_Nginx(t *testing.T) {
	t.Parallel()
	plain, secure, caFile := startNginx(t)
	for name, tt := range map[string]struct {
		url       string
		body      []byte
		protocols []string
		status    int
		reason    probe.Reason
		protocol  string
		bytes     int64
		exchanges int
	}{
		"a redirect to a packed page": {url: "http://" + plain + "/page.html", status: http.StatusOK, protocol: "HTTP/2", bytes: 15 << 10, exchanges: 2},
		"by HTTP/1.1":                 {url: "https://" + secure + "/page.html", protocols: []string{httpx.HTTP1}, status: http.StatusOK, protocol: "HTTP/1.1", bytes: 15 << 10, exchanges: 1},
		"not found":                   {url: "https://" + secure + "/nothing", status: http.StatusNotFound, protocol: "HTTP/2", bytes: 153, exchanges: 1},
		"gone":                        {url: "https://" + secure + "/gone", status: http.StatusGone, protocol: "HTTP/2", bytes: 143, exchanges: 1},
		"hung up, by HTTP/1.1":        {url: "https://" + secure + "/hangup", protocols: []string{httpx.HTTP1}, reason: probe.ConnectionClosed, exchanges: 1},
		"refused before it is sent":   {url: "https://" + secure + "/page.html", body: make([]byte, 1<<20), status: http.StatusRequestEntityTooLarge, protocol: "HTTP/2", bytes: 183, exchanges: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, httpx.Options{MaxRedirects: 1, Protocols: tt.protocols, TLS: httpx.TLSOptions{CAFile: caFile}})
			method := http.MethodGet
			if tt.body != nil {
				method = http.MethodPost
			}
			resp := do(t, client, &httpx.Request{Method: method, URL: tt.url, Body: tt.body})
			if resp.Reason != tt.reason || resp.Status != tt.status {
				t.Fatalf("got status %d and reason %q (%s), want %d and %q", resp.Status, resp.Reason, resp.Detail, tt.status, tt.reason)
			}
			if resp.Protocol != tt.protocol || resp.BodyBytes != tt.bytes || len(resp.Exchanges) != tt.exchanges {
				t.Errorf("got %d bytes by %q in %d exchanges, want %d by %q in %d",
					resp.BodyBytes, resp.Protocol, len(resp.Exchanges), tt.bytes, tt.protocol, tt.exchanges)
			}
			if packed := resp.Header.Get("Content-Encoding") == "gzip"; packed != (resp.WireBytes < resp.BodyBytes) || !packed && tt.bytes == 15<<10 {
				t.Errorf("got %d of %d bytes on the wire, packed: %v", resp.WireBytes, resp.BodyBytes, packed)
			}
			facts := resp.Exchanges[len(resp.Exchanges)-1].TLS
			if facts == nil || facts.Version != tls.VersionName(tls.VersionTLS13) || resp.NotAfter.IsZero() {
				t.Errorf("got TLS %+v and end %v, want TLS 1.3 with its certificate", facts, resp.NotAfter)
			}
		})
	}
}
