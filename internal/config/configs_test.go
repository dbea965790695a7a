package config_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
)

const configs = "../../configs"

// shipped returns the configurations that ship with the program and that an agent can be started with.
func shipped(t *testing.T) []string {
	t.Helper()
	own := []string{configs + "/channelwatch.yaml", configs + "/reference.yaml"}
	err := filepath.WalkDir(configs+"/examples", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".yaml" && filepath.Base(filepath.Dir(path)) != "channels" {
			own = append(own, path)
		}
		return err
	})
	if err != nil || len(own) < 4 {
		t.Fatalf("got %q, %v, want at least 4 configurations", own, err)
	}
	return own
}

func TestConfigs_Load(t *testing.T) {
	for _, name := range []string{"SENDER_TOKEN", "PAYMENTS_KEY", "HOOK_TOKEN", "HOOK_SECRET"} {
		t.Setenv(name, "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0") // in Base64, as some want it
	}
	for _, file := range shipped(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if name := filepath.Base(file); name == "push.yaml" || name == "reference.yaml" {
				file = withSecrets(t, file)
			}
			c, err := config.Load(file, kinds.All())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if len(c.Touchpoints()) == 0 {
				t.Error("got no touchpoints")
			}
		})
	}
}

// withSecrets copies a configuration to where the files are that it names and that nobody can ship: keys and tokens.
// Its receipts, a comment in the reference, arrive somewhere.
func withSecrets(t *testing.T, file string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curveKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "shop", "private_key_id": "1", "private_key": keyPEM(t, rsaKey),
		"client_email": "push@shop.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	point, err := curveKey.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding
	write("service-account.json", string(account))
	write("canary.token", strings.Repeat("token:", 20))
	write("apns-key.p8", keyPEM(t, curveKey))
	write("vapid.pem", keyPEM(t, curveKey))
	write("canary-iphone", strings.Repeat("0123456789abcdef", 4))
	write("canary.json", `{"endpoint": "https://push.example.net/wpush/v2/name", "keys": {"p256dh": "`+b64.EncodeToString(point)+`", "auth": "`+
		b64.EncodeToString(make([]byte, 16))+`"}}`)
	text := strings.Replace(string(read(t, file)), "# receipts: {listen: , public_url: , trusted_proxies: }",
		"receipts: {listen: 127.0.0.1:9979, public_url: https://receipts.example.com}", 1)
	text = strings.ReplaceAll(text, "/var/lib/channelwatch", dir)
	text = strings.ReplaceAll(text, "/var/lib/channelwatch", dir)
	write(filepath.Base(file), text)
	return filepath.Join(dir, filepath.Base(file))
}

func keyPEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// manifest is what is looked at in a document of the Kubernetes manifest.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Template struct {
			Spec struct {
				HostNetwork bool   `yaml:"hostNetwork"`
				DNSPolicy   string `yaml:"dnsPolicy"`
			}
		}
	}
}

func manifests(t *testing.T) []manifest {
	t.Helper()
	in := yaml.NewDecoder(bytes.NewReader(read(t, configs+"/kubernetes/channelwatch.yaml")))
	var all []manifest
	for {
		var one manifest
		switch err := in.Decode(&one); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, one)
	}
}

// TestConfigs_Kubernetes reads the configurations in the manifest's config maps: what hosts serve must be probed by
// somebody, or their pressure is shown beside nothing.
func TestConfigs_Kubernetes(t *testing.T) {
	probed, served := make(map[string]bool), []string(nil)
	for _, m := range manifests(t) {
		text, ok := m.Data["channelwatch.yaml"]
		if !ok {
			continue
		}
		c, err := config.Parse(m.Metadata.Name, []byte(text), kinds.All())
		if err != nil {
			t.Error(err)
			continue
		}
		defer c.Close()
		for _, channel := range c.Channels {
			probed[channel.Name] = true
		}
		served = append(served, c.Agent.Serves...)
	}
	if len(probed) == 0 || len(served) == 0 {
		t.Errorf("%d channels are probed and %d served, want some of both", len(probed), len(served))
	}
	for _, name := range served {
		if !probed[name] {
			t.Errorf("hosts serve %q, which nobody probes", name)
		}
	}
}

// TestConfigs_KubernetesHosts wants agents that read hosts on the network of their host.
func TestConfigs_KubernetesHosts(t *testing.T) {
	for _, m := range manifests(t) {
		if spec := m.Spec.Template.Spec; m.Kind == "DaemonSet" && (!spec.HostNetwork || spec.DNSPolicy != "ClusterFirstWithHostNet") {
			t.Errorf("%s: hostNetwork %t with dnsPolicy %q, want true with ClusterFirstWithHostNet", m.Metadata.Name, spec.HostNetwork, spec.DNSPolicy)
		}
	}
}

// TestReference keeps the generated file in step with the structs and the samples of the kinds.
func TestReference(t *testing.T) {
	golden(t, configs+"/reference.yaml", config.Reference(kinds.All()))
}
