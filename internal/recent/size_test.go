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

func TestRing_BytesIsCloseToTheTruth(t *testing.T) {
	const touchpoints = 1000
	cases := map[string]func(e *recent.Entry, n int){
		"without evidence": func(*recent.Entry, int) {},
		"with evidence":    func(e *recent.Entry, n int) { e.Result.Evidence = pageEvidence(n) },
		"with findings and errors": func(e *recent.Entry, n int) {
			e.Err = strings.Repeat(fmt.Sprint(n%10), 80)
			e.Result.Detail = strings.Repeat(fmt.Sprint(n%10), 120)
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
