package fcm

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// FCM counts a device that it has not seen for a month as stale, and takes no token after 270 days
// (firebase.google.com, managing registration tokens).
const (
	day        = 24 * time.Hour
	staleAge   = 30 * day
	expiredAge = 270 * day
)

// secretsOf returns a registration token and the part behind its colon, which is what proves anything.
func secretsOf(target string) []string {
	_, proof, _ := strings.Cut(target, ":")
	return []string{target, proof}
}

// record keeps what an exchange showed. The start of a body that was not complete can hold the first half of an access
// token, of which nothing else is known.
func (s *sending) record(resp *httpx.Response) {
	for _, exchange := range resp.Exchanges {
		if exchange.Status < http.StatusBadRequest {
			exchange.BodyStart = ""
		}
		s.exchanges = append(s.exchanges, exchange)
	}
}

// result completes the result of a probe, without secrets. fate is nil when no message was sent.
func (s *sending) result(r *probe.Result, fate *push.Fate) probe.Result {
	r.Start = s.start
	if fate == nil {
		r.Duration = time.Since(s.start)
	} else {
		s.assess(r, fate)
	}
	if s.answered != nil {
		r.NoteCertificate(s.answered.NotBefore, s.answered.NotAfter, s.start)
	}
	s.measure(r, push.TargetRefreshed, "", float64(s.refreshed.Unix()))
	if age := s.start.Sub(s.refreshed); age > staleAge && (fate == nil || !fate.Arrived()) {
		r.Findings = append(r.Findings, *stale(age))
	}
	r.Evidence = &probe.Evidence{Exchanges: s.exchanges, Events: s.events}
	probe.NewRedaction(s.secrets...).Hide(r)
	return *r
}

func (s *sending) measure(r *probe.Result, metric, label string, value float64) {
	r.Measurements = append(r.Measurements, probe.Measurement{Metric: metric, Label: label, Value: value})
}

// assess adds what a message's fate says of credential and device.
func (s *sending) assess(r *probe.Result, fate *push.Fate) {
	if f := r.Find(push.Unseen); f != nil {
		f.Detail = fmt.Sprintf("a dry run was taken after %v: credential, project and an Android device's token are good, and nothing was delivered",
			r.Duration.Round(time.Millisecond))
	}
	switch fate.Reply.Answer.Word {
	case push.Accepted:
		s.measure(r, push.CredentialOK, "", 1)
		s.measure(r, push.TargetValid, "", 1)
	case push.TargetGone, push.TargetInvalid:
		s.measure(r, push.CredentialOK, "", 1)
		s.measure(r, push.TargetValid, "", 0)
	case push.CredentialRejected:
		s.measure(r, push.CredentialOK, "", 0)
	}
	if !s.token.end.IsZero() {
		s.measure(r, push.CredentialExpiry, push.ExpiryAccessToken, float64(s.token.end.Unix()))
	}
}

// stale returns the finding on a device whose token is old. A device that has just confirmed a message has none.
func stale(age time.Duration) *probe.Finding {
	days := func(d time.Duration) int { return int(d / day) }
	what := fmt.Sprintf("FCM stops taking it after %d", days(expiredAge))
	if age > expiredAge {
		what = fmt.Sprintf("FCM takes none that was not seen for %d", days(expiredAge))
	}
	return probe.Findingf(push.Stale, "the token's file was written %d days ago, want at most %d; %s", days(age), days(staleAge), what)
}
