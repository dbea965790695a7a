package fcm

import (
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

func checks() []probe.Check {
	return push.Checks(append(push.ConfirmedOutcomes(true), push.Stale)...)
}

// health are the metrics of credential and target, whoever sees messages arrive.
func health() []string {
	return []string{push.SkippedTotal, push.CredentialOK, push.CredentialExpiry, push.TargetValid, push.TargetRefreshed}
}

func metrics() []probe.Metric {
	return append(probe.CertificateMetrics(), push.Metrics(metricNames(true, false)...)...)
}

// metricNames returns what a touchpoint exports.
func metricNames(watched, secure bool) []string {
	names := push.Names(false)
	if watched {
		names = push.ConfirmedNames()
	}
	names = append(names, health()...)
	if secure {
		names = append(names, probe.CertificateNotAfter, probe.CertificateNotBefore)
	}
	return names
}
