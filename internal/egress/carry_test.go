package egress_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/egress"
)

// lines are the options that everything has to work with: nothing shaped, and everything.
func lines() map[string]egress.Options {
	return map[string]egress.Options{
		"as it is": {AllowPrivate: true},
		"shaped":   {AllowPrivate: true, Delay: 4 * time.Millisecond, Down: 80_000_000, Up: 80_000_000},
	}
}

func TestProxy_CarriesRequests(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Method", r.Method)
		w.Header().Set("X-Protocol", r.Proto)
		w.Header().Set("Trailer", "X-Sum")
		_, _ = w.Write(body)
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, r.URL.String())
		w.Header().Set("X-Sum", fmt.Sprint(len(body)))
	}
	big := make([]byte, 3<<20)
	_, _ = rand.Read(big)
	servers := map[string]string{"HTTP/1.1": plain(t, echo).URL, "HTTP/2.0": secure(t, echo).URL}
	for name, opts := range lines() {
		t.Run(name, func(t *testing.T) {
			p := open(t, opts)
			for protocol, base := range servers {
				c := browser(t, p)
				for _, body := range [][]byte{nil, []byte("hello"), big} {
					for _, chunked := range []bool{false, true} {
						var content io.Reader = bytes.NewReader(body)
						if chunked {
							content = io.MultiReader(content)
						}
						resp, err := c.Post(base+"/a%20b?c=d", "text/plain", content)
						if err != nil {
							t.Fatal(err)
						}
						got := drain(t, resp)
						if want := string(body) + "/a%20b?c=d"; got != want {
							t.Errorf("%s: got %d bytes, want the %d that were sent, and the path", protocol, len(got), len(want))
						}
						if resp.Proto != protocol || resp.Header.Get("X-Protocol") != protocol || resp.Header.Get("X-Method") != "POST" {
							t.Errorf("got protocol %s and header %v, want %s", resp.Proto, resp.Header, protocol)
						}
						if resp.Trailer.Get("X-Sum") != fmt.Sprint(len(body)) {
							t.Errorf("%s: got trailer %v, want the sum %d", protocol, resp.Trailer, len(body))
						}
					}
				}
			}
			if report := p.Report(); len(report.Conns) != len(servers) {
				t.Errorf("got %d connections, want one for each server: they are kept alive", len(report.Conns))
			}
		})
	}
}

// What a server is sent is what a browser sends without a proxy, to the byte.
func TestProxy_SendsWhatABrowserSends(t *testing.T) {
	var got string
	server := raw(t, func(conn *net.TCPConn, in *bufio.Reader) {
		var text strings.Builder
		for line := ""; line != "\r\n"; {
			line, _ = in.ReadString('\n')
			if text.WriteString(line); line == "" {
				break
			}
		}
		got = text.String()
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})
	tests := []struct{ name, sent, want string }{
		{
			"order, case and odd fields", "GET http://HOST/a?b=%zz HTTP/1.1\r\nHost: HOST\r\nProxy-Connection: keep-alive\r\nsec-ch-ua: \"x\"\r\nACCEPT:  */*\r\nx-é: ü\r\n\r\n",
			"",
		},
		{
			"proxy's fields", "GET http://HOST/a?b=%zz HTTP/1.1\r\nHost: HOST\r\nProxy-Connection: keep-alive\r\nsec-ch-ua: \"x\"\r\nACCEPT:  */*\r\nProxy-Authorization: Basic eA==\r\nx: ü\r\n\r\n",
			"GET /a?b=%zz HTTP/1.1\r\nHost: HOST\r\nConnection: keep-alive\r\nsec-ch-ua: \"x\"\r\nACCEPT:  */*\r\nx: ü\r\n\r\n",
		},
		{
			"both connection fields", "GET http://HOST HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nProxy-Connection: keep-alive\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n",
		},
		{"query without path", "GET http://HOST?q HTTP/1.1\r\nHost: HOST\r\n\r\n", "GET /?q HTTP/1.1\r\nHost: HOST\r\n\r\n"},
		{"of the server itself", "OPTIONS http://HOST HTTP/1.1\r\nHost: HOST\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: HOST\r\n\r\n"},
		{"old version", "GET http://HOST/ HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got = ""
			p := open(t, egress.Options{AllowPrivate: true})
			_, in := dial(t, p, strings.ReplaceAll(test.sent, "HOST", server))
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if want := strings.ReplaceAll(test.want, "HOST", server); got != want {
				t.Errorf("got (-), want (+):\n%s", cmp.Diff(got, want))
			}
			if test.want == "" && resp.StatusCode != http.StatusBadRequest {
				t.Errorf("got status %d, want %d", resp.StatusCode, http.StatusBadRequest)
			}
		})
	}
}

