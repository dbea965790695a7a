package rum_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// wrong is one thing that a request can be refused for, or be answered without being read.
type wrong struct {
	name   string
	floods int                 // networks that used up their bursts before
	spoil  func(*http.Request) // nil: nothing
	code   int
	counts string // labels of rum_beacons_total
}

// wrongs are in the order in which a request is asked for them.
func wrongs() []wrong {
	return []wrong{
		{name: "method", spoil: func(r *http.Request) { r.Method = http.MethodPut }, code: 405, counts: "{outcome=wrong_method}"},
		{
			name: "origin", spoil: func(r *http.Request) { r.Header.Set("Origin", "https://shop.example") },
			code: 403, counts: "{outcome=wrong_origin}",
		},
		{
			name: "encoding", spoil: func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") },
			code: 415, counts: "{channel=shop,outcome=encoded}",
		},
		{name: "everybody's rate", floods: 20, code: 429, counts: "{channel=shop,outcome=busy}"},
		{
			name: "a network's rate", floods: 1, spoil: func(r *http.Request) { r.Header.Set("X-Forwarded-For", "10.0.0.200") },
			code: 429, counts: "{channel=shop,outcome=too_often}",
		},
		{
			name: "opted out", spoil: func(r *http.Request) { r.Header.Set("Sec-GPC", "1") },
			code: 204, counts: "{channel=shop,outcome=opted_out}",
		},
		{
			name: "not a customer", spoil: func(r *http.Request) { r.Header.Set("User-Agent", r.Header.Get("User-Agent")+" Channelwatch/1.0") },
			code: 204, counts: "{channel=shop,outcome=automated}",
		},
		{
			name: "length", spoil: func(r *http.Request) { fill(r, good, 4097) },
			code: 413, counts: "{channel=shop,outcome=too_large}",
		},
		{
			name: "type", spoil: func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") },
			code: 415, counts: "{channel=shop,outcome=wrong_type}",
		},
		{
			// As long as it was, so that one that is too long is that still.
			name: "content", spoil: func(r *http.Request) { fill(r, "{}", int(r.ContentLength)) },
			code: 400, counts: "{channel=shop,outcome=malformed}",
		},
	}
}

// fill gives a request a body of some length.
func fill(r *http.Request, begin string, length int) {
	body := begin + strings.Repeat(" ", length-len(begin))
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(length)
}

// streamed gives a request a body of unknown length.
func streamed(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), -1
}

// flood sends the burst of networks, all of which is taken in.
func (s *server) flood(networks int) {
	s.t.Helper()
	for n := range networks {
		for i := range 20 {
			r := s.request(good)
			r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.0.%d.%d", n, i))
			if response, why := s.do(r); response.StatusCode != http.StatusNoContent {
				s.t.Fatalf("beacon %d of network %d is answered with %d %s, want 204", i, n, response.StatusCode, why)
			}
		}
	}
}

// TestServer_RefusesInOrder sends requests with one or two things wrong, and wants the answer to the first.
func TestServer_RefusesInOrder(t *testing.T) {
	t.Parallel()
	for first, a := range wrongs() {
		for _, b := range wrongs()[first:] {
			t.Run(a.name+" before "+b.name, func(t *testing.T) {
				t.Parallel()
				s := serve(t, options())
				s.flood(max(a.floods, b.floods))
				r := s.request(good)
				for _, w := range []wrong{a, b} {
					if w.spoil != nil {
						w.spoil(r)
					}
				}
				before := values(s.Server)
				response, body := s.do(r)
				if response.StatusCode != a.code {
					t.Errorf("answer %d %q, want %d", response.StatusCode, body, a.code)
				}
				if refused := a.code >= 400; response.Close != refused {
					t.Errorf("the connection closes: %v, want %v", response.Close, refused)
				}
				if got, want := grown(before, values(s.Server)), map[string]float64{"rum_beacons_total" + a.counts: 1}; !maps.Equal(got, want) {
					t.Errorf("it counts %v, want %v", got, want)
				}
			})
		}
	}
}

