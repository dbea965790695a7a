package docs_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/channelwatch/channelwatch"

// layers lists what each package may import of this module, and why not more. A package that is not listed may import
// nothing of it, so that a new one has to be thought about.
var layers = []struct {
	pkg     string // path below the module; a trailing /* stands for one more element
	imports []string
	reason  string
}{
	{"internal/probe", nil, "the domain is what everybody builds on; it knows nobody"},
	{"internal/quality", []string{"internal/probe"}, "rating is pure: a result in, a verdict out"},
	{"internal/httpx", []string{"internal/probe"}, "the HTTP client serves kinds and knows none of them"},
	{
		"internal/httpkind",
		[]string{"internal/probe", "internal/httpx"},
		"what kinds over HTTP have in common stands between them and the client, so that each of them is what it alone does",
	},
	{"internal/push", []string{"internal/httpx", "internal/probe"}, "what messages have in common knows no provider"},
	{"internal/forwarded", nil, "who asks is the same whatever is asked for"},
	{"internal/ledger", []string{"internal/forwarded", "internal/probe", "internal/push"}, "what devices confirm is the same whoever sent it"},
	{"internal/oauth", []string{"internal/httpx", "internal/probe"}, "who asks for a token does not matter to it"},
	{"internal/webpush", []string{"internal/httpx", "internal/probe", "internal/push"}, "a standard's two ends, whoever pushes"},
	{"internal/broker", nil, "somebody else's server, for the demo and for tests"},
	{"internal/pushservice", []string{"internal/webpush"}, "somebody else's server, for the demo and for tests"},
	{"internal/assert", []string{"internal/probe"}, "assertions serve kinds and know none of them"},
	{"internal/cdp", nil, "a protocol over two pipes, whoever is at their ends"},
	{"internal/chromium", []string{"internal/cdp", "internal/probe"}, "the life of a browser does not depend on what it visits"},
	{"internal/egress", []string{"internal/httpx", "internal/probe"}, "a proxy knows bytes and addresses, not pages"},
	{
		"internal/pageload",
		[]string{"internal/cdp", "internal/chromium", "internal/httpx", "internal/probe"},
		"how a page loads is measured before anybody judges it",
	},
	{
		"internal/probe/browser",
		[]string{
			"internal/assert", "internal/cdp", "internal/chromium", "internal/egress", "internal/httpkind", "internal/httpx", "internal/pageload",
			"internal/probe",
		},
		"the one kind that starts a program of its own; beside that it is a kind like the others",
	},
	{
		"internal/probe/*",
		[]string{
			"internal/assert", "internal/httpkind", "internal/httpx", "internal/ledger", "internal/oauth", "internal/probe", "internal/push",
			"internal/webpush",
		},
		"kinds never see each other, the configuration or the metrics: a new kind is one folder and one line",
	},
	{"internal/kinds", []string{"internal/ledger", "internal/probe", "internal/probe/*"}, "the list of kinds holds no logic"},
	{"internal/config", []string{"internal/probe"}, "the loader is given the kinds; it starts nothing"},
	{"internal/shard", []string{"internal/probe"}, "who probes what follows from names alone"},
	{"internal/schedule", []string{"internal/probe"}, "the schedule neither rates nor stores"},
	{"internal/recent", []string{"internal/probe", "internal/quality"}, "the memory of results does not make them"},
	{"internal/record", []string{"internal/probe", "internal/quality"}, "a record is a form, not a store"},
	{"internal/pictures", []string{"internal/metrics", "internal/probe"}, "keeping pictures is independent of who takes and shows them"},
	{"internal/har", []string{"internal/probe"}, "another form of a record"},
	{"internal/rum", []string{"internal/forwarded", "internal/metrics", "internal/probe"}, "what customers' browsers tell is not mixed with what is probed"},
	{"internal/metrics", []string{"internal/probe", "internal/quality"}, "series follow from results, whoever probes"},
	{"internal/host", nil, "reading the machine is independent of channels"},
	{"internal/control", nil, "the agent's own network is independent of channels"},
	{
		"internal/web",
		[]string{"internal/probe", "internal/quality", "internal/recent", "internal/record", "internal/view"},
		"pages show what they are given and reach into nothing",
	},
	{"internal/query", []string{"internal/probe"}, "asking for recorded series is the same whoever recorded them"},
	{"internal/view", []string{"internal/probe", "internal/query"}, "what people read follows from recorded series alone"},
	{"internal/history", []string{"internal/metrics", "internal/query"}, "the store keeps series and knows nothing of what they mean"},
	{"internal/notify", []string{"internal/probe", "internal/metrics"}, "who is told of an alert does not depend on who evaluated it"},
	{"configs", nil, "files that are shipped, carried into the agent"},
	{"internal/demo", []string{"internal/broker", "internal/probe", "internal/pushservice"}, "the demo is a configuration and some servers, probed like any other"},
	{
		"internal/agent",
		[]string{
			"configs", "internal/config", "internal/control", "internal/history", "internal/host", "internal/ledger", "internal/metrics",
			"internal/notify", "internal/pictures", "internal/probe", "internal/push", "internal/quality", "internal/query", "internal/recent", "internal/record", "internal/rum",
			"internal/schedule",
			"internal/shard", "internal/view", "internal/web",
		},
		"the composition root knows the parts, but no kind: it is given the list",
	},
	{
		"internal/docs",
		[]string{
			"internal/config", "internal/history", "internal/host", "internal/kinds", "internal/metrics", "internal/notify", "internal/pictures",
			"internal/probe", "internal/push", "internal/rum",
		},
		"generators read what they document",
	},
	{"internal/e2e", nil, "nothing but tests of the whole"},
	{"dashboards", nil, "nothing but dashboards and their tests"},
	{
		"cmd/channelwatch",
		[]string{
			"internal/agent", "internal/chromium", "internal/config", "internal/demo", "internal/har", "internal/kinds", "internal/ledger", "internal/metrics",
			"internal/probe", "internal/quality", "internal/record",
		},
		"the command line is a thin shell",
	},
}

