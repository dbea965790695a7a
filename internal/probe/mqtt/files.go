package mqtt

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/netip"
	"os"
	"regexp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// apply reads the files into the TLS configurations of the ends that have one. It returns the client certificate, nil
// when there is none.
func (t tlsFiles) apply(ends ...*endpoint) (*x509.Certificate, error) {
	if t == (tlsFiles{}) {
		return nil, nil
	}
	var errs []error
	var roots *x509.CertPool
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		roots = x509.NewCertPool()
		switch {
		case err != nil:
			errs = append(errs, probe.Fieldf("tls.ca_file", "%w", err))
		case !roots.AppendCertsFromPEM(pem):
			errs = append(errs, probe.Fieldf("tls.ca_file", "no certificate in %s, want PEM", t.CAFile))
		}
	}
	var own []tls.Certificate
	switch {
	case (t.CertFile == "") != (t.KeyFile == ""):
		errs = append(errs, probe.Fieldf("tls", "cert_file and key_file need each other"))
	case t.CertFile != "":
		if err := push.CheckPrivate("tls.key_file", t.KeyFile); err != nil {
			errs = append(errs, err)
		}
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			errs = append(errs, probe.Fieldf("tls.cert_file", "%w", err))
		}
		own = append(own, pair)
	}
	if t.ServerName != "" && !isHost(t.ServerName) {
		errs = append(errs, probe.Fieldf("tls.server_name", "%q is neither a host name nor an address", t.ServerName))
	}
	secure := false
	for _, end := range ends {
		if end.tls == nil {
			continue
		}
		secure = true
		end.tls = end.tls.Clone()
		end.tls.RootCAs, end.tls.Certificates = roots, own
		if t.ServerName != "" {
			end.tls.ServerName = t.ServerName
		}
	}
	if !secure {
		errs = append(errs, probe.Fieldf("tls", "set for a URL without TLS, want mqtts://"))
	}
	if len(own) == 0 {
		return nil, errors.Join(errs...)
	}
	return own[0].Leaf, errors.Join(errs...)
}

// isHost reports whether a certificate could be for this name: letters, digits, hyphens and underscores between dots.
func isHost(name string) bool {
	const maxHost = 253 // RFC 1035, section 2.3.4, without the length bytes at both ends
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	host, err := regexp.MatchString(`^([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?$`, name)
	return err == nil && host && len(name) <= maxHost
}
