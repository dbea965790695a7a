//go:build !nohistory

package history

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// secret is a value that must be told by nobody.
const sesame = "open-sesame-4711"

// blockCase is a block and what is said of it, one mistake an element.
type blockCase struct {
	name, text string
	want       []string
}

func checkBlocks(t *testing.T, check func(Block) error, cases []blockCase) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte(sesame), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			err := check(Block{Text: []byte(tt.text), Dir: dir})
			var got []string
			if several, ok := err.(interface{ Unwrap() []error }); ok {
				for _, one := range several.Unwrap() {
					if mistake := (*BlockError)(nil); !errors.As(one, &mistake) {
						t.Errorf("%v is no BlockError", one)
					}
					got = append(got, strings.ReplaceAll(one.Error(), dir, "DIR"))
				}
			} else if err != nil {
				t.Fatalf("got one error, want a list: %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(strings.Join(got, "\n"), sesame[:6]) {
				t.Error("the secret is told")
			}
		})
	}
}

func TestCheckAlerting(t *testing.T) {
	checkBlocks(t, CheckAlerting, []blockCase{
		{name: "nothing"},
		{name: "comments", text: "# nothing\n"},
		{name: "the bundled example", text: "alertmanagers:\n  - static_configs:\n      - targets: [\"alertmanager:9093\"]\n"},
		{name: "all that is possible", text: `
  alert_relabel_configs:
    - {action: labeldrop, regex: instance}
  alertmanagers:
    - scheme: https
      path_prefix: /am
      timeout: 5s
      api_version: v2
      basic_auth: {username: u, password_file: password}
      tls_config: {insecure_skip_verify: true}
      static_configs: [{targets: ['a:9093', 'b:9093']}]
      file_sd_configs: [{files: [alertmanagers/*.yaml]}]
      relabel_configs: [{source_labels: [__address__], regex: 'a:.*', action: keep}]
      alert_relabel_configs: [{target_label: team, replacement: shop}]
`},
		{name: "a list", text: "- static_configs: []\n", want: []string{"line 1: got a list, want a mapping with alertmanagers"}},
		{name: "a text", text: sesame, want: []string{"line 1: got a text, want a mapping with alertmanagers"}},
		{
			name: "lines of the file, the block begins at the third", text: "\n\n  alertmanager:\n    - x\n",
			want: []string{"line 3: unknown key alertmanager"},
		},
		{name: "not YAML", text: "alertmanagers:\n  - {scheme: http\n", want: []string{"line 2: did not find expected ',' or '}'"}},
		{name: "every unknown key at once", text: "alertmanagers:\n  - schema: http\n    static_config: []\n", want: []string{
			"line 2: unknown key schema", "line 3: unknown key static_config",
		}},
		{name: "a key twice", text: "alertmanagers:\n  - scheme: http\n    scheme: https\n", want: []string{"line 3: key scheme is there twice"}},
		{
			name: "a list where there is none", text: "alertmanagers: {static_configs: []}\n",
			want: []string{"line 1: got a mapping, want a list"},
		},
		{
			name: "a text for a mapping, which may be a secret", text: "alertmanagers:\n  - basic_auth: user:" + sesame + "\n",
			want: []string{"line 2: got a text, want a mapping"},
		},
		{name: "discovery that is not there", text: "alertmanagers:\n  - dns_sd_configs: [{names: [x]}]\n  - kubernetes_sd_configs: [{role: pod}]\n", want: []string{
			"line 2: dns_sd_configs is not part of this agent: list Alertmanagers in static_configs or file_sd_configs",
			"line 3: kubernetes_sd_configs is not part of this agent: list Alertmanagers in static_configs or file_sd_configs",
		}},
		{name: "a way to sign in that asks the network", text: "alertmanagers:\n  - sigv4: {region: x}\n", want: []string{
			"line 2: sigv4 is not part of this agent: use basic_auth, authorization or oauth2, or send through a proxy that signs",
		}},
		{
			name: "an address with a password", text: "alertmanagers:\n  - static_configs: [{targets: ['u:" + sesame + "@x:9093']}]\n",
			want: []string{"line 2: a target with credentials: they belong in basic_auth"},
		},
		{
			name: "an address with a path", text: "alertmanagers:\n  - scheme: http\n  - static_configs: [{targets: ['http://x:9093/']}]\n",
			want: []string{`line 3: "http://x:9093/" is not a valid hostname`},
		},
		{name: "an old version", text: "alertmanagers:\n  - api_version: v1\n", want: []string{
			"line 2: expected Alertmanager api version to be one of [v2] but got v1",
		}},
		{name: "two ways to sign in", text: "alertmanagers:\n  - basic_auth: {username: u, password: " + sesame + "}\n    authorization: {credentials: " + sesame + "}\n", want: []string{
			"line 2: at most one of basic_auth, oauth2 & authorization must be configured",
		}},
		{name: "a file that is not there", text: "alertmanagers:\n  - basic_auth: {username: u, password_file: nowhere}\n    tls_config:\n      ca_file: /nowhere/ca.pem\n", want: []string{
			"line 2: password_file: stat DIR/nowhere: no such file or directory",
			"line 4: ca_file: stat /nowhere/ca.pem: no such file or directory",
		}},
		{name: "a directory for a file", text: "alertmanagers:\n  - authorization: {credentials_file: .}\n", want: []string{
			"line 2: credentials_file: DIR is a directory, want a file",
		}},
		{name: "a certificate that is none", text: "alertmanagers:\n  - tls_config: {ca_file: password}\n", want: []string{
			"line 2: unable to use specified CA cert file DIR/password",
		}},
		{name: "aliases", text: "alertmanagers:\n  - &a {scheme: https, static_configs: &s [{targets: ['x:1']}]}\n  - *a\n  - {static_configs: *s}\n"},
		{name: "merged keys", text: "<<: {alertmanagers: [{static_configs: [{targets: ['x:1']}]}]}\n"},
		{name: "an empty entry", text: "alertmanagers:\n  -\n", want: []string{"alertmanagers holds an empty entry"}},
		{name: "relabelling to a name that is none", text: "alert_relabel_configs:\n  - {action: replace}\n", want: []string{
			"relabel configuration for replace action requires 'target_label' value",
		}},
	})
}

