package tls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// prober makes one handshake for each probe. It is immutable.
type prober struct {
	client *httpx.Client
	to     httpx.Endpoint
	url    string
	names  []string
	issuer string
	oldest uint16 // version
}

// Probe makes the handshake and looks at what it showed.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	line, err := p.client.Open(ctx, p.to)
	if err != nil {
		return probe.Result{}, err
	}
	defer line.Close()
	result := line.Result("HANDSHAKE", p.url)
	if conn, ok := line.Conn.(*tls.Conn); ok {
		p.look(&result, conn.ConnectionState())
	}
	return result, nil
}

// look adds what is wrong with a handshake that succeeded.
func (p *prober) look(result *probe.Result, state tls.ConnectionState) {
	leaf := state.PeerCertificates[0]
	add := func(check probe.CheckID, format string, args ...any) {
		result.Findings = append(result.Findings, *probe.Findingf(check, format, args...))
	}
	if state.Version < p.oldest {
		add(weakVersion, "server's best is %s, want %s or newer", tls.VersionName(state.Version), tls.VersionName(p.oldest))
	}
	if missing := p.missing(leaf); len(missing) > 0 {
		add(missingName, "certificate is not valid for %s", probe.Clip(strings.Join(missing, ", "), maxShown))
	}
	issuer := leaf.Issuer.String()
	if !strings.Contains(strings.ToLower(issuer), strings.ToLower(p.issuer)) {
		add(otherIssuer, "issued by %s, want %q in it", probe.Clip(issuer, maxShown), p.issuer)
	}
	share := float64(leaf.NotAfter.Sub(result.Start)) / float64(leaf.NotAfter.Sub(leaf.NotBefore))
	result.Detail = fmt.Sprintf("%s, %s, valid until %s: %.0f %% of its lifetime left", tls.VersionName(state.Version),
		tls.CipherSuiteName(state.CipherSuite), leaf.NotAfter.UTC().Format("2006-01-02 15:04 MST"), max(0, share)*100)
}

// maxShown bounds texts of certificates in details, in bytes.
const maxShown = 300

// missing returns the names that a certificate is not valid for. A wildcard is looked for as it stands.
func (p *prober) missing(leaf *x509.Certificate) []string {
	var missing []string
	for _, name := range p.names {
		wildcard := strings.HasPrefix(name, "*.")
		listed := slices.ContainsFunc(leaf.DNSNames, func(n string) bool { return strings.EqualFold(n, name) })
		if wildcard && !listed || !wildcard && leaf.VerifyHostname(name) != nil {
			missing = append(missing, name)
		}
	}
	return missing
}
