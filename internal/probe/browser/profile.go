package browser

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// The names of the profiles.
const (
	desktop    = "desktop"
	mobile     = "mobile"
	mobileSlow = "mobile-slow"
	native     = "native"
)

// lighthouse is the word for throttling in the browser, as Lighthouse does it.
const lighthouse = "lighthouse"

// profile is a device and the network that it is on.
type profile struct {
	name          string
	width, height int     // of the viewport, in CSS pixels
	ratio         float64 // device pixels for each of them
	phone         bool    // has a touch screen and says that it is mobile
	network       network
	devTools      network       // what Lighthouse tells DevTools instead; its delay is one for each request
	expected      time.Duration // of one load of a page of common weight until it has come to rest; an estimate
}

// network is what a profile adds to the network of the agent. The zero value adds nothing.
type network struct {
	delay    time.Duration // for each round trip
	down, up int64         // bit/s
}

// profiles returns all profiles. Viewports are those of Lighthouse 13 (core/config/constants.js), networks the nominal
// values of its throttling constants desktopDense4G, mobileSlow4G and mobileRegular3G. To DevTools it gives 3.75 times the
// delay and 0.9 times the rates, so that pages load about as slowly; its desktop is not slowed down there.
func profiles() []profile {
	const (
		kbit  = 1000
		octet = 8 // bit
	)
	dense4G := network{40 * time.Millisecond, 10_240 * kbit, 10_240 * kbit}
	slow4G := network{150 * time.Millisecond, 1_638_400, 750 * kbit}
	slow4GTold := network{562_500 * time.Microsecond, 184_320 * octet, 86_400 * octet}
	regular3G := network{300 * time.Millisecond, 700 * kbit, 700 * kbit}
	regular3GTold := network{1125 * time.Millisecond, 80_640 * octet, 80_640 * octet}
	return []profile{
		{name: desktop, width: 1350, height: 940, ratio: 1, network: dense4G, expected: 9 * time.Second},
		{name: mobile, width: 412, height: 823, ratio: 1.75, phone: true, network: slow4G, devTools: slow4GTold, expected: 14 * time.Second},
		{name: mobileSlow, width: 412, height: 823, ratio: 1.75, phone: true, network: regular3G, devTools: regular3GTold, expected: 26 * time.Second},
		{name: native, width: 1350, height: 940, ratio: 1, expected: 8 * time.Second},
	}
}

// profileNamed returns the profile with a name.
func profileNamed(name string) (profile, bool) {
	for _, p := range profiles() {
		if p.name == name {
			return p, true
		}
	}
	return profile{}, false
}

// defaultProfile returns the name of the profile that customers of a channel have.
func defaultProfile(t probe.ChannelType) string {
	if onPhones(t) {
		return mobile
	}
	return desktop
}

// onPhones reports whether a channel is met on phones.
func onPhones(t probe.ChannelType) bool {
	switch t {
	case probe.MobileWeb, probe.MobileApp, probe.MobileDisplay:
		return true
	}
	return false
}
