package browser

import (
	"net/url"
	"strconv"
	"time"

	"github.com/channelwatch/channelwatch/internal/egress"
	"github.com/channelwatch/channelwatch/internal/pageload"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// visit is what one run gave.
type visit struct {
	start    time.Time
	wall     time.Duration // from the blank page to the last look at it
	cpu      time.Duration // of the browser
	browser  string        // name and version
	again    bool          // it is the second one, after a crash
	failure  *failure      // what stopped it; nil when it went through
	load     *pageload.Load
	end      *pageload.Load  // where the steps led; load itself without steps, or when they stayed on the page
	vitals   pageload.Vitals // of the page as it loaded, with the reaction to steps
	cookies  []pageload.Cookie
	findings []probe.Finding // that only an open page could give

	before     *probe.Picture // of the page before steps that type a secret; may be nil
	screenshot *probe.Picture // of the page in the end, unless a secret was typed; may be nil
	egress     egress.Report
}

// looked takes what a page was like when it had loaded.
func (v *visit) looked(load *pageload.Load) {
	v.load, v.end, v.vitals, v.cookies = load, load, load.Vitals, load.Cookies
}

// acted takes what a page was like after steps. As long as they stay on the page, what it loads and goes wrong in it is
// part of its visit; what is behind the vitals stays that of the page as it loaded. What another page is like is seen in the
// evidence.
func (v *visit) acted(end *pageload.Load) {
	v.vitals.INP = end.Vitals.INP
	if !end.Start.Equal(v.load.Start) {
		v.end = end
		return
	}
	whole := *end
	whole.Largest, whole.Shifts, whole.Blocking = v.load.Largest, v.load.Shifts, v.load.Blocking
	whole.Settled, whole.Pending, whole.Dialogs = v.load.Settled, v.load.Pending, v.load.Dialogs
	v.load, v.end = &whole, &whole
}

// crashed reports whether the page ended with a crash, on its own or by what steps did.
func (v *visit) crashed() bool { return v.load != nil && (v.load.Crashed || v.end.Crashed) }

// connection returns the connection that the document came by.
func (v *visit) connection() (egress.Conn, bool) {
	if v.load == nil {
		return egress.Conn{}, false
	}
	host, port := server(v.load.URL)
	for _, conn := range v.egress.Conns {
		if conn.Host == host && conn.Port == port {
			return conn, true
		}
	}
	return egress.Conn{}, false
}

// server returns whom a page comes from.
func server(address string) (host string, port uint16) {
	u, err := url.Parse(address)
	if err != nil {
		return "", 0
	}
	port = 80
	if u.Scheme == "https" {
		port = 443
	}
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		port = uint16(n)
	}
	return u.Hostname(), port
}
