package recent

import (
	"unsafe"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Sizes in memory of what is held, without what it points to.
const (
	recordBytes      = int64(unsafe.Sizeof(record{})) + mapBytes
	mapBytes         = int64(2 * (unsafe.Sizeof(name{}) + unsafe.Sizeof(&record{}))) // a map is about half full
	itemBytes        = int64(unsafe.Sizeof(item{}))
	findingBytes     = int64(unsafe.Sizeof(probe.Finding{}))
	measurementBytes = int64(unsafe.Sizeof(probe.Measurement{}))
	evidenceBytes    = int64(unsafe.Sizeof(probe.Evidence{}))
	exchangeBytes    = int64(unsafe.Sizeof(probe.Exchange{}))
	eventBytes       = int64(unsafe.Sizeof(probe.Event{}))
	visitBytes       = int64(unsafe.Sizeof(probe.Visit{}))
	elementBytes     = int64(unsafe.Sizeof(probe.Element{}))
	shiftBytes       = int64(unsafe.Sizeof(probe.Shift{}))
	requestBytes     = int64(unsafe.Sizeof(probe.Request{}))
	consoleBytes     = int64(unsafe.Sizeof(probe.ConsoleLine{}))
	pictureBytes     = int64(unsafe.Sizeof(probe.Picture{}))
	vitalsBytes      = 48 + 8 + 8*(stringBytes+8) // a map of at most eight: its head and one group of slots
	headerBytes      = int64(unsafe.Sizeof(probe.Header{}))
	tlsBytes         = int64(unsafe.Sizeof(probe.TLSFacts{}))
	certBytes        = int64(unsafe.Sizeof(probe.Cert{}))
	stringBytes      = int64(unsafe.Sizeof(""))
)

// entrySize estimates what holding an entry costs. Strings count with their length; check ids, metric names and
// labels do not, because they are constants.
func entrySize(e *Entry) int64 {
	res := &e.Result
	size := itemBytes + length(e.Err, res.Detail, res.Slowest) +
		int64(cap(res.Findings))*findingBytes + int64(cap(res.Measurements))*measurementBytes
	for i := range res.Findings {
		size += length(res.Findings[i].Detail)
	}
	return size + evidenceSize(res.Evidence)
}

// evidenceSize estimates what holding evidence costs; none costs nothing.
func evidenceSize(ev *probe.Evidence) int64 {
	if ev == nil {
		return 0
	}
	size := evidenceBytes + int64(cap(ev.Exchanges))*exchangeBytes + int64(cap(ev.Events))*eventBytes +
		int64(cap(ev.Visits))*visitBytes
	for i := range ev.Exchanges {
		size += exchangeSize(&ev.Exchanges[i])
	}
	for i := range ev.Events {
		size += length(ev.Events[i].Text)
	}
	for i := range ev.Visits {
		size += visitSize(&ev.Visits[i])
	}
	return size
}

func exchangeSize(x *probe.Exchange) int64 {
	size := length(x.Method, x.URL, x.Protocol, x.Address, x.BodyStart) +
		list(x.Addresses) + int64(cap(x.Header))*headerBytes
	for i := range x.Header {
		size += length(x.Header[i].Name, x.Header[i].Value)
	}
	if t := x.TLS; t != nil {
		size += tlsBytes + length(t.Version, t.Cipher, t.ALPN, t.ServerName, t.VerifyError) + int64(cap(t.Chain))*certBytes
		for i := range t.Chain {
			cert := &t.Chain[i]
			size += length(cert.Subject, cert.Issuer, cert.SHA256) + list(cert.Names)
		}
	}
	return size
}

// visitSize estimates what a visit holds beyond itself; its requests are by far the most of it. Types, levels and media
// types of pictures do not count, because they are constants.
func visitSize(v *probe.Visit) int64 {
	size := length(v.Browser, v.URL, v.Protocol, v.Content.Title, v.Content.Heading) +
		int64(cap(v.Shifts))*shiftBytes + int64(cap(v.Requests))*requestBytes + int64(cap(v.Console))*consoleBytes +
		int64(cap(v.Filmstrip))*pictureBytes
	if v.Vitals != nil {
		size += vitalsBytes
	}
	if v.Largest != nil {
		size += elementBytes + length(v.Largest.Selector, v.Largest.URL)
	}
	for i := range v.Shifts {
		size += length(v.Shifts[i].Selector)
	}
	for i := range v.Requests {
		r := &v.Requests[i]
		size += length(r.URL, r.Method, r.Site, r.Protocol, r.MIME, r.Error)
	}
	for i := range v.Console {
		size += length(v.Console[i].Text, v.Console[i].URL)
	}
	if v.Screenshot != nil {
		size += pictureBytes + length(v.Screenshot.ID)
	}
	for i := range v.Filmstrip {
		size += length(v.Filmstrip[i].ID)
	}
	return size
}

// list returns the size of a slice of strings.
func list(s []string) int64 { return int64(cap(s))*stringBytes + length(s...) }

// length returns the total length of strings.
func length(s ...string) int64 {
	var n int64
	for i := range s {
		n += int64(len(s[i]))
	}
	return n
}