// What a browser is sent is what the server sends, to the byte, and ends when it ends.
func TestProxy_BringsWhatAServerSends(t *testing.T) {
	tests := []struct {
		name, method, answer string
		open                 bool // the server waits, instead of closing
	}{
		{name: "length", answer: "HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\nX:  y \r\n\r\nhello", open: true},
		{name: "length twice", answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", open: true},
		{name: "chunks", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0A\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n", open: true},
		{name: "until the end", answer: "HTTP/1.1 200 OK\r\n\r\nhello"},
		{name: "old version, chunks", answer: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nno chunk"},
		{name: "no content", answer: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", open: true},
		{name: "not modified", answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", open: true},
		{name: "head", method: "HEAD", answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", open: true},
		{name: "hints before", answer: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", open: true},
		{name: "no reason phrase", answer: "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", open: true},
		{name: "line feeds only", answer: "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"},
		{name: "folded field", answer: "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok"},
		{name: "two lengths", answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"},
		{name: "negative length", answer: "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok"},
		{name: "unknown coding", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nok"},
		{name: "bad chunk", answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"},
		{name: "cut short", answer: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"},
		{name: "cut in the head", answer: "HTTP/1.1 200 OK\r\nContent-Le"},
		{name: "not HTTP", answer: "220 mail.example ready\r\n"},
		{name: "a browser's own limit", answer: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 300<<10) + "\r\n\r\n"},
		{name: "nothing", answer: ""},
	}
	for name, opts := range lines() {
		t.Run(name, func(t *testing.T) {
			p := open(t, opts)
			for _, test := range tests {
				t.Run(test.name, func(t *testing.T) {
					wait := make(chan struct{})
					server := raw(t, func(conn *net.TCPConn, in *bufio.Reader) {
						_, _ = textproto.NewReader(in).ReadMIMEHeader()
						_, _ = io.WriteString(conn, test.answer)
						if test.open {
							<-wait
						}
					})
					method := "GET"
					if test.method != "" {
						method = test.method
					}
					request := method + " http://" + server + "/ HTTP/1.1\r\nHost: " + server + "\r\n\r\n"
					conn, in := dial(t, p, request)
					got := make([]byte, len(test.answer))
					if _, err := io.ReadFull(in, got); err != nil {
						t.Errorf("reading %d bytes: %v", len(test.answer), err)
					}
					if string(got) != test.answer {
						t.Errorf("got %q, want %q", got, test.answer)
					}
					close(wait)
					if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
						t.Errorf("after the answer: got %q, %v, want the end", rest, err)
					}
					_ = conn.Close()
				})
			}
		})
	}
}

// One connection of the browser serves several servers, one after the other, answers in order.
func TestProxy_ChangesServers(t *testing.T) {
	name := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) }
	}
	a, _ := hostPort(t, plain(t, name("a")).URL)
	b, _ := hostPort(t, plain(t, name("b")).URL)
	for name, opts := range lines() {
		t.Run(name, func(t *testing.T) {
			p := open(t, opts)
			var text strings.Builder
			order := []string{a, a, b, b, a}
			for _, host := range order {
				text.WriteString("GET http://" + host + "/ HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
			}
			_, in := dial(t, p, text.String())
			for i, host := range order {
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatalf("answer %d: %v", i, err)
				}
				if got := drain(t, resp); (got == "a") != (host == a) {
					t.Errorf("answer %d: got %q from %s", i, got, host)
				}
			}
			if got := len(p.Report().Conns); got != 3 {
				t.Errorf("got %d connections, want 3: to a, b and a", got)
			}
		})
	}
}

// An answer without a body ends with its head, whatever that says, and the next one may come from elsewhere.
func TestProxy_ChangesServersWithoutBody(t *testing.T) {
	hello, _ := hostPort(t, plain(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }).URL)
	for name, opts := range lines() {
		for _, answer := range []string{"204 No Content", "304 Not Modified", "200 OK"} {
			t.Run(name+" "+answer, func(t *testing.T) {
				p := open(t, opts)
				server := raw(t, func(conn *net.TCPConn, in *bufio.Reader) {
					_, _ = textproto.NewReader(in).ReadMIMEHeader()
					_, _ = io.WriteString(conn, "HTTP/1.1 "+answer+"\r\nContent-Length: 5\r\n\r\n")
					_, _ = io.Copy(io.Discard, in)
				})
				_, in := dial(t, p, "HEAD http://"+server+"/ HTTP/1.1\r\nHost: "+server+"\r\n\r\nGET http://"+hello+"/ HTTP/1.1\r\nHost: "+hello+"\r\n\r\n")
				if _, err := http.ReadResponse(in, &http.Request{Method: http.MethodHead}); err != nil {
					t.Fatal(err)
				}
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := drain(t, resp); got != "hello" {
					t.Errorf("got %q, want hello", got)
				}
			})
		}
	}
}

// After an answer that ends with the connection there is no other one, from wherever it is wanted.
func TestProxy_NothingAfterAnOpenAnswer(t *testing.T) {
	hello, _ := hostPort(t, plain(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }).URL)
	server := raw(t, func(conn *net.TCPConn, in *bufio.Reader) {
		_, _ = textproto.NewReader(in).ReadMIMEHeader()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\nbegin")
		_, _ = io.Copy(io.Discard, in)
	})
	for name, opts := range lines() {
		t.Run(name, func(t *testing.T) {
			p := open(t, opts)
			conn, in := dial(t, p, "GET http://"+server+"/ HTTP/1.1\r\nHost: "+server+"\r\n\r\n")
			want := "HTTP/1.1 200 OK\r\n\r\nbegin"
			if _, err := io.ReadFull(in, make([]byte, len(want))); err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, "GET http://"+hello+"/ HTTP/1.1\r\nHost: "+hello+"\r\n\r\n")
			if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("got %q, %v, want the end", rest, err)
			}
		})
	}
}

// Whoever says that a connection ends with an answer is taken by his word.
func TestProxy_EndsWhenSaid(t *testing.T) {
	for name, opts := range lines() {
		for _, fields := range []struct{ request, answer string }{{"Connection: close\r\n", ""}, {"", "Connection: close\r\n"}} {
			t.Run(name+" "+fields.request, func(t *testing.T) {
				p := open(t, opts)
				server := raw(t, func(conn *net.TCPConn, in *bufio.Reader) {
					_, _ = textproto.NewReader(in).ReadMIMEHeader()
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+fields.answer+"Content-Length: 2\r\n\r\nok")
					_, _ = io.Copy(io.Discard, in)
				})
				_, in := dial(t, p, "GET http://"+server+"/ HTTP/1.1\r\nHost: "+server+"\r\n"+fields.request+"\r\n")
				if got, err := io.ReadAll(in); err != nil || !strings.HasSuffix(string(got), "\r\n\r\nok") {
					t.Errorf("got %q, %v, want ok and the end", got, err)
				}
			})
		}
	}
}

// A server that ends a connection at rest ends the browser's too, which then opens another one.
func TestProxy_EndsWithTheServer(t *testing.T) {
	server := raw(t, func(conn *net.TCPConn, in *bufio.Reader) {
		_, _ = textproto.NewReader(in).ReadMIMEHeader()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	})
	for name, opts := range lines() {
		t.Run(name, func(t *testing.T) {
			p := open(t, opts)
			_, in := dial(t, p, "GET http://"+server+"/ HTTP/1.1\r\nHost: "+server+"\r\n\r\n")
			resp, err := http.ReadResponse(in, nil)
			if err != nil || drain(t, resp) != "ok" {
				t.Fatalf("got %v, %v, want ok", resp, err)
			}
			if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
				t.Errorf("got %q, %v, want the end", rest, err)
			}
		})
	}
}

