package webpush

import (
	"slices"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// refused is the kind's own check; those of names, connections, TLS and messages are shared.
const refused probe.CheckID = "push_receiver_refused"

func checks() []probe.Check {
	return append(push.Checks(append(push.Outcomes(true, true), push.Disconnected)...), probe.Check{
		ID: refused, Dimension: probe.Reachable, Cap: probe.Poor, Title: "sign-up refused",
		Marketing: "The messaging service does not let browsers in, so no messages reach customers.",
		IT:        "The push service refused the receiver's connection or registration; see the detail, and check its address, and the key of the sender.",
	})
}

func metrics() []probe.Metric {
	own := []string{
		push.ReceiverUp, push.ReceiverReconnects, push.SkippedTotal, push.CredentialOK, push.TargetValid, push.TargetRefreshed,
	}
	return append(probe.CertificateMetrics(), push.Metrics(append(push.Names(true), own...)...)...)
}

// metricNames returns what a touchpoint with these settings exports.
func (s *settings) metricNames() []string {
	names := push.Names(s.receive == bySelf)
	if s.receive == byReceipt {
		names = push.ConfirmedNames()
	}
	names = append(names, push.SkippedTotal, push.TargetValid)
	if s.vapid != nil {
		names = append(names, push.CredentialOK)
	}
	if s.receive == bySelf {
		names = append(names, push.ReceiverUp, push.ReceiverReconnects)
	} else {
		names = append(names, push.TargetRefreshed)
	}
	if s.secure {
		names = append(names, probe.CertificateNotAfter, probe.CertificateNotBefore)
	}
	return slices.Clip(names)
}
