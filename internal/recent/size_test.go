package recent_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/recent"
)

// held returns how many bytes of live heap build leaves behind.
func held[T any](build func() T) (T, float64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	out := build()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return out, float64(after.HeapAlloc) - float64(before.HeapAlloc)
}

// pageEvidence returns what a page with a redirect and a certificate leaves behind.
func pageEvidence(n int) *probe.Evidence {
	word := func(size int) string { return strings.Repeat(fmt.Sprint(n%10), size) }
	ev := &probe.Evidence{}
	for range 2 {
		x := probe.Exchange{
			Method: word(3), URL: word(60), Protocol: word(8), Address: word(20), Addresses: []string{word(15), word(15)},
			BodyStart: word(1024),
			TLS:       &probe.TLSFacts{Version: word(7), Cipher: word(22), ALPN: word(8), ServerName: word(20)},
		}
		for range 8 {
			x.Header = append(x.Header, probe.Header{Name: word(14), Value: word(30)})
		}
		for range 3 {
			x.TLS.Chain = append(x.TLS.Chain, probe.Cert{Subject: word(50), Issuer: word(50), Names: []string{word(20), word(20)}, SHA256: word(64)})
		}
		ev.Exchanges = append(ev.Exchanges, x)
	}
	ev.Events = []probe.Event{{Text: word(100)}}
	return ev
}

// visitEvidence returns what a browser leaves behind of a page with forty requests.
func visitEvidence(n int) *probe.Evidence {
	word := func(size int) string { return strings.Repeat(fmt.Sprint(n%10), size) }
	picture := func() probe.Picture {
		return probe.Picture{Media: "image/jpeg", Width: 412, Height: 823, Bytes: 4000, ID: word(64)}
	}
	screenshot := picture()
	v := probe.Visit{
		Run: 1, Browser: word(40), URL: word(60), Protocol: word(2), Content: probe.Content{Title: word(40), Heading: word(30)},
		Vitals:  map[string]float64{"ttfb": 1, "fcp": 2, "lcp": 3, "tbt": 4, "inp": 5, "dom_ready": 6, "load": 7, "cls": 8},
		Largest: &probe.Element{Selector: word(20), URL: word(80)},
		Shifts:  []probe.Shift{{Selector: word(30)}, {Selector: word(30)}},
		Console: []probe.ConsoleLine{{Level: "error", Text: word(200), URL: word(60)}}, Screenshot: &screenshot,
	}
	for range 40 {
		v.Requests = append(v.Requests, probe.Request{
			URL: word(90), Method: word(3), Type: "image", Site: word(16), Protocol: word(2), MIME: word(10), Error: word(16),
		})
	}
	for range 8 {
		v.Filmstrip = append(v.Filmstrip, picture())
	}
	return &probe.Evidence{Visits: []probe.Visit{v}}
}

func TestRing_BytesIsCloseToTheTruth(t *testing.T) {
	const touchpoints = 1000
	cases := map[string]func(e *recent.Entry, n int){
		"without evidence": func(*recent.Entry, int) {},
		"with evidence":    func(e *recent.Entry, n int) { e.Result.Evidence = pageEvidence(n) },
		"with visits":      func(e *recent.Entry, n int) { e.Result.Evidence = visitEvidence(n) },
		"with findings and errors": func(e *recent.Entry, n int) {
			e.Err = strings.Repeat(fmt.Sprint(n%10), 80)
			e.Result.Detail = strings.Repeat(fmt.Sprint(n%10), 120)
			e.Result.Slowest = strings.Repeat(fmt.Sprint(n%10), 60)
			e.Result.Measurements = make([]probe.Measurement, 3)
			for range 4 {
				e.Result.Findings = append(e.Result.Findings, probe.Finding{Detail: strings.Repeat(fmt.Sprint(n%10), 64)})
			}
		},
	}
	for name, fill := range cases {
		t.Run(name, func(t *testing.T) {
			tps := make([]*probe.Touchpoint, touchpoints)
			for i := range tps {
				tps[i] = named(fmt.Sprint(i))
			}
			ring, truth := held(func() *recent.Ring {
				ring := recent.New(math.MaxInt64)
				for n := range 3 * touchpoints {
					e := entry(tps[n%touchpoints], n, probe.Good, 0)
					if n < touchpoints {
						e.Verdict.Rating = probe.Poor // stays as a failure
					}
					fill(&e, n)
					ring.Add(e)
				}
				return ring
			})
			got := float64(ring.Bytes())
			if ratio := got / truth; ratio < 0.8 || ratio > 1.25 {
				t.Errorf("Bytes is %.0f, the heap grew by %.0f: ratio %.2f, want 0.8 to 1.25", got, truth, ratio)
			}
			runtime.KeepAlive(tps)
		})
	}
}

