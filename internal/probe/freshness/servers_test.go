package freshness_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/freshness"
)

// build returns a prober that warns after an hour and complains after a day, with changes.
func build(t *testing.T, change func(*freshness.Config)) (probe.Built, error) {
	t.Helper()
	c := freshness.Kind().NewConfig(probe.Integration).(*freshness.Config)
	c.Warn, c.Error = time.Hour, 24*time.Hour
	if change != nil {
		change(c)
	}
	return freshness.Kind().Build(c, probe.Setup{
		Channel: "data", Touchpoint: "orders", Type: probe.Integration, Every: time.Minute, Timeout: 10 * time.Second,
		Location: "test", UserAgent: "Channelwatch/1.2.3",
	})
}

// run probes once.
func run(t *testing.T, change func(*freshness.Config)) probe.Result {
	t.Helper()
	built, err := build(t, change)
	if err != nil {
		t.Fatal(err)
	}
	result, err := built.Prober.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// cause returns the reason of a result, else the check of its first finding.
func cause(result *probe.Result) probe.CheckID {
	if result.Reason != "" || len(result.Findings) == 0 {
		return result.Reason
	}
	return result.Findings[0].Check
}

// age returns the age that a result measured, and whether it did.
func age(result *probe.Result) (seconds float64, ok bool) {
	for _, m := range result.Measurements {
		if m.Metric == "freshness_age_seconds" {
			return m.Value, true
		}
	}
	return 0, false
}

const postgresPassword = "Qk7Zp3Wv9Xj5"

// postgres is a real server of this test alone.
type postgres struct {
	address string
	caFile  string
}

// startPostgres makes a new cluster in a directory of its own and serves it on loopback, with and without TLS, until the
// test ends.
func startPostgres(t *testing.T) postgres {
	t.Helper()
	bin := postgresBin(t)
	dir, err := os.MkdirTemp("", "channelwatch-postgres-") //nolint:usetesting // what that makes is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	source := httptest.NewTLSServer(http.NotFoundHandler())
	defer source.Close()
	key, err := x509.MarshalPKCS8PrivateKey(source.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"password":   []byte(postgresPassword),
		"server.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: source.Certificate().Raw}),
		"server.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	}
	account := unprivileged(t, "postgres")
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
		give(t, filepath.Join(dir, name), account)
	}
	give(t, dir, account)
	data, p := filepath.Join(dir, "data"), postgres{caFile: filepath.Join(dir, "server.crt")}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, name), args...) //nolint:gosec // a test's own arguments
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account, Pdeathsig: syscall.SIGQUIT}
		cmd.Dir, cmd.Env = dir, []string{"LC_ALL=C"}
		return cmd
	}
	if out, err := command("initdb", "-D", data, "-U", "watcher", "-N", "-E", "UTF8", "-A", "scram-sha-256", "--pwfile="+filepath.Join(dir, "password")).CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p.address = serve(t, func(host, port string) *exec.Cmd {
		server := command("postgres", "-D", data, "-h", host, "-p", port, "-c", "unix_socket_directories=", "-c", "fsync=off",
			"-c", "ssl=on", "-c", "ssl_cert_file="+p.caFile, "-c", "ssl_key_file="+filepath.Join(dir, "server.key"))
		server.Cancel = func() error { return server.Process.Signal(syscall.SIGQUIT) }
		return server
	}, func(address string) bool {
		conn, err := pgx.Connect(t.Context(), urlOf(address))
		if err == nil {
			_ = conn.Close(t.Context())
		}
		return err == nil
	})
	p.exec(t, "CREATE TABLE orders (made timestamptz, local timestamp)")
	return p
}

// serve runs a server on a free port of loopback until the test ends, and returns its address when it is up. Another
// program can take the port before the server does: then it ends, and another one is tried.
func serve(t *testing.T, command func(host, port string) *exec.Cmd, up func(address string) bool) (address string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 5 {
		address = freePort(t)
		host, port, _ := net.SplitHostPort(address)
		server := command(host, port)
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = server.Wait() // reports the signal
			close(ended)
		}()
		t.Cleanup(func() {
			_ = server.Cancel() // it may have ended
			<-ended
		})
		for deadline, running := time.Now().Add(time.Minute), true; running && time.Now().Before(deadline); {
			if up(address) {
				return address
			}
			select {
			case <-ended:
				running = false
			case <-tick.C:
			}
		}
	}
	t.Fatal("the server does not start")
	return ""
}

// postgresBin returns the directory of the server's programs.
func postgresBin(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(real)
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		t.Fatal("postgres is not here; install it: apt-get install -y postgresql")
	}
	return filepath.Dir(found[len(found)-1])
}

// unprivileged returns the account that the server runs under, which must not be root; nil for our own.
func unprivileged(t *testing.T, name string) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	account, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.ParseUint(account.Uid, 10, 32)
	gid, _ := strconv.ParseUint(account.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// give makes an account the owner of a file.
func give(t *testing.T, path string, account *syscall.Credential) {
	t.Helper()
	if account == nil {
		return
	}
	if err := os.Chown(path, int(account.Uid), int(account.Gid)); err != nil {
		t.Fatal(err)
	}
}

// freePort returns an address of loopback that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// urlOf returns how a client of the tests connects.
func urlOf(address string) string {
	return fmt.Sprintf("postgres://watcher:%s@%s/postgres?sslmode=disable", postgresPassword, address)
}

// exec runs a statement.
func (p postgres) exec(t *testing.T, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, urlOf(p.address))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}