// A server that answers before it has everything is heard.
func TestProxy_EarlyAnswer(t *testing.T) {
	server := raw(t, func(conn *net.TCPConn, in *bufio.Reader) {
		_, _ = textproto.NewReader(in).ReadMIMEHeader()
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
		_ = conn.CloseWrite()
		_, _ = io.Copy(io.Discard, in)
	})
	for name, opts := range lines() {
		t.Run(name, func(t *testing.T) {
			p := open(t, opts)
			_, in := dial(t, p, "POST http://"+server+"/ HTTP/1.1\r\nHost: "+server+"\r\nContent-Length: 100000\r\n\r\nbegin")
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := drain(t, resp); resp.StatusCode != http.StatusRequestEntityTooLarge || got != "big" {
				t.Errorf("got %d %q, want %d", resp.StatusCode, got, http.StatusRequestEntityTooLarge)
			}
		})
	}
}

// A browser that gives up takes the server's connection along.
func TestProxy_GivesUpWithTheBrowser(t *testing.T) {
	var ended atomic.Int64
	server := raw(t, func(_ *net.TCPConn, in *bufio.Reader) {
		_, _ = io.Copy(io.Discard, in)
		ended.Add(1)
	})
	for name, opts := range lines() {
		t.Run(name, func(t *testing.T) {
			p := open(t, opts)
			before := ended.Load()
			for i, request := range []string{
				"GET http://" + server + "/ HTTP/1.1\r\nHost: " + server + "\r\n\r\n",
				"CONNECT " + server + " HTTP/1.1\r\nHost: " + server + "\r\n\r\n",
			} {
				conn, _ := dial(t, p, request)
				eventually(t, "connection to the server", func() bool { r := p.Report(); return len(r.Conns) > i && r.Conns[i].Address != "" })
				_ = conn.Close()
				eventually(t, "end of it", func() bool { return ended.Load() == before+int64(i)+1 })
			}
		})
	}
}

