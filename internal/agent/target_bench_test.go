package agent_test

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// targetHosts is how many addresses the target has, so that the limit of probes for each host does not bite.
	targetHosts = 20
	// thinking is how long the target takes to answer.
	thinking = 20 * time.Millisecond
	// dawdling is how long the body of a slow page follows its header.
	dawdling = 300 * time.Millisecond
	// slowPath is where the slow page is.
	slowPath = "/slow"
)

// arrivals are the requests that a target saw, in the order in which their connections came.
type arrivals struct {
	ID []int   // of the touchpoint
	At []int64 // when its connection was accepted, in ns
}

// playTarget answers requests for /t/ID after 20 ms with 1 KB and closes. By its own clock it says in Server-Timing how
// long it took since it accepted the connection.
func playTarget(j *job) error {
	t := &target{body: strings.Repeat("x", 1024)}
	var config *tls.Config
	if j.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(j.CertFile, j.KeyFile)
		if err != nil {
			return err
		}
		config = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	port := "0"
	for i := range targetHosts {
		listener, err := net.Listen("tcp", net.JoinHostPort(targetHost(i), port))
		if err != nil {
			return err
		}
		defer listener.Close() //nolint:errcheck // the process ends
		_, port, _ = net.SplitHostPort(listener.Addr().String())
		go t.accept(listener, config)
	}
	return answer(port, func(question string) any {
		t.mu.Lock()
		defer t.mu.Unlock()
		if question == "log" {
			return t.log
		}
		return len(t.log.ID)
	})
}

func targetHost(i int) string { return fmt.Sprintf("127.0.0.%d", i%targetHosts+1) }

type target struct {
	body string
	mu   sync.Mutex
	log  arrivals
}

func (t *target) accept(listener net.Listener, config *tls.Config) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		accepted := time.Now()
		go func() {
			if config != nil {
				conn = tls.Server(conn, config)
			}
			t.serve(conn, accepted)
			_ = conn.Close()
		}()
	}
}

func (t *target) serve(conn net.Conn, accepted time.Time) {
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	id, _ := strconv.Atoi(strings.TrimPrefix(request.URL.Path, "/t/"))
	t.mu.Lock()
	t.log.ID, t.log.At = append(t.log.ID, id), append(t.log.At, accepted.UnixNano())
	t.mu.Unlock()
	<-time.After(thinking)
	header := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n"+
		"Server-Timing: app;dur=%.6f\r\n\r\n", len(t.body), time.Since(accepted).Seconds()*1000)
	if request.URL.Path != slowPath {
		_, _ = conn.Write([]byte(header + t.body))
		return
	}
	_, _ = conn.Write([]byte(header))
	<-time.After(dawdling)
	_, _ = conn.Write([]byte(t.body))
}

// serverTime reads a Server-Timing field of the target.
func serverTime(field string) (time.Duration, error) {
	ms, err := strconv.ParseFloat(strings.TrimPrefix(field, "app;dur="), 64)
	if err != nil {
		return 0, fmt.Errorf("Server-Timing %q: %w", field, err)
	}
	return time.Duration(ms * float64(time.Millisecond)), nil
}

// startTarget starts a target for n touchpoints and returns it with the URL of each.
func startTarget(tb testing.TB, n int, j *job) (*process, []string) {
	tb.Helper()
	var port string
	p := startProcess(tb, targetRole, j, &port)
	scheme := "http"
	if j.CertFile != "" {
		scheme = "https"
	}
	urls := make([]string, n)
	for i := range urls {
		urls[i] = fmt.Sprintf("%s://%s/t/%d", scheme, net.JoinHostPort(targetHost(i), port), i)
	}
	return p, urls
}

// count returns how many requests the target has seen.
func (p *process) count() (n int) {
	p.tb.Helper()
	p.ask("count", &n)
	return n
}

// seen returns the requests since the first n.
func (p *process) seen(n int) (log arrivals) {
	p.tb.Helper()
	p.ask("log", &log)
	log.ID, log.At = log.ID[n:], log.At[n:]
	return log
}

// missed counts the ticks that no request came for, and those that more than one came for.
func (a *arrivals) missed(every time.Duration) (missed, double int) {
	last := make(map[int]int64)
	for i, id := range a.ID {
		if before, ok := last[id]; ok {
			switch gap := time.Duration(a.At[i] - before); {
			case gap > every*3/2:
				missed += int((gap+every/2)/every) - 1
			case gap < every/2:
				double++
			}
		}
		last[id] = a.At[i]
	}
	return missed, double
}

// mostWithin returns the largest number of starts in any window.
func (a *arrivals) mostWithin(window time.Duration) int {
	at := slices.SortedFunc(slices.Values(a.At), cmp.Compare[int64])
	most, first := 0, 0
	for i := range at {
		for at[i]-at[first] > int64(window) {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// The benchmarks stand on these counts.
func TestArrivals(t *testing.T) {
	at := func(ms ...int64) (ns []int64) {
		for _, m := range ms {
			ns = append(ns, m*int64(time.Millisecond))
		}
		return ns
	}
	for _, tt := range []struct {
		name                 string
		log                  arrivals
		missed, double, most int
	}{
		{"none", arrivals{}, 0, 0, 0},
		{"on time, and a little off", arrivals{[]int{1, 1, 1}, at(0, 1000, 2400)}, 0, 0, 1},
		{"two ticks are missing", arrivals{[]int{1, 1}, at(0, 3000)}, 2, 0, 1},
		{"twice for one tick", arrivals{[]int{1, 1, 1}, at(0, 1000, 1100)}, 0, 1, 1},
		{"each touchpoint for itself", arrivals{[]int{1, 2, 1, 2}, at(0, 10, 1000, 1010)}, 0, 0, 2},
		{"not in order", arrivals{[]int{1, 2, 3, 4}, at(30, 0, 9, 25)}, 0, 0, 2},
	} {
		missed, double := tt.log.missed(time.Second)
		most := tt.log.mostWithin(10 * time.Millisecond)
		if missed != tt.missed || double != tt.double || most != tt.most {
			t.Errorf("%s: got %d missed, %d double, %d within 10 ms, want %d, %d, %d",
				tt.name, missed, double, most, tt.missed, tt.double, tt.most)
		}
	}
}
