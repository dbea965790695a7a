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
	headerBytes      = int64(unsafe.Sizeof(probe.Header{}))
	tlsBytes         = int64(unsafe.Sizeof(probe.TLSFacts{}))
	certBytes        = int64(unsafe.Sizeof(probe.Cert{}))
	stringBytes      = int64(unsafe.Sizeof(""))
)

// entrySize estimates what holding an entry costs. Strings count with their length; check ids, metric names and
// labels do not, because they are constants.
func entrySize(e *Entry) int64 {
	res := &e.Result
	size := itemBytes + length(e.Err, res.Detail) +
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
	size := evidenceBytes + int64(cap(ev.Exchanges))*exchangeBytes + int64(cap(ev.Events))*eventBytes
	for i := range ev.Exchanges {
		size += exchangeSize(&ev.Exchanges[i])
	}
	for i := range ev.Events {
		size += length(ev.Events[i].Text)
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