// Whatever a connection turns into is carried both ways: by the answer to a request, and in a tunnel, in the open and in
// TLS.
func TestProxy_Upgrades(t *testing.T) {
	upper := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" {
			w.WriteHeader(http.StatusUpgradeRequired)
			return
		}
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // everything was flushed
		_, _ = buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = buffered.Flush()
		for scanner := bufio.NewScanner(buffered); scanner.Scan(); {
			_, _ = buffered.WriteString(strings.ToUpper(scanner.Text()) + "\n")
			_ = buffered.Flush()
		}
	}
	host, _ := hostPort(t, plain(t, upper).URL)
	secured, _ := hostPort(t, secure(t, upper).URL)
	ask := func(uri, host string) string {
		return "GET " + uri + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	}
	for name, opts := range lines() {
		t.Run(name, func(t *testing.T) {
			p := open(t, opts)
			t.Run("request", func(t *testing.T) {
				conn, in := dial(t, p, ask("http://"+host+"/", host))
				talk(t, conn, in)
			})
			t.Run("refused by the server", func(t *testing.T) {
				request := strings.Replace(ask("http://"+host+"/", host), "websocket", "other", 1)
				_, in := dial(t, p, request+ask("http://"+host+"/", host))
				resp, err := http.ReadResponse(in, nil)
				if err != nil || resp.StatusCode != http.StatusUpgradeRequired {
					t.Fatalf("got %v, %v, want status %d", resp, err, http.StatusUpgradeRequired)
				}
				if resp, err = http.ReadResponse(in, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
					t.Errorf("then got %v, %v, want status %d", resp, err, http.StatusSwitchingProtocols)
				}
			})
			t.Run("tunnel", func(t *testing.T) {
				conn, in := tunnel(t, p, host)
				_, _ = io.WriteString(conn, ask("/", host))
				talk(t, conn, in)
			})
			t.Run("tunnel with TLS", func(t *testing.T) {
				conn, _ := tunnel(t, p, secured)
				inside := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}) //nolint:gosec // as above
				_, _ = io.WriteString(inside, ask("/", secured))
				talk(t, inside, bufio.NewReader(inside))
			})
		})
	}
}

// tunnel returns a connection through a tunnel.
func tunnel(t *testing.T, p *egress.Proxy, host string) (*net.TCPConn, *bufio.Reader) {
	t.Helper()
	conn, in := dial(t, p, "CONNECT "+host+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
	resp, err := http.ReadResponse(in, &http.Request{Method: http.MethodConnect})
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %v, %v, want a tunnel", resp, err)
	}
	return conn, in
}