func TestCheckRemoteWrite(t *testing.T) {
	checkBlocks(t, CheckRemoteWrite, []blockCase{
		{name: "nothing"},
		{name: "nothing at all", text: "null\n"},
		{name: "one", text: "- url: https://x/api/v1/write\n"},
		{name: "all that is possible", text: `
- name: mimir
  url: https://mimir.example/api/v1/push
  remote_timeout: 10s
  headers: {X-Scope-OrgID: shop}
  write_relabel_configs:
    - {source_labels: [__name__], regex: 'channel:.*', action: keep}
  send_exemplars: false
  send_native_histograms: true
  protobuf_message: io.prometheus.write.v2.Request
  authorization: {type: Bearer, credentials_file: password}
  tls_config: {server_name: x, insecure_skip_verify: true}
  proxy_url: http://proxy.example:3128
  queue_config: {capacity: 10000, max_shards: 5, max_samples_per_send: 2000, batch_send_deadline: 5s, min_backoff: 30ms, max_backoff: 5s, retry_on_http_429: true}
  metadata_config: {send: false}
- {name: other, url: 'http://x:8428/api/v1/write', basic_auth: {username: u, password: ` + sesame + `}}
`},
		{name: "a mapping", text: "url: http://x/\n", want: []string{"line 1: got a mapping, want a list of receivers"}},
		{name: "no URL, of the second", text: "- {url: 'http://x/'}\n\n- {name: y}\n", want: []string{"line 3: url for remote_write is empty"}},
		{name: "several mistakes without a line of upstream's", text: "- {name: x}\n- {url: 'http://x/', protobuf_message: v3}\n", want: []string{
			"line 1: url for remote_write is empty",
			"line 2: invalid protobuf_message value: unknown type for remote write protobuf message v3, supported: prometheus.WriteRequest, io.prometheus.write.v2.Request",
		}},
		{name: "URLs that are none, with a password", text: "- url: 'http://u:" + sesame + "/x@host:80'\n- url: x/" + sesame + "\n", want: []string{
			"line 1: url: not a URL, want one such as https://host/path",
			"line 2: url: not a URL, want one such as https://host/path",
		}},
		{name: "a number, a truth and a key", text: "- url: http://x/\n  send_native_histograms: often\n  queue_config:\n    capacity: " + sesame + "\n    max: 1\n", want: []string{
			"line 2: got a text, want true or false", "line 4: got a text, want a whole number", "line 5: unknown key max",
		}},
		{name: "a duration", text: "- {url: 'http://x/', remote_timeout: soon}\n", want: []string{`line 1: not a valid duration string: "soon"`}},
		{name: "a secret in the wrong place, which upstream quotes", text: "- {url: 'http://x/', remote_timeout: " + sesame + ", headers: {X-Key: " + sesame + "}}\n", want: []string{
			`line 1: not a valid duration string: "<hidden>"`,
		}},
		{name: "a reserved header", text: "- {url: 'http://x/', headers: {Authorization: " + sesame + "}}\n", want: []string{
			"line 1: authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter",
		}},
		{name: "two of one name", text: "- {url: 'http://x/', name: a}\n- {url: 'http://y/', name: a}\n", want: []string{"line 2: two receivers are named a"}},
		{name: "an empty entry", text: "-\n", want: []string{"the list holds an empty entry"}},
		{name: "a password that is quoted by upstream", text: "- url: http://x/\n  authorization: {type: basic, credentials: " + sesame + "}\n", want: []string{
			`line 1: authorization type cannot be set to "basic", use "basic_auth" instead`,
		}},
	})
}

