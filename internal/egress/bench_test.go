package egress_test

import (
	"bufio"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/egress"
)

// BenchmarkTunnel carries the 2 MB of a heavy page from a server to a browser. Both are in this process: what the proxy costs
// is the difference to "direct".
//
//	go test ./internal/egress -run '^$' -bench Tunnel -benchtime 300x
func BenchmarkTunnel(b *testing.B) {
	const size = 2 << 20
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // nobody connects any more
	go serveBody(listener, make([]byte, size))
	server := listener.Addr().String()
	for _, line := range []struct {
		name string
		opts *egress.Options
	}{
		{"direct", nil},
		{"as it is", &egress.Options{AllowPrivate: true, MaxBytes: 1 << 50}},
		{"shaped", &egress.Options{AllowPrivate: true, MaxBytes: 1 << 50, Delay: time.Millisecond, Down: 1 << 40, Up: 1 << 40}},
		{"slow 4G", &egress.Options{AllowPrivate: true, MaxBytes: 1 << 50, Delay: 150 * time.Millisecond, Down: 1_638_400, Up: 750_000}},
	} {
		b.Run(line.name, func(b *testing.B) {
			address, hello := server, ""
			if line.opts != nil {
				p, err := egress.Open(*line.opts)
				if err != nil {
					b.Fatal(err)
				}
				defer p.Close()
				address, hello = p.Address(), "CONNECT "+server+" HTTP/1.1\r\n\r\n"
			}
			conn, err := net.Dial("tcp", address)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close() //nolint:errcheck // nothing is under way
			in := bufio.NewReader(conn)
			if _, err := io.WriteString(conn, hello); err != nil {
				b.Fatal(err)
			}
			if _, err := in.Discard(min(len(hello), 1) * len("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
				b.Fatal(err)
			}
			buffer := make([]byte, 64<<10)
			b.SetBytes(size)
			b.ReportAllocs()
			before := processTime(b)
			for b.Loop() {
				if _, err := conn.Write([]byte{'x'}); err != nil {
					b.Fatal(err)
				}
				for left := size; left > 0; {
					n, err := in.Read(buffer[:min(left, len(buffer))])
					if err != nil {
						b.Fatal(err)
					}
					left -= n
				}
			}
			b.ReportMetric(float64((processTime(b)-before).Microseconds())/float64(b.N)/(size>>20), "cpu-µs/MB")
		})
	}
}

// serveBody answers every byte on one connection after the other with a body.
func serveBody(listener net.Listener, body []byte) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		for one := make([]byte, 1); ; {
			if _, err := conn.Read(one); err != nil {
				break
			}
			if _, err := conn.Write(body); err != nil {
				break
			}
		}
		_ = conn.Close()
	}
}

// BenchmarkRequest makes plain requests on one connection.
//
//	go test ./internal/egress -run '^$' -bench Request
func BenchmarkRequest(b *testing.B) {
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // nobody connects any more
	server := listener.Addr().String()
	request := []byte("GET http://" + server + "/style.css?v=3 HTTP/1.1\r\nHost: " + server + "\r\nProxy-Connection: keep-alive\r\nAccept: */*\r\n" +
		"User-Agent: Mozilla/5.0\r\nReferer: http://" + server + "/\r\nAccept-Encoding: gzip, deflate\r\n\r\n")
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: 5\r\nCache-Control: max-age=60\r\n\r\nhello")
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // the browser has gone
		for in := make([]byte, 4096); ; {
			if _, err := conn.Read(in); err != nil {
				return
			}
			_, _ = conn.Write(answer)
		}
	}()
	p, err := egress.Open(egress.Options{AllowPrivate: true, MaxRequests: 1 << 40, MaxBytes: 1 << 50})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	conn, err := net.Dial("tcp", p.Address())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // nothing is under way
	got := make([]byte, len(answer))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(conn, got); err != nil {
			b.Fatal(err)
		}
	}
}

func processTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
