package view

import "github.com/channelwatch/channelwatch/internal/probe"

// Loads is what a browser saw of a page through the range.
type Loads struct {
	Vitals  []VitalOverTime `json:"vitals,omitempty"`            // what one in four loads of the hour before took longer than (p75)
	Parties []PartyOverTime `json:"party_bytes,omitempty"`       // first, then third
	Sites   []Point         `json:"third_party_sites,omitempty"` // mean number of sites of others
}

// VitalOverTime is one figure of how a page loads.
type VitalOverTime struct {
	Vital probe.Vital `json:"vital"` // ttfb, fcp or lcp
	Line  []Point     `json:"line"`  // seconds
}

// PartyOverTime is what a page loads from one side.
type PartyOverTime struct {
	Party string  `json:"party"` // first or third
	Line  []Point `json:"line"`  // mean bytes of a load
}

// PairSide is one of several touchpoints that show the same page on different devices.
type PairSide struct {
	Channel      string       `json:"channel"`
	ChannelTitle string       `json:"channel_title"`
	ChannelType  string       `json:"channel_type"`
	Touchpoint   string       `json:"touchpoint"`
	Title        string       `json:"title"`
	Rating       probe.Rating `json:"rating"`
	Seconds      *float64     `json:"lcp_seconds,omitempty"` // Largest Contentful Paint, p75 of an hour
	Bytes        *float64     `json:"bytes,omitempty"`       // of the last load
	Requests     *float64     `json:"requests,omitempty"`    // of the last load
}

// Field is what customers' browsers told of a group of pages on one kind of device over a day, beside what the probes of
// the touchpoint of the same name measured. What browsers tell can be forged by anybody.
type Field struct {
	Group  string       `json:"page_group"`
	Device string       `json:"device"`          // mobile, desktop, tablet or other
	Title  string       `json:"title,omitempty"` // of the touchpoint; absent when there is none
	Limits *Limits      `json:"-"`               // of the touchpoint, which rate its LCP; nil when they are not known
	Vitals []FieldVital `json:"vitals"`          // in the order LCP, INP, CLS, FCP, TTFB
}

// FieldVital is one figure, at customers' and by our probes: what three of four loads keep below. Seconds, but for cls.
type FieldVital struct {
	Vital     probe.Vital  `json:"vital"`
	Value     float64      `json:"value"`
	Rating    probe.Rating `json:"rating"`
	Count     float64      `json:"count"` // of visits that it rests on
	Lab       *float64     `json:"lab,omitempty"`
	LabRating probe.Rating `json:"lab_rating"`
}
