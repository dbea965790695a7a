package freshness_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/freshness"
)

// silent takes every connection and says nothing, until the test ends.
func silent(tb testing.TB) (address string) {
	tb.Helper()
	return serveRaw(tb, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
}

// serveRaw serves every connection until the test ends, and waits for all.
func serveRaw(tb testing.TB, talk func(net.Conn)) (address string) {
	tb.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				talk(conn)
			})
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

func TestProbe_Document(t *testing.T) {
	t.Setenv("TEST_TOKEN", "Bearer Qk7Zp3Wv9Xj5")
	answer := func(format string, args ...any) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer Qk7Zp3Wv9Xj5" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			_, _ = fmt.Fprintf(w, format, args...)
		}
	}
	ago := time.Now().Add(-5 * time.Minute)
	cases := map[string]struct {
		handle http.HandlerFunc
		value  string
		want   probe.CheckID
	}{
		"RFC 3339":       {answer(`{"last":%q}`, ago.Format(time.RFC3339)), "time", ""},
		"milliseconds":   {answer(`{"last":%d}`, ago.UnixMilli()), "time", ""},
		"an age":         {answer(`{"last":300}`), "age", ""},
		"old":            {answer(`{"last":"2020-01-01T00:00:00Z"}`), "time", "data_stale"},
		"without a zone": {answer(`{"last":%q}`, ago.UTC().Format(time.DateTime)), "time", "data_time_without_zone"},
		"nothing":        {answer(`{}`), "time", "data_empty"},
		"null":           {answer(`{"last":null}`), "time", "data_empty"},
		"empty":          {answer(`{"last":""}`), "time", "data_empty"},
		"no time":        {answer(`{"last":"Bearer Qk7Zp3Wv9Xj5"}`), "time", "data_age_unreadable"},
		"no JSON":        {answer(`<html>`), "time", "json_invalid"},
		"an error":       {http.NotFound, "time", "status_unexpected"},
		"a long error":   {answer(`{"last":%q}`, strings.Repeat("x", 5000)), "age", "data_age_unreadable"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.handle)
			t.Cleanup(server.Close)
			result := run(t, func(config *freshness.Config) {
				config.Value = c.value
				config.HTTP = &freshness.HTTPBlock{
					URL: server.URL, JSONPath: "$.last", SecretHeaders: map[string]probe.Secret{"Authorization": {Env: "TEST_TOKEN"}},
				}
			})
			if cause(&result) != c.want {
				t.Errorf("got %q: %s, %+v; want %q", cause(&result), result.Detail, result.Findings, c.want)
			}
			if shown, err := json.Marshal(result); err != nil || strings.Contains(string(shown), "Qk7Zp3Wv9Xj5") || len(result.Detail) > 500 {
				t.Errorf("got %s (%v), want no secret and a short detail", shown, err)
			}
			if _, measured := age(&result); measured != (c.want == "" || c.want == "data_stale" || c.want == "data_time_without_zone") {
				t.Errorf("an age was measured: %v", measured)
			}
		})
	}
}

