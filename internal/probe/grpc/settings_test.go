package grpc_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/grpc"
)

func TestBuild_Mistakes(t *testing.T) {
	t.Setenv("TEST_SECRET", "hunter2")
	t.Setenv("TEST_LINE", "hunter2\nhunter2")
	const wantName = "want lower-case letters, digits, -, _ and ., and none of gRPC's own"
	cases := map[string]struct {
		address string
		change  func(*grpc.Config)
		want    string
	}{
		"no address":   {"", nil, "address: missing, want host:port"},
		"a URL":        {"https://a.example", nil, "address: want host:port, without anything else"},
		"no service":   {"a.example:1", func(c *grpc.Config) { c.Service = "a\xff" }, "service: has 2 bytes, want at most 512 of UTF-8"},
		"long service": {"a.example:1", func(c *grpc.Config) { c.Service = strings.Repeat("a", 513) }, "service: has 513 bytes, want at most 512 of UTF-8"},
		"no resolver":  {"a.example:1", func(c *grpc.Config) { c.Resolver = "a.example" }, `resolver: "a.example", want host:port`},
		"no authority": {"a.example:1", func(c *grpc.Config) { c.TLS.CAFile = "/nowhere" }, "tls: reading CA file: open /nowhere: no such file or directory"},
		"a name with capitals": {
			"a.example:1", func(c *grpc.Config) { c.Metadata = map[string]string{"X-A": "1"} },
			`metadata.X-A: name "X-A", ` + wantName,
		},
		"a name of gRPC's own": {
			"a.example:1", func(c *grpc.Config) { c.Metadata = map[string]string{"grpc-timeout": "1"} },
			`metadata."grpc-timeout": name "grpc-timeout", ` + wantName,
		},
		"a name of two lines": {
			"a.example:1", func(c *grpc.Config) { c.Metadata = map[string]string{"x\ny": "1"} },
			`metadata."x\ny": name "x\ny", ` + wantName,
		},
		"a credential in the open": {
			"a.example:1", func(c *grpc.Config) { c.Metadata = map[string]string{"Authorization": "hunter2"} },
			"metadata.Authorization: is a credential, want it in secret_metadata as {file: …} or {env: …}",
		},
		"a secret of two lines": {
			"a.example:1", func(c *grpc.Config) { c.SecretMetadata = map[string]probe.Secret{"x": {Env: "TEST_LINE"}} },
			"secret_metadata.x: the value has control characters, want none",
		},
		"a secret that is not there": {
			"a.example:1", func(c *grpc.Config) { c.SecretMetadata = map[string]probe.Secret{"x": {Env: "TEST_NONE"}} },
			"secret_metadata.x: environment variable TEST_NONE is not set",
		},
		"set twice": {"a.example:1", func(c *grpc.Config) {
			c.Metadata = map[string]string{"x": "1"}
			c.SecretMetadata = map[string]probe.Secret{"x": {Env: "TEST_SECRET"}}
		}, "secret_metadata.x: is set twice, want one value"},
		"several": {"", func(c *grpc.Config) { c.Resolver = "x" }, "address: missing, want host:port\nresolver: \"x\", want host:port"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := build(t, c.address, c.change)
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestBuild_Profile(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		address string
		plain   bool
		want    probe.Profile
	}{
		"TLS": {"a.example", false, probe.Profile{
			Target: "a.example:443", URL: "grpcs://a.example:443", TLS: true,
			Phases:  []probe.Phase{probe.Resolve, probe.Connect, probe.TLS, probe.Wait},
			Metrics: []string{probe.CertificateNotAfter, probe.CertificateNotBefore},
		}},
		"plain, by address": {"[::1]:50051", true, probe.Profile{
			Target: "[::1]:50051", URL: "grpc://[::1]:50051", Phases: []probe.Phase{probe.Connect, probe.Wait},
		}},
	}
	for name, c := range cases {
		built, err := build(t, c.address, func(config *grpc.Config) { config.Plaintext = c.plain })
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, built.Profile); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
