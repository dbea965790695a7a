package httpx_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The target of the benchmarks runs in a process of its own, so that its CPU time is not counted as the prober's.
// The test binary starts itself again with this variable set.
const (
	targetEnv     = "HTTPX_TEST_TARGET" // "plain" or "tls"
	targetCertEnv = "HTTPX_TEST_CERT"
	targetKeyEnv  = "HTTPX_TEST_KEY"
)

// servedHeader says how long the target took by its own clock, from accepting the connection to writing the answer.
const servedHeader = "X-Served"

// serveTarget answers every request after 20 ms with 1 KB and closes, until its standard input ends.
func serveTarget() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if os.Getenv(targetEnv) == "tls" {
		cert, err := tls.LoadX509KeyPair(os.Getenv(targetCertEnv), os.Getenv(targetKeyEnv))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{cert}})
	}
	_, _ = fmt.Fprintln(os.Stdout, listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	body := strings.Repeat("x", 1024)
	for {
		conn, err := listener.Accept()
		if err != nil {
			os.Exit(1)
		}
		go func() {
			start := time.Now()
			defer conn.Close() //nolint:errcheck // nobody to tell
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
				return
			}
			<-time.After(20 * time.Millisecond)
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n%s: %d\r\n\r\n%s",
				len(body), servedHeader, time.Since(start).Nanoseconds(), body)
		}()
	}
}

// startTarget starts the target and returns its address.
func startTarget(tb testing.TB, env ...string) string {
	tb.Helper()
	command := exec.CommandContext(tb.Context(), os.Args[0], "-test.run=^$")
	command.Env = append(os.Environ(), env...)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		tb.Fatalf("reading address of the target: %v", err)
	}
	tb.Cleanup(func() {
		_ = stdin.Close()
		_ = command.Wait()
	})
	return strings.TrimSpace(addr)
}