func TestProbe_File(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	feed := filepath.Join(dir, "feed.xml")
	if err := os.WriteFile(feed, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(dir, "none.xml")
	if err := os.WriteFile(none, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(dir, "old.xml")
	if err := os.WriteFile(old, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		file freshness.FileBlock
		want probe.CheckID
	}{
		"fresh":       {freshness.FileBlock{Path: feed, MinSize: 10, MaxSize: 10}, ""},
		"too small":   {freshness.FileBlock{Path: feed, MinSize: 11}, "data_file_size"},
		"too large":   {freshness.FileBlock{Path: feed, MaxSize: 9}, "data_file_size"},
		"empty":       {freshness.FileBlock{Path: none}, "data_empty"},
		"old":         {freshness.FileBlock{Path: old}, "data_aging"},
		"missing":     {freshness.FileBlock{Path: filepath.Join(dir, "gone.xml")}, "data_file_missing"},
		"no such way": {freshness.FileBlock{Path: filepath.Join(feed, "gone.xml")}, "data_file_missing"},
		"a directory": {freshness.FileBlock{Path: dir}, "data_age_unreadable"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := run(t, func(config *freshness.Config) { config.File = &c.file })
			if cause(&result) != c.want || result.Duration != result.Phases.Sum() {
				t.Errorf("got %q: %s, want %q", cause(&result), result.Detail, c.want)
			}
		})
	}
}

func TestProbe_SQLite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop orders #%20.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	made := time.Now().UTC().Add(-2 * time.Hour)
	for _, statement := range []string{
		"CREATE TABLE orders (made DATETIME, at TEXT, epoch INTEGER, other TEXT)",
		fmt.Sprintf("INSERT INTO orders VALUES ('%s', '%s', %d, NULL)", made.Format(time.DateTime), made.Format(time.RFC3339), made.Unix()),
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	cases := map[string]struct {
		query string
		want  []probe.CheckID
	}{
		"with a zone":        {"SELECT max(at) FROM orders", []probe.CheckID{"data_aging"}},
		"a column of a date": {"SELECT made FROM orders", []probe.CheckID{"data_time_without_zone", "data_aging"}},
		"a number":           {"SELECT max(epoch) FROM orders", []probe.CheckID{"data_aging"}},
		"no value":           {"SELECT other FROM orders", []probe.CheckID{"data_empty"}},
		"no row":             {"SELECT made FROM orders WHERE epoch = 0", []probe.CheckID{"data_empty"}},
		"two columns":        {"SELECT made, at FROM orders", []probe.CheckID{"data_not_asked"}},
		"no table":           {"SELECT made FROM carts", []probe.CheckID{"data_not_asked"}},
		"a runaway":          {"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n", []probe.CheckID{probe.ResponseTimeout}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := freshness.Kind().NewConfig(probe.Integration).(*freshness.Config)
			config.Warn, config.Error = time.Hour, 24*time.Hour
			config.SQL = &freshness.SQLBlock{Driver: "sqlite", Database: path, Query: c.query}
			built, err := freshness.Kind().Build(config, probe.Setup{Timeout: 2 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			result, err := built.Prober.Probe(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []probe.CheckID
			if result.Reason != "" {
				got = append(got, result.Reason)
			}
			for _, finding := range result.Findings {
				got = append(got, finding.Check)
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %v: %s, want %v", got, result.Detail, c.want)
			}
		})
	}
	t.Run("a file that is not there is not made", func(t *testing.T) {
		t.Parallel()
		gone := filepath.Join(t.TempDir(), "gone.db")
		result := run(t, func(c *freshness.Config) {
			c.SQL = &freshness.SQLBlock{Driver: "sqlite", Database: gone, Query: "SELECT 1"}
		})
		if _, err := os.Stat(gone); result.Reason != "data_file_missing" || !os.IsNotExist(err) {
			t.Errorf("got %q: %s, and %v for the file; want none", result.Reason, result.Detail, err)
		}
	})
}

// Opening a pipe waits for somebody who writes to it, for ever.
func TestProbe_SQLiteOpensRegularFilesOnly(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "shop.db")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, filepath.Dir(pipe)} {
		result := run(t, func(c *freshness.Config) {
			c.SQL = &freshness.SQLBlock{Driver: "sqlite", Database: path, Query: "SELECT 1"}
		})
		if result.Reason != "data_age_unreadable" || !strings.Contains(result.Detail, "no regular file") {
			t.Errorf("%s: got %q: %s, want it not opened", path, result.Reason, result.Detail)
		}
	}
}

func TestProbe_BrokenDatabases(t *testing.T) {
	t.Setenv("TEST_PASSWORD", postgresPassword)
	hangUp := func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1<<10)) }
	garbage := func(conn net.Conn) {
		_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9.2\r\n")
		_, _ = io.Copy(io.Discard, conn)
	}
	cases := map[string]struct {
		driver string
		secure bool
		talk   func(net.Conn)
		want   probe.CheckID
	}{
		"postgres, hung up":     {"postgres", false, hangUp, probe.ConnectionClosed},
		"postgres, another one": {"postgres", false, garbage, probe.ResponseMalformed},
		"postgres, without TLS": {"postgres", true, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 8))
			_, _ = io.WriteString(conn, "N")
			_, _ = io.Copy(io.Discard, conn)
		}, probe.TLSNotTLS},
		"mysql, hung up": {"mysql", false, func(net.Conn) {}, probe.ConnectionClosed},
		"mysql, another one": {"mysql", false, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "\x05\x00\x00\x00hello")
			_, _ = io.Copy(io.Discard, conn)
		}, probe.ResponseMalformed},
		"mysql, too many connections": {"mysql", false, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "\x17\x00\x00\x00\xff\x10\x04Too many connections")
			_, _ = io.Copy(io.Discard, conn)
		}, "data_not_asked"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			address := serveRaw(t, c.talk)
			result := run(t, func(config *freshness.Config) {
				asks(c.driver, address, "SELECT 1")(config)
				config.SQL.Plaintext = !c.secure
			})
			if result.Reason != c.want {
				t.Errorf("got %q: %s, want %q", result.Reason, result.Detail, c.want)
			}
		})
	}
}
