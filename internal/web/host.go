package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Loopback reports whether only this machine can reach the address of a listener.
func Loopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// onlyLoopback refuses requests for the name of another host. A page that a reader has open in a browser can have its own
// name resolved to 127.0.0.1 (DNS rebinding); to the browser the agent is then of the same origin as that page, which may
// read everything and reload. The name that was asked for gives it away.
func onlyLoopback(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopbackName(r.Host) {
			plain(w, http.StatusMisdirectedRequest, fmt.Sprintf("asked for the host %q, but this agent listens on loopback: "+
				"ask for localhost or 127.0.0.1, and let a proxy in front send one of these as Host\n", r.Host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// loopbackName reports whether the Host of a request stands for this machine. A program of HTTP/1.0 may send none.
func loopbackName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if host == "" || strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