func TestServer_LimitsComeBack(t *testing.T) {
	opts := options()
	start := opts.Now()
	var passed atomic.Int64
	opts.Now = func() time.Time { return start.Add(time.Duration(passed.Load())) }
	wait := func(d time.Duration) { passed.Add(int64(d)) }
	s := serve(t, opts)
	s.flood(1)
	ask := func(address string) int {
		r := s.request(good)
		r.Header.Set("X-Forwarded-For", address)
		response, _ := s.do(r)
		return response.StatusCode
	}
	for range 1000 { // what is refused uses up nothing of what others may
		if code := ask("10.0.0.1"); code != http.StatusTooManyRequests {
			t.Fatalf("answer %d to a network that floods, want 429", code)
		}
	}
	if code := ask("10.0.1.1"); code != http.StatusNoContent {
		t.Errorf("answer %d to another network, want 204", code)
	}
	wait(199 * time.Millisecond)
	if code := ask("10.0.0.1"); code != http.StatusTooManyRequests {
		t.Errorf("answer %d after 199 ms, want 429", code)
	}
	wait(time.Millisecond)
	if code := ask("10.0.0.1"); code != http.StatusNoContent {
		t.Errorf("answer %d after 200 ms, want 204", code)
	}
	wait(-time.Hour)
	if code := ask("10.0.0.1"); code != http.StatusTooManyRequests {
		t.Errorf("answer %d when the clock was set back, want 429", code)
	}
	if code := ask("10.0.2.1"); code != http.StatusNoContent {
		t.Errorf("answer %d to another network when the clock was set back, want 204", code)
	}
	wait(3 * time.Hour)
	s.flood(1)
	if code := ask("10.0.0.1"); code != http.StatusTooManyRequests {
		t.Errorf("answer %d to more than a burst after a long rest, want 429", code)
	}
}

func TestServer_RefusesSingleRequests(t *testing.T) {
	for _, test := range []struct {
		name    string
		spoil   func(r *http.Request)
		code    int
		outcome string // empty: not counted
	}{
		{"GET", func(r *http.Request) { r.Method, r.Body, r.ContentLength = http.MethodGet, nil, 0 }, 405, "wrong_method"},
		{"a question before a request", func(r *http.Request) { r.Method, r.Body, r.ContentLength = http.MethodOptions, nil, 0 }, 405, "wrong_method"},
		{"no origin", func(r *http.Request) { r.Header.Del("Origin") }, 403, "wrong_origin"},
		{"a hidden origin", func(r *http.Request) { r.Header.Set("Origin", "null") }, 403, "wrong_origin"},
		{"another port", func(r *http.Request) { r.Header.Set("Origin", shopOrigin+":8443") }, 403, "wrong_origin"},
		{"another scheme", func(r *http.Request) { r.Header.Set("Origin", "http://www.shop.example") }, 403, "wrong_origin"},
		{"an origin as a prefix", func(r *http.Request) { r.Header.Set("Origin", shopOrigin+".evil.example") }, 403, "wrong_origin"},
		{"two origins", func(r *http.Request) { r.Header["Origin"] = []string{shopOrigin, blogOrigin} }, 403, "wrong_origin"},
		{"identity as encoding", func(r *http.Request) { r.Header.Set("Content-Encoding", "identity") }, 415, "encoded"},
		{"Do Not Track", func(r *http.Request) { r.Header.Set("DNT", "1") }, 204, "opted_out"},
		{"a browser without a window", func(r *http.Request) {
			r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/156.0.0.0")
		}, 204, "automated"},
		{"too much of unknown length", func(r *http.Request) { streamed(r, good+strings.Repeat(" ", 4097-len(good))) }, 413, "too_large"},
		{"just enough of unknown length", func(r *http.Request) { streamed(r, good+strings.Repeat(" ", 4096-len(good))) }, 204, "accepted"},
		{"no type", func(r *http.Request) { r.Header.Del("Content-Type") }, 415, "wrong_type"},
		{"a type like ours", func(r *http.Request) { r.Header.Set("Content-Type", "text/plainer") }, 415, "wrong_type"},
		{"JSON", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 204, "accepted"},
		{"another address", func(r *http.Request) { r.URL.Path = "/v1/vitals/" }, 404, ""},
		{"the root", func(r *http.Request) { r.URL.Path = "/" }, 404, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, options())
			r := s.request(good)
			test.spoil(r)
			before := values(s.Server)
			if response, body := s.do(r); response.StatusCode != test.code {
				t.Errorf("answer %d %q, want %d", response.StatusCode, body, test.code)
			}
			var got strings.Builder
			for series := range grown(before, values(s.Server)) {
				if outcome, ok := strings.CutPrefix(series, "rum_beacons_total"); ok {
					got.WriteString(strings.TrimSuffix(outcome[strings.Index(outcome, "outcome=")+len("outcome="):], "}"))
				}
			}
			if got.String() != test.outcome {
				t.Errorf("it counts as %q, want %q", got.String(), test.outcome)
			}
		})
	}
}

