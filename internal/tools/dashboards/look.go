package main

import (
	"strconv"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// rating is one of the five words, everywhere in the same colour. The colours keep their distance for people with any
// of the three kinds of colour blindness, and the word is always printed.
type rating struct {
	code  int // value of the recorded rating
	word  string
	color string
}

func ratings() []rating {
	return []rating{
		{0, "Unknown", unknownColor},
		{1, "Poor", poorColor},
		{2, "Fair", fairColor},
		{3, "Good", "#A3D9A5"},
		{4, "Excellent", goodColor},
	}
}

const (
	unknownColor = "#6B7785"
	poorColor    = "#C8374B"
	fairColor    = "#F0BE4A"
	goodColor    = "#1F6FB2" // of excellent: the strongest sign that all is well
)

// noData is what a panel says when its query gives nothing. No rating is called so: a broken query must not look like
// a channel that could not be measured.
const noData = "No data yet"

// state is a value, the word that stands for it and its colour.
type state struct {
	value int
	word  string
	color string
}

func mapping(states []state) []dashboard.ValueMapping {
	options := make(map[string]dashboard.ValueMappingResult)
	for i, s := range states {
		index := int32(i)
		options[strconv.Itoa(s.value)] = dashboard.ValueMappingResult{Text: &s.word, Color: &s.color, Index: &index}
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: options}}}
}

// steps has a threshold for each state: a timeline merges neighbours by threshold before it looks at mappings.
func steps(states []state) cog.Builder[dashboard.ThresholdsConfig] {
	all := []dashboard.Threshold{{Color: states[0].color}}
	for _, s := range states[1:] {
		from := float64(s.value) - 0.5
		all = append(all, dashboard.Threshold{Value: &from, Color: s.color})
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(all)
}

func ratingStates() []state {
	var states []state
	for _, r := range ratings() {
		states = append(states, state{r.code, r.word, r.color})
	}
	return states
}

// agreementStates are what the recorded state of an agreement says.
func agreementStates() []state {
	return []state{{0, "Broken", poorColor}, {1, "At risk", fairColor}, {2, "Kept", goodColor}, {3, "Too early", unknownColor}}
}

// bounds colours what lies above each of the bounds of a figure of which less is better.
func bounds(good, fair float64) cog.Builder[dashboard.ThresholdsConfig] {
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps([]dashboard.Threshold{
		{Color: unknownColor}, {Value: &good, Color: fairColor}, {Value: &fair, Color: poorColor},
	})
}

func byThresholds() cog.Builder[dashboard.FieldColor] {
	return dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)
}

// fixed paints everything in one colour.
func fixed(color string) cog.Builder[dashboard.FieldColor] {
	return dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdFixed).FixedColor(color)
}

// palette leaves the colours of lines to Grafana: they tell series apart and mean nothing.
func palette() cog.Builder[dashboard.FieldColor] {
	return dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdPaletteClassicByName)
}

// plain has one threshold without a meaning: without it Grafana would add its own green and red.
func plain() cog.Builder[dashboard.ThresholdsConfig] {
	return steps([]state{{0, "", unknownColor}})
}
