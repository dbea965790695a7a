package demo

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Fault is one thing that goes wrong in the shop.
type Fault struct {
	Name  string // as a Script names it
	Title string // for people
	Hits  []Hit  // what a probe sees while it is active
}

// Look reports whether only a browser sees the fault.
func (f *Fault) Look() bool { return strings.HasSuffix(f.Hits[0].Touchpoint, "/autumn") }

// webPush reports whether the fault is of the web push service.
func (f *Fault) webPush() bool { return f.Hits[0].Touchpoint == webPushNews }

// journey reports whether the fault is met on a customer's way only.
func (f *Fault) journey() bool {
	return slices.Contains([]string{orderJourney, wishJourney, signInJourney}, f.Hits[0].Touchpoint)
}

// The touchpoints that walk a customer's way.
const (
	orderJourney  = "mobile-app/order"
	wishJourney   = "mobile-app/wish-list"
	signInJourney = "desktop-web/sign-in"
)

// webPushNews is the touchpoint of the web push service.
const webPushNews = "push/news"

// Hit is the effect of a fault on one touchpoint.
type Hit struct {
	Touchpoint string       // "channel/touchpoint"
	Rating     probe.Rating // of a result that the fault decides
	Cause      probe.CheckID
}

// The names of the faults.
const (
	slowProducts      = "slow-products"
	searchDown        = "search-down"
	searchLoop        = "search-loop"
	wrongPrice        = "wrong-price"
	hiddenFromSearch  = "hidden-from-search"
	stagingCanonical  = "staging-canonical"
	basketHangs       = "basket-hangs"
	basketCut         = "basket-cut"
	loginDown         = "login-down"
	emptyCatalogue    = "empty-catalogue"
	certificateEnding = "certificate-ending"
	pushLate          = "push-late"
	pushLost          = "push-lost"
	pushTwice         = "push-twice"
	pushRejected      = "push-rejected"
	webPushLate       = "web-push-late"
	webPushLost       = "web-push-lost"
	webPushGarbled    = "web-push-garbled"
	webPushDown       = "web-push-down"
	basketForgets     = "basket-forgets"
	slowOrders        = "slow-orders"
	wishesLost        = "wishes-lost"
	formExpired       = "form-expired"
	slowHero          = "slow-hero"
	shiftingBanner    = "shifting-banner"
	strangeTag        = "strange-tag"
	busyScript        = "busy-script"
)

// Faults returns everything that can go wrong. Two faults that hit the same touchpoint at the same time are rated by
// the worse of the two.
func Faults() []Fault {
	const (
		poor = probe.Poor
		fair = probe.Fair
	)
	push := func(rating probe.Rating, cause probe.CheckID) []Hit {
		return []Hit{{"push/order-updates", rating, cause}, {"push/offers", rating, cause}}
	}
	looks := func(rating probe.Rating, cause probe.CheckID) []Hit {
		return []Hit{{"desktop-web/autumn", rating, cause}, {"mobile-web/autumn", rating, cause}}
	}
	return []Fault{
		{slowProducts, "Product pages answer slowly", []Hit{
			{"desktop-web/product", fair, probe.SlowServer}, {"mobile-web/product", fair, probe.SlowServer},
		}},
		{searchDown, "Search answers with an error page", []Hit{
			{"desktop-web/search", poor, "status_unexpected"}, {"mobile-web/search", poor, "status_unexpected"},
		}},
		{searchLoop, "Desktop search sends customers round in circles", []Hit{{"desktop-web/search", poor, probe.RedirectLoop}}},
		{wrongPrice, "The price of the best seller is shown as zero", []Hit{
			{"desktop-web/product", poor, "text_missing"}, {"mobile-web/product", poor, "text_missing"},
		}},
		{hiddenFromSearch, "A release shipped the noindex of the test system", []Hit{
			{"desktop-web/home", poor, "noindex_unexpected"}, {"mobile-web/home", poor, "noindex_unexpected"},
		}},
		{stagingCanonical, "Mobile product pages name the staging system as canonical", []Hit{
			{"mobile-web/product", fair, "canonical_wrong"},
		}},
		{basketHangs, "The desktop basket never answers", []Hit{{"desktop-web/basket", poor, probe.ResponseTimeout}}},
		{basketCut, "The app's basket is cut off", []Hit{{"mobile-app/basket", poor, probe.BodyTruncated}}},
		{loginDown, "Nobody can log in to the app", []Hit{{"mobile-app/login", poor, "status_unexpected"}}},
		{emptyCatalogue, "The app's catalogue is empty", []Hit{{"mobile-app/catalogue", poor, "json_unexpected"}}},
		{certificateEnding, "The certificate of the app's API was not renewed", []Hit{
			{"mobile-app/catalogue", fair, probe.CertificateOverdue},
			{"mobile-app/login", fair, probe.CertificateOverdue},
			{"mobile-app/basket", fair, probe.CertificateOverdue},
		}},
		{pushLate, "Push messages arrive late", push(fair, "message_late")},
		{pushLost, "Push messages are accepted and lost", push(poor, "message_lost")},
		// A repeat usually comes when its own probe is over, and is seen by the next one.
		{pushTwice, "Push messages arrive twice", push(fair, "message_duplicated")},
		{pushRejected, "The push quota is used up", push(poor, "push_rate_limited")},
		{webPushLate, "News reach browsers late", []Hit{{webPushNews, fair, "message_late"}}},
		{webPushLost, "News for browsers are accepted and lost", []Hit{{webPushNews, poor, "message_lost"}}},
		{webPushGarbled, "News reach browsers garbled, so that they cannot be shown", []Hit{{webPushNews, poor, "message_corrupted"}}},
		{webPushDown, "The web push service is out of order", []Hit{{webPushNews, poor, "push_provider_failed"}}},
		{basketForgets, "The app's basket forgets what is put into it", []Hit{{orderJourney, poor, "assertion_poor"}}},
		{slowOrders, "The app's search takes longer than customers should wait", []Hit{{orderJourney, fair, "journey_step_slow"}}},
		{wishesLost, "The app loses what customers put on their wish list", []Hit{{wishJourney, poor, "status_unexpected"}}},
		{formExpired, "The form to sign in has always expired", []Hit{{signInJourney, poor, "status_unexpected"}}},
		{slowHero, "The picture of the autumn sale is slow", looks(fair, probe.SlowContent)},
		{shiftingBanner, "A banner pushes the autumn sale down", looks(fair, "layout_shift")},
		{strangeTag, "The autumn sale loads a tag that nobody approved", looks(fair, "unapproved_site")},
		{busyScript, "A script keeps the autumn sale busy", looks(fair, "blocking_scripts")},
	}
}

