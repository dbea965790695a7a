package pageload

import "time"

// Options say what a page is loaded on and whose visit it is.
type Options struct {
	Device  Device
	Product string                 // token at the end of the User-Agent, such as "Channelwatch/1.0", so that owners can tell these visits
	Blocked func(host string) bool // hosts that the operator keeps out, wherever that is done; nil: none

	Quiet time.Duration // without requests under way, until a page has settled; 0: 2 s
	Least time.Duration // since the navigation, until a page has settled; 0: 5 s
}

// Device is what a page believes to be loaded on. The zero value of a field leaves it as the browser has it.
type Device struct {
	Width, Height int     // of the viewport in CSS pixels
	Scale         float64 // device pixels in a CSS pixel
	Phone         bool    // touch, a phone's viewport rules, User-Agent and client hints
	Slowdown      float64 // how many times slower the processor is
	Network       *Throttling
}

// Throttling is the browser's own idea of a slow network (Network.emulateNetworkConditions). Its latency is the least that
// a request takes, and is not added to what the request takes anyway.
type Throttling struct {
	Latency  time.Duration
	Down, Up int64 // bit/s; 0: as fast as it gets
}

// The settle rule: what comes late, such as a banner that shifts the page or the tags of a tag manager, comes within it.
const (
	defaultQuiet = 2 * time.Second
	defaultLeast = 5 * time.Second
)

func (o Options) withDefaults() Options {
	if o.Quiet == 0 {
		o.Quiet = defaultQuiet
	}
	if o.Least == 0 {
		o.Least = defaultLeast
	}
	return o
}