// exclusive names the packages, most often one, that may import a module, and why.
var exclusive = map[string]struct{ owners, reason string }{
	"github.com/go-resty/resty/v2":             {"internal/httpx", "caps, deadlines and redaction hold everywhere"},
	"github.com/shirou/gopsutil/v3":            {"internal/host", "a new major version is a change in one folder"},
	"github.com/prometheus/client_golang":      {"internal/metrics", "names and labels have one home"},
	"gopkg.in/yaml.v3":                         {"internal/config", "kinds are given typed configuration"},
	"github.com/spf13/cobra":                   {"cmd/channelwatch", "packages take arguments, not flags"},
	"github.com/mochi-mqtt/server":             {"internal/broker internal/demo", "one broker, and the shop that has it"},
	"github.com/eclipse/paho.golang":           {"internal/probe/mqtt", "one kind, one protocol"},
	"github.com/eclipse/paho.mqtt.golang":      {"internal/probe/mqtt", "one kind, one protocol"},
	"golang.org/x/oauth2":                      {"internal/oauth internal/probe/fcm", "tokens are got in one way, and one provider's assertions are its own"},
	"cel.dev/cel-go":                           {"internal/assert", "one language for what must hold"},
	"github.com/santhosh-tekuri/jsonschema":    {"internal/assert", "one language for what must hold"},
	"github.com/coder/websocket":               {"internal/probe/stream internal/probe/websocket internal/pushservice internal/webpush", "they speak WebSocket"},
	"github.com/quic-go/quic-go":               {"internal/httpx", "one HTTP client"},
	"github.com/miekg/dns":                     {"internal/probe/dns", "one kind, one protocol"},
	"github.com/prometheus-community/pro-bing": {"internal/probe/ping", "one kind, one protocol"},
	"google.golang.org/grpc":                   {"internal/probe/grpc", "one kind, one protocol"},
	"github.com/jackc/pgx":                     {"internal/probe/freshness", "databases are read in one place"},
	"github.com/go-sql-driver/mysql":           {"internal/probe/freshness", "databases are read in one place"},
	"modernc.org/sqlite":                       {"internal/probe/freshness", "databases are read in one place"},
	"github.com/prometheus/prometheus":         {"internal/history", "the server's code promises nothing to importers, and a build can leave it out"},
	"github.com/wneessen/go-mail":              {"internal/notify", "mails are made in one place"},
	"github.com/prometheus/exporter-toolkit":   {"internal/web", "one listener, one policy"},
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func TestArchitecture_Arrows(t *testing.T) {
	for _, pkg := range packages(t) {
		name := strings.TrimPrefix(pkg.ImportPath, module+"/")
		if name == "internal/probe/probetest" || name == "internal/query/querytest" {
			continue // imported by tests only, see below
		}
		i := slices.IndexFunc(layers, func(l struct {
			pkg     string
			imports []string
			reason  string
		},
		) bool {
			return match(l.pkg, name)
		})
		if i < 0 {
			t.Errorf("%s: not in the table of layers: decide what it may import, and add it with the reason", name)
			continue
		}
		for _, imported := range pkg.Imports {
			if own, ok := strings.CutPrefix(imported, module+"/"); ok {
				if !slices.ContainsFunc(layers[i].imports, func(allowed string) bool { return match(allowed, own) }) {
					t.Errorf("%s imports %s: %s", name, own, layers[i].reason)
				}
				continue
			}
			for mod, rule := range exclusive {
				if (imported == mod || strings.HasPrefix(imported, mod+"/")) && !slices.Contains(strings.Fields(rule.owners), name) {
					t.Errorf("%s imports %s, which only %s may: %s", name, imported, rule.owners, rule.reason)
				}
			}
		}
	}
}

// match reports whether a package is meant by an entry of the table.
func match(entry, name string) bool {
	ok, err := path.Match(entry, name)
	return ok && err == nil
}

// packages returns all packages of the module with what they import, tests left out.
func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg goPackage
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, pkg)
	}
	if len(all) < len(layers)-3 {
		t.Fatalf("go list found %d packages, want about %d", len(all), len(layers))
	}
	return all
}