// Script says when which fault is active. It is a function of the time since the shop started, and repeats.
type Script struct {
	Every    time.Duration // length of one round; 0 means that it is played once
	Episodes []Episode
}

// Episode is one active fault, from From until just before Until, since the start of a round.
type Episode struct {
	Fault       string // Fault.Name
	From, Until time.Duration
}

// DefaultScript returns a quarter of an hour in which everything goes wrong once and each channel has quiet times.
func DefaultScript() Script {
	at := func(fault string, from, until int) Episode {
		return Episode{fault, time.Duration(from) * time.Second, time.Duration(until) * time.Second}
	}
	return Script{Every: 15 * time.Minute, Episodes: []Episode{
		at(slowProducts, 20, 65),
		at(searchDown, 90, 135),
		at(pushLate, 150, 210),
		at(hiddenFromSearch, 240, 285),
		at(loginDown, 300, 345),
		at(pushLost, 360, 420),
		at(wrongPrice, 435, 480),
		at(certificateEnding, 495, 555),
		at(basketHangs, 570, 615),
		at(emptyCatalogue, 630, 675),
		at(pushRejected, 660, 705),
		at(searchLoop, 690, 735),
		at(stagingCanonical, 750, 795),
		at(basketCut, 780, 825),
		at(pushTwice, 810, 855),
		at(webPushLate, 75, 205), // these are looked at once a minute, so they last longer
		at(webPushLost, 285, 415),
		at(webPushGarbled, 495, 625),
		at(webPushDown, 705, 835),
		at(basketForgets, 90, 190),
		at(slowOrders, 510, 610),
		at(formExpired, 285, 415),
		at(wishesLost, 705, 835),
		at(slowHero, 60, 210),
		at(shiftingBanner, 270, 420),
		at(strangeTag, 480, 630),
		at(busyScript, 690, 840),
	}}
}

// ActiveAt returns the names of the faults that are active at a time since the start, sorted.
func (s *Script) ActiveAt(since time.Duration) []string {
	if s.Every > 0 {
		since %= s.Every
	}
	var active []string
	for _, e := range s.Episodes {
		if e.From <= since && since < e.Until && !slices.Contains(active, e.Fault) {
			active = append(active, e.Fault)
		}
	}
	slices.Sort(active)
	return active
}

// validate returns an error for an episode that could never be played.
func (s *Script) validate() error {
	known := make(map[string]bool)
	for _, fault := range Faults() {
		known[fault.Name] = true
	}
	for i, e := range s.Episodes {
		switch {
		case !known[e.Fault]:
			return fmt.Errorf("episode %d: no fault is named %q", i, e.Fault)
		case e.From < 0 || e.Until <= e.From:
			return fmt.Errorf("episode %d: from %v until %v, want a start before its end", i, e.From, e.Until)
		case s.Every > 0 && e.Until > s.Every:
			return fmt.Errorf("episode %d: until %v is after the round of %v", i, e.Until, s.Every)
		}
	}
	return nil
}
