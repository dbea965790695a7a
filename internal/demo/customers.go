package demo

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"strings"
	"time"
)

// The origins of the pages that made-up customers look at. Nobody ever connects to them.
const (
	desktopOrigin = "https://www.shop.example"
	mobileOrigin  = "https://m.shop.example"
)

// customersEvery is how often a made-up customer reports.
const customersEvery = 500 * time.Millisecond

// customers report what their browsers measured, as those of a real shop do by the agent's script: here the shop itself
// makes up what they say.
type customers struct {
	address string // where the agent listens for beacons
	client  http.Client
}

// openCustomers chooses an address for the agent and begins to report there.
func (s *Shop) openCustomers(ctx context.Context) (*customers, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &customers{address: listener.Addr().String()}
	c.client = http.Client{Timeout: customersEvery, Transport: &http.Transport{DisableKeepAlives: true}}
	if err := listener.Close(); err != nil { // the agent takes it
		return nil, err
	}
	background := context.WithoutCancel(ctx) // which bounds the start only
	s.serving.Go(func() {
		for mobile := false; ; mobile = !mobile {
			s.wait(nil, customersEvery)
			select {
			case <-s.stopped:
				return
			default:
				s.report(background, c, mobile)
			}
		}
	})
	return c, nil
}

// report sends what one customer saw of the autumn sale. Nobody may listen yet, or any more.
func (s *Shop) report(ctx context.Context, c *customers, mobile bool) {
	device, origin, lcp := "desktop", desktopOrigin, 900.0
	if mobile {
		device, origin, lcp = "mobile", mobileOrigin, 1700.0
	}
	luck := func() float64 { // about 1, now and then much more
		s.random.Lock()
		defer s.random.Unlock()
		return math.Exp(0.35 * s.source.NormFloat64())
	}
	lcp *= luck()
	ttfb, cls, inp := lcp/4, 0.01*luck(), 70*luck()
	if s.on(slowHero) {
		lcp += float64(heroSlowness.Milliseconds())
	}
	if s.on(shiftingBanner) {
		cls += 0.16
	}
	if s.on(busyScript) {
		inp += 250
	}
	body := fmt.Sprintf(`{"v":1,"path":"/autumn","device":%q,"rate":1,"values":{"ttfb":%.1f,"fcp":%.1f,"lcp":%.1f,"inp":%.1f,"cls":%.4f}}`,
		device, ttfb, lcp*0.7, lcp, inp, cls)
	ctx, cancel := context.WithTimeout(ctx, customersEvery)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.address+"/v1/vitals", strings.NewReader(body))
	if err != nil {
		return // the address is one of the program's own
	}
	request.Header.Set("Content-Type", "text/plain")
	request.Header.Set("Origin", origin)
	request.Header.Set("User-Agent", "Mozilla/5.0 (made up)")
	if response, err := c.client.Do(request); err == nil {
		_ = response.Body.Close() // it says nothing
	}
}
