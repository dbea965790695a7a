package freshness_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/freshness"
)

func TestBuild_Mistakes(t *testing.T) {
	t.Setenv("TEST_PASSWORD", postgresPassword)
	file := func(c *freshness.Config) { c.File = &freshness.FileBlock{Path: "/feed.xml"} }
	web := func(change func(*freshness.HTTPBlock)) func(*freshness.Config) {
		return func(c *freshness.Config) {
			c.HTTP = &freshness.HTTPBlock{URL: "https://a.example/", JSONPath: "$.a"}
			change(c.HTTP)
		}
	}
	database := func(change func(*freshness.SQLBlock)) func(*freshness.Config) {
		return func(c *freshness.Config) {
			c.SQL = freshness.NewSQL("postgres", "a.example", "SELECT 1")
			change(c.SQL)
		}
	}
	cases := map[string]struct {
		change func(*freshness.Config)
		want   string
	}{
		"no source":    {func(*freshness.Config) {}, "want exactly one of http, file and sql"},
		"two sources":  {func(c *freshness.Config) { file(c); database(func(*freshness.SQLBlock) {})(c) }, "want exactly one of http, file and sql"},
		"no value":     {func(c *freshness.Config) { file(c); c.Value = "date" }, `value: "date", want time or age`},
		"no zone":      {func(c *freshness.Config) { file(c); c.Zone = "Berlin" }, `zone: "Berlin", want a time zone such as Europe/Berlin`},
		"a local zone": {func(c *freshness.Config) { file(c); c.Zone = "Local" }, `zone: "Local", want a time zone such as Europe/Berlin`},
		"no warning":   {func(c *freshness.Config) { file(c); c.Warn = 0 }, "error: 24h0m0s and warn 0s, want warn above 0 and error at least warn"},
		"the wrong way round": {
			func(c *freshness.Config) { file(c); c.Error = time.Minute },
			"error: 1m0s and warn 1h0m0s, want warn above 0 and error at least warn",
		},
		"behind":            {func(c *freshness.Config) { file(c); c.Ahead = -1 }, "ahead: -1ns, want none below 0"},
		"a relative file":   {func(c *freshness.Config) { c.File = &freshness.FileBlock{Path: "feed.xml"} }, `file.path: "feed.xml", want an absolute path`},
		"sizes":             {func(c *freshness.Config) { file(c); c.File.MinSize, c.File.MaxSize = 2, 1 }, "file.max_size: 1 and min_size 2, want max_size 0 or at least min_size"},
		"a password in URL": {web(func(b *freshness.HTTPBlock) { b.URL = "https://u:hunter2@a.example/" }), "http.url: holds credentials, want them in secret_headers as Authorization"},
		"no path": {
			web(func(b *freshness.HTTPBlock) { b.JSONPath = "a" }),
			`http.jsonpath: "a": jsonpath: unexpected identifier at position 1, want an RFC 9535 path such as $.items[0].price`,
		},
		"no resolver":   {func(c *freshness.Config) { web(func(*freshness.HTTPBlock) {})(c); c.Resolver = "x" }, `resolver: "x", want host:port`},
		"no resolver 2": {func(c *freshness.Config) { database(func(*freshness.SQLBlock) {})(c); c.Resolver = "x" }, `resolver: "x", want host:port`},
		"a driver":      {database(func(b *freshness.SQLBlock) { b.Driver = "oracle" }), `sql.driver: "oracle", want postgres, mysql or sqlite`},
		"a write":       {database(func(b *freshness.SQLBlock) { b.Query = " delete from orders" }), `sql.query: begins with "DELETE", want SELECT or WITH`},
		"two queries":   {database(func(b *freshness.SQLBlock) { b.Query = "SELECT 1; DROP TABLE orders" }), "sql.query: has a semicolon, want one SELECT without"},
		"a long query":  {database(func(b *freshness.SQLBlock) { b.Query = "SELECT " + strings.Repeat("1", 16<<10) }), "sql.query: has 16391 bytes, want at most 16384"},
		"no database":   {database(func(b *freshness.SQLBlock) { b.Database = "" }), "sql.database: missing, want the name of a database"},
		"no user":       {database(func(b *freshness.SQLBlock) { b.Username = "" }), "sql.username: missing, want a user that may read what the query reads"},
		"no password":   {database(func(b *freshness.SQLBlock) { b.Password.Env = "TEST_NONE" }), "sql.password: environment variable TEST_NONE is not set"},
		"a URL":         {database(func(b *freshness.SQLBlock) { b.Address = "postgres://u:hunter2@a.example/" }), "sql.address: want host:port, without anything else"},
		"a relative database": {func(c *freshness.Config) {
			c.SQL = &freshness.SQLBlock{Driver: "sqlite", Database: "shop.db", Query: "SELECT 1"}
		}, `sql.database: "shop.db", want the absolute path of a file`},
		"a login to a file": {func(c *freshness.Config) {
			c.SQL = &freshness.SQLBlock{Driver: "sqlite", Database: "/shop.db", Query: "SELECT 1", Username: "u"}
		}, "sql.address: address, username and password are not for sqlite, want none"},
		"no authority": {func(c *freshness.Config) {
			database(func(b *freshness.SQLBlock) { b.Plaintext = false })(c)
			c.TLS.CAFile = "/nowhere"
		}, "tls.ca_file: open /nowhere: no such file or directory"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := build(t, c.change)
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestBuild_Profile(t *testing.T) {
	t.Setenv("TEST_PASSWORD", postgresPassword)
	cases := map[string]struct {
		change func(*freshness.Config)
		want   probe.Profile
	}{
		"document": {func(c *freshness.Config) {
			c.HTTP = &freshness.HTTPBlock{URL: "https://a.example/last?key=hunter2", JSONPath: "$.a"}
		}, probe.Profile{
			Target: "a.example:443", URL: "https://a.example/last?key=xxx", TLS: true,
			Phases:  []probe.Phase{probe.Resolve, probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Receive},
			Metrics: []string{"freshness_age_seconds", probe.CertificateNotAfter, probe.CertificateNotBefore},
		}},
		"file": {func(c *freshness.Config) { c.File = &freshness.FileBlock{Path: "/feed.xml"} }, probe.Profile{
			Target: "localhost:0", URL: "file:///feed.xml", Phases: []probe.Phase{probe.Wait},
			Metrics: []string{"freshness_age_seconds", "freshness_file_bytes"},
		}},
		"database": {asks("mysql", "a.example", "SELECT 1"), probe.Profile{
			Target: "a.example:3306", URL: "mysql://a.example:3306/postgres", Phases: []probe.Phase{probe.Resolve, probe.Connect, probe.Wait},
			Metrics: []string{"freshness_age_seconds"},
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			built, err := build(t, c.change)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, built.Profile); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
