package docs_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func readPush(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("push.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// TestPush_HoldsTheSnippetsAsTheyAreTested keeps the code that people copy the one that a browser runs in tests.
func TestPush_HoldsTheSnippetsAsTheyAreTested(t *testing.T) {
	const dir = "../ledger/snippets"
	page := readPush(t)
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v, want the snippets", files, err)
	}
	for _, file := range files {
		code, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(page, "`"+file.Name()+"`:\n\n```") || !strings.Contains(page, "\n"+string(code)+"```\n") {
			t.Errorf("push.md lacks %s as it stands in %s, with its name in front of it", file.Name(), dir)
		}
	}
}

// TestPush_ExamplesLoad loads every example of a configuration, with files of the kinds that it names.
func TestPush_ExamplesLoad(t *testing.T) {
	t.Setenv("SENDER_TOKEN", "the-token-of-a-sender")
	blocks := regexp.MustCompile("(?ms)^( *)```yaml\n(.*?)^ *```$").FindAllStringSubmatch(readPush(t), -1)
	var receipts string
	var examples []string
	for _, block := range blocks {
		text := strings.ReplaceAll("\n"+block[2], "\n"+block[1], "\n")
		if strings.HasPrefix(text, "\nreceipts:") {
			receipts = text
			continue
		}
		examples = append(examples, text)
	}
	if receipts == "" || len(examples) < 6 {
		t.Fatalf("%d examples and the receipts %q, want both", len(examples), receipts)
	}
	dir := t.TempDir()
	writeSecrets(t, dir)
	for _, example := range examples {
		text := strings.ReplaceAll(receipts+example, "/var/lib/channelwatch", dir)
		file := filepath.Join(dir, "channelwatch.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, err := config.Load(file, kinds.All())
		if err != nil {
			t.Errorf("loading\n%s\n%v", text, err)
			continue
		}
		loaded.Close()
	}
}

// writeSecrets writes files of the kinds that the examples name.
func writeSecrets(t *testing.T, dir string) {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curveKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := curveKey.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding
	marshal := func(value any) string {
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for name, content := range map[string]string{
		"apns-key.p8":   keyPEM(t, curveKey),
		"vapid.pem":     keyPEM(t, curveKey),
		"canary.token":  strings.Repeat("token:", 20),
		"canary-iphone": strings.Repeat("0123456789abcdef", 4),
		"sender-token":  "the-token-of-a-sender",
		"canary.json": marshal(map[string]any{
			"endpoint": "https://push.example.net/wpush/v2/name",
			"keys":     map[string]string{"p256dh": b64.EncodeToString(point), "auth": b64.EncodeToString(make([]byte, 16))},
		}),
		"service-account.json": marshal(map[string]string{
			"type": "service_account", "project_id": "shop", "private_key_id": "1", "private_key": keyPEM(t, rsaKey),
			"client_email": "push@shop.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
		}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func keyPEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// TestPush_UsesTheWordsOfThePage compares the tables with what the agent says.
func TestPush_UsesTheWordsOfThePage(t *testing.T) {
	page := readPush(t)
	for _, reading := range ledger.New().Readings() {
		if !strings.Contains(page, "channelwatch_"+reading.Metric+"`") {
			t.Errorf("push.md lacks %s", reading.Metric)
		}
		if label := reading.Labels[0]; label.Name == "why" && !strings.Contains(page, "\n| `"+label.Value+"` |") {
			t.Errorf("push.md does not explain %q", label.Value)
		}
	}
	catalogue, err := probe.NewCatalogue(kinds.All())
	if err != nil {
		t.Fatal(err)
	}
	_, trouble, _ := strings.Cut(page, "\n## When something is wrong\n")
	rows := regexp.MustCompile(`(?m)^\| ([a-z ]+?)(?:,[^|]*)? \|`).FindAllStringSubmatch(trouble, -1)
	if len(rows) < 6 {
		t.Fatalf("%d rows of trouble, want more", len(rows))
	}
	for _, row := range rows[1:] { // the first is the head
		if !slices.ContainsFunc(catalogue.Checks(), func(c probe.Check) bool { return c.Title == row[1] }) {
			t.Errorf("no check has the title %q", row[1])
		}
	}
}

// TestPush_LeadsToItsSections follows the links within the page.
func TestPush_LeadsToItsSections(t *testing.T) {
	page := readPush(t)
	var anchors []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		anchor := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		anchors = append(anchors, strings.ReplaceAll(anchor, " ", "-"))
	}
	for _, link := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(page, -1) {
		if !slices.Contains(anchors, link[1]) {
			t.Errorf("no section is called #%s", link[1])
		}
	}
}
