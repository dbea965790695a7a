package probe

import (
	"time"
)

// ChannelType is one of the closed list of ways in which customers meet a brand.
type ChannelType string

// The channel types.
const (
	DesktopWeb     ChannelType = "desktop_web"
	MobileWeb      ChannelType = "mobile_web"
	MobileApp      ChannelType = "mobile_app"
	Push           ChannelType = "push"
	DesktopDisplay ChannelType = "desktop_display"
	MobileDisplay  ChannelType = "mobile_display"
	Social         ChannelType = "social"
	Email          ChannelType = "email"
	Integration    ChannelType = "integration"
	Custom         ChannelType = "custom"
)

// ChannelTypes returns all types.
func ChannelTypes() []ChannelType {
	return []ChannelType{
		DesktopWeb, MobileWeb, MobileApp, Push, DesktopDisplay, MobileDisplay, Social, Email, Integration, Custom,
	}
}

// Tier says how much a touchpoint can pull its channel down.
type Tier string

// The tiers. A channel's score is never more than 20 above that of its weakest critical touchpoint.
const (
	Critical Tier = "critical"
	Standard Tier = "standard"
)

// Channel is a way in which customers meet the brand. It is immutable once loaded.
type Channel struct {
	Name        string // label: lower-case letters, digits, hyphens
	Title       string // for people
	Type        ChannelType
	OwnerIT     string
	OwnerMkt    string
	Objective   Objective
	Touchpoints []*Touchpoint
}

// Objective is the agreement that both owners signed: a score over a window, and when to look at it again.
type Objective struct {
	Score  float64       // 0–100; 0 means that there is no agreement
	Window time.Duration // 0 when there is none
	Review time.Time     // date; zero when there is none
}

// Touchpoint is one concrete thing of a channel that is probed. It is immutable once loaded.
type Touchpoint struct {
	Channel     string
	Name        string // unique within its channel
	Title       string // for people
	Kind        string
	Every       time.Duration
	Timeout     time.Duration
	Recheck     time.Duration // how long after a poor result it is probed once more; 0 means never
	Tier        Tier
	OnlyWhenDue bool    // never probed in between; see Kind.OnlyWhenDue and Profile.OnlyWhenDue
	Pair        string  // shared by the same page on two devices, in two channels; empty for none
	Weight      float64 // > 0, relative to the other touchpoints of the channel
	Limits      Limits
	AlsoIn      []string // other channels that its results count in too
	Home        string   // channel that it is probed for, of one that counts in another too; see In
	Built
	Fingerprint uint64 // of everything above: equal means unchanged over a reload
}

// Key identifies a touchpoint in an agent: "channel/touchpoint".
func (t *Touchpoint) Key() string { return t.Channel + "/" + t.Name }

// ProbedAs is the key of what is probed: its own, or that in its home.
func (t *Touchpoint) ProbedAs() string {
	if t.Home != "" {
		return t.Home + "/" + t.Name
	}
	return t.Key()
}

// In returns the touchpoint as it counts in another channel. It shares the prober of t, which probes for both.
func (t *Touchpoint) In(channel string) *Touchpoint {
	guest := *t
	guest.Channel, guest.Home, guest.AlsoIn, guest.Close = channel, t.Channel, nil, nil
	return &guest
}

// Limits are the upper bounds of a result's duration for each rating; slower than Fair is poor.
// The zero value means that speed is not rated.
type Limits struct {
	Excellent time.Duration
	Good      time.Duration
	Fair      time.Duration
}

// Rate returns the rating of a duration: Unknown when there are no limits.
func (l Limits) Rate(d time.Duration) Rating {
	switch {
	case l == Limits{}:
		return Unknown
	case d <= l.Excellent:
		return Excellent
	case d <= l.Good:
		return Good
	case d <= l.Fair:
		return Fair
	}
	return Poor
}
