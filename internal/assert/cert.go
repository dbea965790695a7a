package assert

import (
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// CertRule is how long the server's certificate must be valid, counted from the start of the probe.
type CertRule struct {
	MinLeft time.Duration `yaml:"min_left" required:"true" doc:"Shortest time until the certificate ends, such as 21d."`
}

// day is what lifetimes of certificates are counted in.
const day = 24 * time.Hour

func (r *CertRule) compile(field string) (test, error) {
	least := r.MinLeft
	if least <= 0 {
		return nil, probe.Fieldf(field+".min_left", "%v, want more than 0", least)
	}
	return func(s *subject) (string, error) {
		if s.NotAfter.IsZero() {
			return fmt.Sprintf("no certificate, want one with at least %s left", days(least)), nil
		}
		left := s.NotAfter.Sub(s.Start)
		if left >= least {
			return "", nil
		}
		return fmt.Sprintf("certificate ends %s: %s left, want at least %s", s.NotAfter.UTC().Format(time.RFC3339), days(left), days(least)), nil
	}, nil
}

func days(d time.Duration) string { return fmt.Sprintf("%.2f days", d.Hours()/day.Hours()) }
