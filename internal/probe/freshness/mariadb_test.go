package freshness_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/freshness"
)

// startMariaDB makes a new database in a directory of its own and serves it on loopback until the test ends.
func startMariaDB(t *testing.T) (address string) {
	t.Helper()
	var tables strings.Builder
	tables.WriteString("CREATE DATABASE mysql;\nUSE mysql;\n")
	for _, name := range []string{"mysql_system_tables.sql", "mysql_system_tables_data.sql"} {
		statements, err := os.ReadFile(filepath.Join("/usr/share/mysql", name))
		if err != nil {
			t.Fatalf("%v; install it: apt-get install -y --no-install-recommends mariadb-server-core", err)
		}
		tables.WriteString(string(statements))
	}
	dir, err := os.MkdirTemp("", "channelwatch-mariadb-") //nolint:usetesting // what that makes is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	account := unprivileged(t, "nobody")
	setup := filepath.Join(dir, "setup.sql")
	statements := fmt.Sprintf("CREATE USER 'watcher'@'%%' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO 'watcher'@'%%';\nCREATE DATABASE postgres;\n"+
		"CREATE TABLE postgres.orders (made TIMESTAMP NULL);\nCREATE SEQUENCE postgres.numbers;\n", postgresPassword)
	if err := os.WriteFile(setup, []byte(statements), 0o600); err != nil {
		t.Fatal(err)
	}
	give(t, setup, account)
	give(t, dir, account)
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	give(t, data, account)
	command := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "/usr/sbin/mariadbd", append([]string{"--no-defaults", "--datadir=" + data}, args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account, Pdeathsig: syscall.SIGKILL}
		cmd.Dir = dir
		return cmd
	}
	bootstrap := command("--bootstrap")
	bootstrap.Stdin = strings.NewReader(tables.String())
	if out, err := bootstrap.CombinedOutput(); err != nil {
		t.Fatalf("mariadbd --bootstrap: %v\n%s", err, out)
	}
	return serve(t, func(host, port string) *exec.Cmd { // it is killed in the end: its files go with it
		return command("--bind-address="+host, "--port="+port, "--socket="+filepath.Join(dir, "socket"),
			"--pid-file="+filepath.Join(dir, "pid"), "--init-file="+setup, "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0")
	}, func(address string) bool {
		var dialer net.Dialer
		conn, err := dialer.DialContext(t.Context(), "tcp", address)
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		greeting := make([]byte, 1<<10)
		n, _ := conn.Read(greeting)
		return bytes.Contains(greeting[:n], []byte("MariaDB"))
	})
}

// TestMariaDB shares one server, which takes seconds to make.
func TestMariaDB(t *testing.T) {
	t.Setenv("TEST_PASSWORD", postgresPassword)
	t.Setenv("TEST_WRONG", "hunter22")
	address := startMariaDB(t)
	running := goleak.IgnoreCurrent()
	utc := func(c *freshness.Config) { c.Zone = "UTC" }
	cases := map[string]question{
		"fresh":                {"SELECT now() - INTERVAL 5 MINUTE", utc, "", 5 * time.Minute, "5m"},
		"stale":                {"SELECT now() - INTERVAL 3 DAY", utc, "data_stale", 72 * time.Hour, "72h"},
		"without a zone":       {"SELECT now()", nil, "data_time_without_zone", 0, ""},
		"a number":             {"SELECT UNIX_TIMESTAMP() - 300", nil, "", 5 * time.Minute, ""},
		"no row":               {"SELECT made FROM orders", utc, "data_empty", none, "no row"},
		"no value":             {"SELECT max(made) FROM orders", utc, "data_empty", none, "no value"},
		"more than one row":    {"SELECT 1 UNION SELECT 2", utc, "data_age_unreadable", none, "more than one row"},
		"two columns":          {"SELECT 1, 2", utc, "data_not_asked", none, "4002"},
		"no such table":        {"SELECT made FROM carts", utc, "data_not_asked", none, "1146"},
		"a write":              {"SELECT nextval(numbers)", utc, "data_not_asked", none, "1792"},
		"a wrong password":     {"SELECT 1", func(c *freshness.Config) { c.SQL.Password.Env = "TEST_WRONG" }, "data_not_asked", none, "1045"},
		"a server without TLS": {"SELECT 1", func(c *freshness.Config) { c.SQL.Plaintext = false }, probe.TLSNotTLS, none, ""},
	}
	checkQuestions(t, "mysql", address, cases)
	t.Run("a slow query is given up", func(t *testing.T) {
		c := freshness.Kind().NewConfig(probe.Integration).(*freshness.Config)
		c.Warn, c.Error = time.Hour, time.Hour
		asks("mysql", address, "SELECT SLEEP(600)")(c)
		built, err := freshness.Kind().Build(c, probe.Setup{Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		result, err := built.Prober.Probe(t.Context())
		if err != nil || result.Reason != probe.ResponseTimeout {
			t.Errorf("got %q: %s, %v; want %q", result.Reason, result.Detail, err, probe.ResponseTimeout)
		}
	})
	goleak.VerifyNone(t, running)
}
