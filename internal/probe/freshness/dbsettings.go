package freshness

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// The drivers, as users write them. Their default ports are IANA's.
const (
	driverPostgres = "postgres"
	driverMySQL    = "mysql"
	driverSQLite   = "sqlite"

	portPostgres = 5432
	portMySQL    = 3306
)

func (v *validation) sql() {
	b := v.SQL
	v.checkQuery()
	switch b.Driver {
	case driverSQLite:
		if !filepath.IsAbs(b.Database) {
			v.wrong("sql.database", "%q, want the absolute path of a file", b.Database)
		}
		if b.Address+b.Username != "" || !b.Password.IsZero() {
			v.wrong("sql.address", "address, username and password are not for %s, want none", driverSQLite)
		}
		v.source = newDisk(newSQLite(b), "SELECT", b.Database)
		v.local(b.Database)
	case driverPostgres:
		v.database(portPostgres)
	case driverMySQL:
		v.database(portMySQL)
	default:
		v.wrong("sql.driver", "%q, want %s, %s or %s", b.Driver, driverPostgres, driverMySQL, driverSQLite)
	}
}

// checkQuery keeps a query what it has to be. That it does not write is the database's to see to: the transaction is
// read-only.
func (v *validation) checkQuery() {
	query := strings.TrimSpace(v.SQL.Query)
	first, _, _ := strings.Cut(strings.ToUpper(strings.Join(strings.Fields(query), " ")), " ")
	switch {
	case first != "SELECT" && first != "WITH":
		v.wrong("sql.query", "begins with %q, want SELECT or WITH", clip(first))
	case strings.Contains(query, ";"):
		v.wrong("sql.query", "has a semicolon, want one SELECT without")
	case len(query) > maxQuery:
		v.wrong("sql.query", "has %d bytes, want at most %d", len(query), maxQuery)
	}
}

// database builds a source that is asked over the network.
func (v *validation) database(port uint16) {
	b := v.SQL
	if b.Database == "" {
		v.wrong("sql.database", "missing, want the name of a database")
	}
	if b.Username == "" {
		v.wrong("sql.username", "missing, want a user that may read what the query reads")
	}
	var password string
	if !b.Password.IsZero() {
		var err error
		if password, err = b.Password.Read(); err != nil {
			v.wrong("sql.password", "%w", err)
		}
		v.hidden = append(v.hidden, password)
	}
	d := &database{}
	var err error
	if d.endpoint, err = httpx.ParseEndpoint(b.Address, port); err != nil {
		v.wrong("sql.address", "%w", err)
	}
	d.url = b.Driver + "://" + d.endpoint.String() + "/" + b.Database
	resolver := v.Resolver
	if resolver != "" && !isHostPort(resolver) {
		v.wrong("resolver", "%q, want host:port", resolver)
		resolver = ""
	}
	if d.client, err = httpx.New(httpx.Options{Timeout: v.setup.Timeout, Resolver: resolver}); err != nil {
		v.errs = append(v.errs, err)
	}
	var secure *tls.Config
	if !b.Plaintext {
		secure = v.secure(d.endpoint.Host)
	}
	if b.Driver == driverMySQL {
		d.driver = newMySQL(b, d.endpoint, password, secure)
	} else if d.driver, err = newPostgres(b, d.endpoint, password, secure); err != nil {
		v.wrong("sql.driver", "%w", err)
	}
	v.source = d
	v.profile.Target, v.profile.URL = d.endpoint.String(), d.url
	if _, err := netip.ParseAddr(d.endpoint.Host); err != nil {
		v.profile.Phases = append(v.profile.Phases, probe.Resolve)
	}
	v.profile.Phases = append(v.profile.Phases, probe.Connect, probe.Wait)
}

// secure returns how drivers verify a database.
func (v *validation) secure(host string) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if v.TLS.ServerName != "" {
		config.ServerName = v.TLS.ServerName
	}
	if v.TLS.CAFile != "" {
		pem, err := os.ReadFile(v.TLS.CAFile)
		config.RootCAs = x509.NewCertPool()
		switch {
		case err != nil:
			v.wrong("tls.ca_file", "%w", err)
		case !config.RootCAs.AppendCertsFromPEM(pem):
			v.wrong("tls.ca_file", "%s has no PEM certificate", v.TLS.CAFile)
		}
	}
	if v.TLS.CertFile != "" || v.TLS.KeyFile != "" {
		pair, err := tls.LoadX509KeyPair(v.TLS.CertFile, v.TLS.KeyFile)
		if err != nil {
			v.wrong("tls.cert_file", "%w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}