func talk(t *testing.T, conn io.Writer, in *bufio.Reader) {
	t.Helper()
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %v, %v, want status %d", resp, err, http.StatusSwitchingProtocols)
	}
	for _, word := range []string{"one", "two"} {
		_, _ = io.WriteString(conn, word+"\n")
		if got, err := in.ReadString('\n'); err != nil || got != strings.ToUpper(word)+"\n" {
			t.Errorf("got %q, %v, want %q", got, err, strings.ToUpper(word))
		}
	}
}

// Each side's way to end reaches the other: half, whole, and cut.
func TestProxy_Ends(t *testing.T) {
	for name, opts := range lines() {
		t.Run(name, func(t *testing.T) {
			p := open(t, opts)
			t.Run("the browser's half", func(t *testing.T) {
				server := raw(t, func(conn *net.TCPConn, in *bufio.Reader) {
					all, _ := io.ReadAll(in)
					_, _ = io.WriteString(conn, strings.ToUpper(string(all)))
				})
				conn, in := tunnel(t, p, server)
				_, _ = io.WriteString(conn, "hello")
				_ = conn.CloseWrite()
				if got, err := io.ReadAll(in); err != nil || string(got) != "HELLO" {
					t.Errorf("got %q, %v, want HELLO", got, err)
				}
			})
			t.Run("the server's half", func(t *testing.T) {
				var got atomic.Value
				server := raw(t, func(conn *net.TCPConn, in *bufio.Reader) {
					_ = conn.CloseWrite()
					all, _ := io.ReadAll(in)
					got.Store(string(all))
				})
				conn, in := tunnel(t, p, server)
				if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
					t.Errorf("got %q, %v, want the end", rest, err)
				}
				_, _ = io.WriteString(conn, "still here")
				_ = conn.CloseWrite()
				eventually(t, "what came after", func() bool { return got.Load() == "still here" })
			})
			t.Run("cut by the server", func(t *testing.T) {
				server := raw(t, func(conn *net.TCPConn, in *bufio.Reader) {
					_, _ = in.ReadByte() // a connection that is cut at once may never have come about for the proxy
					_ = conn.SetLinger(0)
				})
				conn, in := tunnel(t, p, server)
				_, _ = io.WriteString(conn, "x")
				if _, err := io.ReadAll(in); !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("got %v, want %v", err, syscall.ECONNRESET)
				}
			})
		})
	}
}

// What was written down is what went over the servers' sockets, TLS and all.
func TestProxy_CountsBytes(t *testing.T) {
	var in, out atomic.Int64 // of the server
	body := strings.Repeat("x", 200_000)
	server := secure(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	host, _ := hostPort(t, server.URL)
	between := raw(t, func(conn *net.TCPConn, client *bufio.Reader) {
		up, err := net.Dial("tcp", host)
		if err != nil {
			return
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			n, _ := io.Copy(up, client)
			in.Add(n)
			_ = up.Close()
		}()
		n, _ := io.Copy(conn, up)
		out.Add(n)
		_ = conn.Close()
		<-done
	})
	for name, opts := range lines() {
		t.Run(name, func(t *testing.T) {
			p := open(t, opts)
			in.Store(0)
			out.Store(0)
			c := browser(t, p)
			if got := get(t, c, "https://"+between+"/"); got != body {
				t.Errorf("got %d bytes, want %d", len(got), len(body))
			}
			c.CloseIdleConnections()
			eventually(t, "end of the connection", func() bool { return out.Load() > 0 && in.Load() > 0 })
			// What the server sent last may still be on its way to the proxy.
			eventually(t, "all that the server sent", func() bool { return p.Report().In >= out.Load() })
			p.Close()
			report := p.Report()
			if report.In != out.Load() || report.Out != in.Load() {
				t.Errorf("got %d in and %d out, the server sent %d and got %d", report.In, report.Out, out.Load(), in.Load())
			}
			if len(report.Conns) != 1 || report.Conns[0].In != report.In || report.Conns[0].Out != report.Out {
				t.Errorf("got connections %+v, want one with all bytes", report.Conns)
			}
		})
	}
}
