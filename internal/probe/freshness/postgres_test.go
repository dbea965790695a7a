package freshness_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/freshness"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

// asks is a change that asks a database on loopback without TLS.
func asks(driver, address, query string) func(*freshness.Config) {
	return func(c *freshness.Config) {
		c.SQL = freshness.NewSQL(driver, address, query)
		c.SQL.Password = probe.Secret{Env: "TEST_PASSWORD"}
	}
}

// TestPostgres shares one server, which takes seconds to make.
func TestPostgres(t *testing.T) {
	t.Setenv("TEST_PASSWORD", postgresPassword)
	t.Setenv("TEST_WRONG", "hunter22")
	server := startPostgres(t)
	t.Run("conformance", func(t *testing.T) { conformance(t, server) })
	running := goleak.IgnoreCurrent()
	cases := map[string]question{
		"fresh":               {"SELECT now() - interval '5 minutes'", nil, "", 5 * time.Minute, "5m0s old"},
		"aging":               {"SELECT now() - interval '2 hours'", nil, "data_aging", 2 * time.Hour, "2h0m0s old"},
		"stale":               {"SELECT now() - interval '3 days'", nil, "data_stale", 72 * time.Hour, "72h0m0s old"},
		"in the future":       {"SELECT now() + interval '2 hours'", nil, "data_from_future", -2 * time.Hour, "2h0m0s ahead"},
		"a clock a bit off":   {"SELECT now() + interval '30 seconds'", nil, "", -30 * time.Second, ""},
		"in seconds":          {"SELECT extract(epoch FROM now() - interval '5 minutes')", nil, "", 5 * time.Minute, ""},
		"without a zone":      {"SELECT (now() AT TIME ZONE 'UTC') - interval '5 minutes'", nil, "data_time_without_zone", 5 * time.Minute, ""},
		"in a zone we know":   {"SELECT (now() AT TIME ZONE 'Asia/Tokyo') - interval '5 minutes'", func(c *freshness.Config) { c.Zone = "Asia/Tokyo" }, "", 5 * time.Minute, ""},
		"an age":              {"SELECT 90", func(c *freshness.Config) { c.Value = "age" }, "", 90 * time.Second, ""},
		"no rows":             {"SELECT made FROM orders", nil, "data_empty", none, "no row"},
		"no value":            {"SELECT max(made) FROM orders", nil, "data_empty", none, "no value"},
		"more than one row":   {"SELECT now() FROM generate_series(1, 1000000)", nil, "data_age_unreadable", none, "more than one row"},
		"no time":             {"SELECT repeat('x', 10000000)", nil, "data_age_unreadable", none, "is no time"},
		"with a comment":      {"SELECT now() -- the newest", nil, "", 0, ""},
		"no such table":       {"SELECT max(made) FROM carts", nil, "data_not_asked", none, `42P01: relation "carts" does not exist`},
		"a write":             {"WITH gone AS (DELETE FROM orders RETURNING made) SELECT made FROM gone", nil, "data_not_asked", none, "WITH clause containing a data-modifying statement must be at the top level"},
		"a write in disguise": {"SELECT nextval('numbers')", nil, "data_not_asked", none, "in a read-only transaction"},
		"a wrong password":    {"SELECT now()", func(c *freshness.Config) { c.SQL.Password.Env = "TEST_WRONG" }, "data_not_asked", none, "28P01: password authentication failed"},
		"no such database":    {"SELECT now()", func(c *freshness.Config) { c.SQL.Database = "shop" }, "data_not_asked", none, "3D000"},
		"over TLS":            {"SELECT now()", func(c *freshness.Config) { c.SQL.Plaintext, c.TLS.CAFile = false, server.caFile }, "", 0, ""},
		"not trusted":         {"SELECT now()", func(c *freshness.Config) { c.SQL.Plaintext = false }, probe.TLSUntrusted, none, ""},
		"for another name": {"SELECT now()", func(c *freshness.Config) {
			c.SQL.Plaintext, c.TLS.CAFile, c.TLS.ServerName = false, server.caFile, "a.example.org"
		}, probe.TLSWrongHost, none, ""},
	}
	server.exec(t, "CREATE SEQUENCE numbers")
	checkQuestions(t, "postgres", server.address, cases)
	t.Run("nothing is written", func(t *testing.T) {
		conn, err := pgx.Connect(t.Context(), "postgres://watcher:"+postgresPassword+"@"+server.address+"/postgres?sslmode=disable")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		var used bool
		if err := conn.QueryRow(t.Context(), "SELECT is_called FROM numbers").Scan(&used); err != nil || used {
			t.Errorf("got %v, %v; want a sequence that was not used", used, err)
		}
	})
	t.Run("a slow query is given up by the server too", func(t *testing.T) { slowQuery(t, server) })
	t.Run("no secret is shown", func(t *testing.T) {
		built, err := build(t, asks("postgres", server.address, "SELECT '"+postgresPassword+"'"))
		if err != nil {
			t.Fatal(err)
		}
		result, err := built.Prober.Probe(t.Context())
		shown, _ := json.Marshal([]any{result, built.Profile})
		if err != nil || strings.Contains(string(shown), postgresPassword) || !strings.Contains(string(shown), "[redacted]") {
			t.Errorf("got %s (%v), want it without the password", shown, err)
		}
	})
	goleak.VerifyNone(t, running)
}

// slowQuery checks that a query that takes too long ends at both sides.
func slowQuery(t *testing.T, server postgres) {
	t.Helper()
	c := freshness.Kind().NewConfig(probe.Integration).(*freshness.Config)
	c.Warn, c.Error = time.Hour, time.Hour
	asks("postgres", server.address, "SELECT pg_sleep(600)::text")(c)
	built, err := freshness.Kind().Build(c, probe.Setup{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	result, err := built.Prober.Probe(t.Context())
	if err != nil || result.Reason != probe.ResponseTimeout {
		t.Fatalf("got %q: %s, %v; want %q", result.Reason, result.Detail, err, probe.ResponseTimeout)
	}
	conn, err := pgx.Connect(t.Context(), "postgres://watcher:"+postgresPassword+"@"+server.address+"/postgres?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for sleeping := 1; sleeping > 0; <-tick.C {
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%pg_sleep%'").Scan(&sleeping); err != nil {
			t.Fatal(err)
		}
	}
}

// conformance runs the suite against a real database.
func conformance(t *testing.T, server postgres) {
	t.Helper()
	subject := probetest.Subject{
		Kind: freshness.Kind(), Type: probe.Integration,
		With: func(target probetest.Target) map[string]any {
			_, rest, _ := strings.Cut(target.URL, "://")
			return map[string]any{"warn": "1h", "error": "24h", "sql": map[string]any{
				"driver": "postgres", "address": strings.TrimSuffix(rest, "/"), "database": "postgres", "username": "watcher",
				"password": map[string]any{"env": "TEST_PASSWORD"}, "plaintext": true, "query": "SELECT now()",
			}}
		},
	}
	probetest.Run(t, subject, probetest.Fixture{
		Healthy: func(tb testing.TB) probetest.Target {
			tb.Helper()
			return probetest.Target{URL: "http://" + server.address}
		},
		Silent: func(tb testing.TB) probetest.Target {
			tb.Helper()
			return probetest.Target{URL: "http://" + silent(tb)}
		},
		SilentWant: probe.ResponseTimeout,
		ClosedPort: probetest.ClosedPort,
	})
}
