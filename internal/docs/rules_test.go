package docs_test

import (
	"slices"
	"testing"

	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// TestDeliveries_HaveBucketsAtTheirLimits looks for a default limit inside of a bucket: what is estimated there is rated
// worse than it was.
func TestDeliveries_HaveBucketsAtTheirLimits(t *testing.T) {
	buckets := push.Metrics(push.DeliveryDuration)[0].Buckets
	// Without a block fcm asks for acceptance alone. With one its limits are those of the other canaries, as of apns.
	limits := map[string]probe.Limits{}
	for _, kind := range kinds.All() {
		if slices.ContainsFunc(kind.Metrics, func(m probe.Metric) bool { return m.Name == push.DeliveryDuration }) && kind.Name != "fcm" {
			limits[kind.Name] = kind.Limits(probe.Push)
		}
	}
	if len(limits) < 5 {
		t.Fatalf("limits of %d kinds that deliver messages, want five", len(limits))
	}
	for kind, l := range limits {
		for _, bound := range []float64{l.Excellent.Seconds(), l.Good.Seconds(), l.Fair.Seconds()} {
			if !slices.Contains(buckets, bound) {
				t.Errorf("%s: a default limit is %v s, want a bucket there: %v", kind, bound, buckets)
			}
		}
	}
}