// TestRing_BytesCountsEveryPart fills one part of a visit at a time: no other part may make up for it.
func TestRing_BytesCountsEveryPart(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	cases := map[string]func(v *probe.Visit){
		"browser":            func(v *probe.Visit) { v.Browser = long },
		"address":            func(v *probe.Visit) { v.URL = long },
		"protocol":           func(v *probe.Visit) { v.Protocol = long },
		"title":              func(v *probe.Visit) { v.Content.Title = long },
		"heading":            func(v *probe.Visit) { v.Content.Heading = long },
		"largest":            func(v *probe.Visit) { v.Largest = &probe.Element{Selector: long} },
		"largest's address":  func(v *probe.Visit) { v.Largest = &probe.Element{URL: long} },
		"shift":              func(v *probe.Visit) { v.Shifts = []probe.Shift{{Selector: long}} },
		"request's address":  func(v *probe.Visit) { v.Requests = []probe.Request{{URL: long}} },
		"request's method":   func(v *probe.Visit) { v.Requests = []probe.Request{{Method: long}} },
		"request's site":     func(v *probe.Visit) { v.Requests = []probe.Request{{Site: long}} },
		"request's protocol": func(v *probe.Visit) { v.Requests = []probe.Request{{Protocol: long}} },
		"request's type":     func(v *probe.Visit) { v.Requests = []probe.Request{{MIME: long}} },
		"request's error":    func(v *probe.Visit) { v.Requests = []probe.Request{{Error: long}} },
		"room for requests":  func(v *probe.Visit) { v.Requests = make([]probe.Request, 0, 100) },
		"console":            func(v *probe.Visit) { v.Console = []probe.ConsoleLine{{Text: long}} },
		"console's address":  func(v *probe.Visit) { v.Console = []probe.ConsoleLine{{URL: long}} },
		"room for console":   func(v *probe.Visit) { v.Console = make([]probe.ConsoleLine, 0, 150) },
		"room for shifts":    func(v *probe.Visit) { v.Shifts = make([]probe.Shift, 0, 320) },
		"screenshot":         func(v *probe.Visit) { v.Screenshot = &probe.Picture{ID: long} },
		"filmstrip":          func(v *probe.Visit) { v.Filmstrip = []probe.Picture{{ID: long}} },
		"room for filmstrip": func(v *probe.Visit) { v.Filmstrip = make([]probe.Picture, 0, 120) },
	}
	size := func(fill func(v *probe.Visit)) int64 {
		e := entry(named("home"), 1, probe.Good, 0)
		e.Result.Evidence = &probe.Evidence{Visits: make([]probe.Visit, 1)}
		fill(&e.Result.Evidence.Visits[0])
		ring := recent.New(math.MaxInt64)
		ring.Add(e)
		return ring.Bytes()
	}
	empty := size(func(*probe.Visit) {})
	for name, fill := range cases {
		if got := size(fill) - empty; got < 9_000 || got > 25_000 {
			t.Errorf("%s: counted as %d bytes, want about 10,000", name, got)
		}
	}
}

func TestRing_HoldsNoBytesOfPictures(t *testing.T) {
	ring := recent.New(1 << 20)
	for n, rating := range []probe.Rating{probe.Poor, probe.Good} {
		e := entry(named("home"), n, rating, 0)
		e.Result.Evidence = visitEvidence(n)
		for p := range e.Result.Evidence.Pictures {
			p.Data = make([]byte, 1000)
		}
		ring.Add(e)
	}
	last, _ := ring.Last("web/home")
	for _, e := range append(ring.Failures("web/home"), last) {
		pictures := 0
		for p := range e.Result.Evidence.Pictures {
			pictures++
			if p.Data != nil || p.Bytes != 4000 || len(p.ID) != 64 {
				t.Errorf("picture is held with %d bytes of data, a size of %d and the name %q; want the last two only", len(p.Data), p.Bytes, p.ID)
			}
		}
		if pictures != 9 {
			t.Errorf("%d pictures are held, want 9", pictures)
		}
	}
}

func TestRing_AGoodTouchpointIsSmall(t *testing.T) {
	const touchpoints, bound = 4000, 4000 << 10
	tps := make([]*probe.Touchpoint, touchpoints)
	for i := range tps {
		tps[i] = named(fmt.Sprint(i))
	}
	ring, truth := held(func() *recent.Ring {
		ring := recent.New(bound)
		for n := range 2 * touchpoints {
			e := entry(tps[n%touchpoints], n, probe.Excellent, 0)
			e.Result.Evidence = pageEvidence(n)
			ring.Add(e)
		}
		return ring
	})
	if ring.Bytes() > bound {
		t.Errorf("%d bytes are held, want at most %d", ring.Bytes(), bound)
	}
	if each := truth / touchpoints; each > 1100 {
		t.Errorf("a touchpoint takes %.0f bytes with a bound of 1 KiB for each, want at most 1100", each)
	}
	runtime.KeepAlive(tps)
}

// BenchmarkRing_Add adds good results of 10,000 touchpoints, with evidence and less room than all of it needs.
//
//	go test -run '^$' -bench Add -benchmem ./internal/recent
func BenchmarkRing_Add(b *testing.B) {
	tps := make([]*probe.Touchpoint, 10_000)
	for i := range tps {
		tps[i] = named(fmt.Sprint(i))
	}
	ring := recent.New(10_000 << 10)
	good := entry(tps[0], 0, probe.Good, 0)
	good.Result.Evidence = pageEvidence(1)
	for i := 0; b.Loop(); i++ {
		good.Touchpoint = tps[i%len(tps)]
		good.Result.Start = good.Result.Start.Add(time.Millisecond)
		ring.Add(good)
	}
}