func TestBlockError_NamesTheLineIfItIsKnown(t *testing.T) {
	for _, tt := range []struct {
		err  BlockError
		want string
	}{{BlockError{Line: 3, Text: "unknown key x"}, "line 3: unknown key x"}, {BlockError{Text: "unknown key x"}, "unknown key x"}} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestForeignLog_TellsNoSecrets(t *testing.T) {
	const block = `
- url: https://u:` + sesame + `@host/write?token=` + sesame + `
  headers: {X-Key: ` + sesame + `}
- url: https://other/write
  basic_auth: {username: u, password: "pa\"ss"}
`
	d, err := readBlock(Block{Text: []byte(block)})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := foreignLog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})), d.hide)
	log = log.With("url", "https://u:"+sesame+"@host/write?token="+sesame).WithGroup("g")
	log.Info("starting "+sesame, "err", errors.New(`Post "https://u:***@host/write?token=`+sesame+`": refused`))
	log.Warn("later", "quoted", `"pa\"ss"`, "plain", `pa"ss`, "count", 7, "for", time.Second)
	log.Error("dropped", "err", errors.Join(errors.New("commit"), errNotAppending))
	log.Debug("shown")
	got := out.String()
	for _, secret := range []string{sesame, `pa"ss`, `pa\"ss`, `pa\\\"ss`} {
		if strings.Contains(got, secret) {
			t.Errorf("%q is told in:\n%s", secret, got)
		}
	}
	for _, want := range []string{
		`level=DEBUG msg="starting <hidden>" url=https://host/write g.err="Post \"https://u:***@host/write?<hidden>\": refused"`,
		`level=WARN msg=later url=https://host/write g.quoted="\"<hidden>\"" g.plain=<hidden> g.count=7 g.for=1s`,
		`level=DEBUG msg=shown`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("want %s in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "dropped") {
		t.Errorf("what the store says once is said for every series:\n%s", got)
	}
	foreignLog(nil, d.hide).Error("to nobody")
}

// FuzzBlocks looks for a block that ends the program.
func FuzzBlocks(f *testing.F) {
	for _, text := range []string{
		"alertmanagers:\n  - static_configs: [{targets: ['x:1']}]\n    basic_auth: {username: u, password: p}\n",
		"alert_relabel_configs: [{action: labeldrop, regex: x}]\nalertmanagers: [null, {file_sd_configs: [{files: [a.yaml]}]}]",
		"- &a {url: 'http://u:p@x/?q=1', headers: {A: b}}\n- *a\n- <<: *a\n  name: x\n", "- null", "{a: [b, {c: d}]}", "*a", "!!binary x",
	} {
		f.Add(text)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		_ = CheckAlerting(Block{Text: []byte(text)})
		_ = CheckRemoteWrite(Block{Text: []byte(text)})
	})
}