func TestServer_RefusesWhatIsNoBeacon(t *testing.T) {
	ofPath := func(path string) string { return strings.Replace(good, `"/"`, `"`+path+`"`, 1) }
	s, sent := serve(t, options()), 0
	for body, word := range map[string]string{
		"":                 "JSON",
		"null":             "v is not",
		"[]":               "JSON",
		good[:len(good)-1]: "JSON",
		good + good:        "more than one",
		good + "]":         "more than one",
		strings.Replace(good, `"v":1`, `"v":2`, 1):                 "v is not 1",
		strings.Replace(good, `"v":1`, `"v":1,"id":"x"`, 1):        "JSON",
		strings.Replace(good, `"v":1,`, "", 1):                     "v is not 1",
		ofPath(""):                                                 "path",
		ofPath("p"):                                                "path",
		ofPath("/?mail=a@example.com"):                             "path",
		ofPath("/#top"):                                            "path",
		ofPath("/" + strings.Repeat("x", 512)):                     "path",
		strings.Replace(good, `"mobile"`, `"watch"`, 1):            "device",
		strings.Replace(good, `0.5`, `0`, 1):                       "rate",
		strings.Replace(good, `0.5`, `1.01`, 1):                    "rate",
		strings.Replace(good, `0.5`, `-1`, 1):                      "rate",
		strings.Replace(good, `{"ttfb":150}`, `{}`, 1):             "values",
		strings.Replace(good, `{"ttfb":150}`, `{"ttfb":"150"}`, 1): "JSON",
		strings.Replace(good, `{"ttfb":150}`, `{"ttfb":1e999}`, 1): "JSON",
		strings.Replace(good, `{"ttfb":150}`, `{"ttfb":NaN}`, 1):   "JSON",
		strings.Replace(good, `{"ttfb":150}`, `{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1}`, 1): "values",
	} {
		before := values(s.Server)
		r := s.request(body)
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.0.%d.1", sent)) // below the rate of each
		sent++
		response, why := s.do(r)
		if response.StatusCode != http.StatusBadRequest || !strings.Contains(why, word) {
			t.Errorf("%.80s: answer %d %q, want 400 and %q", body, response.StatusCode, why, word)
		}
		if got, want := grown(before, values(s.Server)), map[string]float64{"rum_beacons_total{channel=shop,outcome=malformed}": 1}; !maps.Equal(got, want) {
			t.Errorf("%.80s: it counts %v, want %v", body, got, want)
		}
	}
}

// TestServer_ReadsNothingMoreOfWhatItRefuses announces a body, and sends none of it.
func TestServer_ReadsNothingMoreOfWhatItRefuses(t *testing.T) {
	s := serve(t, options())
	for name, test := range map[string]struct{ head, want string }{
		"origin":    {"Origin: https://evil.example\r\nContent-Length: 100000\r\n", "403"},
		"length":    {"Origin: " + shopOrigin + "\r\nContent-Length: 1000000000000\r\n", "413"},
		"opted out": {"Origin: " + shopOrigin + "\r\nSec-GPC: 1\r\nConnection: close\r\nContent-Length: 100000\r\n", "204"},
	} {
		conn := s.dial() // with a deadline that is less than the server waits for a body
		if _, err := io.WriteString(conn, "POST /v1/vitals HTTP/1.1\r\nHost: x\r\n"+test.head+"\r\n"); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(line, test.want) {
			t.Errorf("%s: answer %q, %v, want %s at once", name, line, err, test.want)
		}
	}
}

// TestServer_SaysNothingOfTheSender sends what must not be told into everything that could tell it.
func TestServer_SaysNothingOfTheSender(t *testing.T) {
	const secret = "s3cr3t"
	s := serve(t, options())
	for _, body := range []string{
		good, `{"v":1,"path":"/` + secret + `","device":"mobile","rate":0.5,"values":{"` + secret + `":1,"lcp":1}}`,
		`{"v":1,"path":"/?` + secret + `"}`, secret, `{"` + secret + `":1}`,
	} {
		r := s.request(body)
		r.Header.Set("Cookie", "session="+secret)
		r.Header.Set("Referer", "https://www.shop.example/?q="+secret)
		r.URL.RawQuery = "q=" + secret
		response, why := s.do(r)
		var answer bytes.Buffer
		if err := response.Header.Write(&answer); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(answer.String()+why, secret) {
			t.Errorf("the answer to %s repeats it: %s %s", body, answer.String(), why)
		}
	}
	if told := fmt.Sprint(values(s.Server)); strings.Contains(told, secret) || strings.Contains(told, "203.0.113") {
		t.Errorf("the readings tell of the sender: %s", told)
	}
}
