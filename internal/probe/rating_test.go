package probe_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestRating_WordsAndValues(t *testing.T) {
	t.Parallel()
	want := []string{"unknown", "poor", "fair", "good", "excellent"}
	for i, rating := range probe.Ratings() {
		if rating.String() != want[i] || int(rating) != i {
			t.Errorf("got %v with value %d, want %s with value %d", rating, rating, want[i], i)
		}
	}
	if len(probe.Ratings()) != len(want) {
		t.Errorf("got %d ratings, want %d", len(probe.Ratings()), len(want))
	}
	if got := probe.Rating(9).String(); got != "rating(9)" {
		t.Errorf("got %q, want rating(9)", got)
	}
}

func TestDimension_WordsInTieBreakingOrder(t *testing.T) {
	t.Parallel()
	want := []string{"reachable", "correct", "fast", "trusted"}
	for i, dimension := range probe.Dimensions() {
		if dimension.String() != want[i] || int(dimension) != i {
			t.Errorf("got %v with value %d, want %s with value %d", dimension, dimension, want[i], i)
		}
	}
	if len(probe.Dimensions()) != int(probe.NumDimensions) || len(want) != int(probe.NumDimensions) {
		t.Errorf("got %d dimensions, want %d", len(probe.Dimensions()), probe.NumDimensions)
	}
	if got := probe.NumDimensions.String(); got != "dimension(4)" {
		t.Errorf("got %q, want dimension(4)", got)
	}
}

func TestWords_SurviveJSON(t *testing.T) {
	t.Parallel()
	type words struct {
		Rating    probe.Rating
		Dimension probe.Dimension
	}
	for _, rating := range probe.Ratings() {
		for _, dimension := range probe.Dimensions() {
			data, err := json.Marshal(words{rating, dimension})
			if err != nil {
				t.Fatal(err)
			}
			if want := `{"Rating":"` + rating.String() + `","Dimension":"` + dimension.String() + `"}`; string(data) != want {
				t.Errorf("got %s, want %s", data, want)
			}
			var got words
			if err := json.Unmarshal(data, &got); err != nil || got != (words{rating, dimension}) {
				t.Errorf("got %+v and error %v from %s", got, err, data)
			}
		}
	}
	var rating probe.Rating
	if err := rating.UnmarshalText([]byte("splendid")); err == nil || err.Error() != `rating "splendid": want one of [unknown poor fair good excellent]` {
		t.Errorf("got %v, want an error that lists the ratings", err)
	}
	var dimension probe.Dimension
	if err := dimension.UnmarshalText([]byte("cheap")); err == nil || err.Error() != `dimension "cheap": want one of [reachable correct fast trusted]` {
		t.Errorf("got %v, want an error that lists the dimensions", err)
	}
}

func TestLimits_Rate(t *testing.T) {
	t.Parallel()
	limits := probe.Limits{Excellent: 10 * time.Millisecond, Good: 20 * time.Millisecond, Fair: 30 * time.Millisecond}
	tests := []struct {
		limits   probe.Limits
		duration time.Duration
		want     probe.Rating
	}{
		{limits, 0, probe.Excellent},
		{limits, 10 * time.Millisecond, probe.Excellent},
		{limits, 10*time.Millisecond + 1, probe.Good},
		{limits, 20 * time.Millisecond, probe.Good},
		{limits, 20*time.Millisecond + 1, probe.Fair},
		{limits, 30 * time.Millisecond, probe.Fair},
		{limits, 30*time.Millisecond + 1, probe.Poor},
		{probe.Limits{}, 0, probe.Unknown},
		{probe.Limits{}, time.Hour, probe.Unknown},
		{probe.Limits{Fair: time.Second}, time.Millisecond, probe.Fair},
	}
	for _, tt := range tests {
		if got := tt.limits.Rate(tt.duration); got != tt.want {
			t.Errorf("%v within %+v: got %v, want %v", tt.duration, tt.limits, got, tt.want)
		}
	}
}

func TestTouchpoint_Key(t *testing.T) {
	t.Parallel()
	touchpoint := probe.Touchpoint{Channel: "mobile-web", Name: "home"}
	if got := touchpoint.Key(); got != "mobile-web/home" {
		t.Errorf("got %q, want mobile-web/home", got)
	}
}

func TestChannelTypes_AreTheClosedList(t *testing.T) {
	t.Parallel()
	want := []probe.ChannelType{
		"desktop_web", "mobile_web", "mobile_app", "push", "desktop_display", "mobile_display", "social", "email", "integration", "custom",
	}
	if diff := cmp.Diff(want, probe.ChannelTypes()); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
}
