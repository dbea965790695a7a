package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// at is a time of a day.
func at(clock string) time.Time {
	t, err := time.Parse("15:04:05", clock)
	if err != nil {
		panic(err)
	}
	return time.Date(2026, 11, 22, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// bundled returns an alert as the bundled rules make it.
func bundled(name, severity, from, until string, labels ...string) Alert {
	a := Alert{
		Labels: map[string]string{
			nameLabel: name, severityLabel: severity, channelLabel: "mobile-web", "title": "Mobile website",
			"owner_it": "web-platform@example.com", "owner_marketing": "brand-team@example.com",
		},
		Annotations: map[string]string{
			"summary": map[string]string{
				"ChannelPoor": "Mobile website is poor", "ChannelDegraded": "Mobile website is only fair",
				"TouchpointDown": "a page of mobile-web is down",
			}[name],
			"marketing":       "Fewer than half of our customers' visits to Mobile website are good right now.\nThe page does not open.",
			"it":              "Score of channel mobile-web over 5 minutes: 31. Connection refused takes 69 points. Nothing listens on the port.",
			"owner_it":        "web-platform@example.com",
			"owner_marketing": "brand-team@example.com",
		},
		Started: at(from),
	}
	if until != "" {
		a.Ended = at(until)
	}
	for _, pair := range labels {
		label, value, _ := strings.Cut(pair, "=")
		a.Labels[label] = value
	}
	return a
}

// toldOf runs alerts through a tracker, and returns what is told at the beginning or at the end. The first ones open the
// incident, more join it; those without an end are no longer reported from then on.
func toldOf(t *testing.T, ended bool, first []Alert, more ...Alert) notice {
	t.Helper()
	tr := newTracker(0, time.Minute, "berlin-1")
	var told []event
	step := func(clock string, alerts []Alert, end bool) {
		for _, a := range alerts {
			if !end {
				a.Ended = time.Time{}
			}
			if end == !a.Ended.IsZero() {
				tr.observe(a, at(clock))
			}
		}
		events, _ := tr.step(at(clock))
		told = append(told, events...)
	}
	step("10:02:30", first, false)
	if ended {
		both := append(slices.Clone(first), more...)
		step("10:07:00", both, false)
		step("10:20:30", both, true)
		step("10:21:30", nil, true)
	}
	last := told[len(told)-1]
	if last.ended != ended {
		t.Fatalf("got events %+v, want the last to be an end: %t", told, ended)
	}
	return newNotice(last, "berlin-1", at("10:31:00"))
}

func TestMessages_Golden(t *testing.T) {
	poor := bundled("ChannelPoor", "critical", "10:02:00", "10:20:15")
	fair := bundled("ChannelDegraded", "warning", "10:01:00", "10:19:00")
	lost := bundled("ChannelPoor", "critical", "10:02:00", "")
	blind := Alert{
		Labels: map[string]string{nameLabel: "AgentBlind", severityLabel: "critical", "instance": "berlin-1"},
		Annotations: map[string]string{
			"summary":   "Channelwatch on berlin-1 has lost its network",
			"marketing": "We cannot see how good our channels are from one place. It says nothing about the channels themselves.",
			"owner_it":  "the operators of Channelwatch", "owner_marketing": "nobody has to act",
		},
		Started: at("10:00:00"),
	}
	bare := Alert{Labels: map[string]string{channelLabel: "shop/../admin?x=1#y", nameLabel: "Custom"}, Started: at("10:00:00")}
	var many []Alert
	for i := range 25 {
		many = append(many, bundled("TouchpointDown", "warning", "10:01:00", "", fmt.Sprintf("touchpoint=page-%02d", i)))
	}
	tests := map[string]struct {
		notice notice
		late   bool
	}{
		"opened-poor":   {notice: toldOf(t, false, []Alert{poor, fair})},
		"opened-fair":   {notice: toldOf(t, false, []Alert{fair})},
		"ended":         {notice: toldOf(t, true, []Alert{poor})},
		"ended-worse":   {notice: toldOf(t, true, []Alert{fair}, poor)},
		"ended-late":    {notice: toldOf(t, true, []Alert{fair}, poor), late: true},
		"unreported":    {notice: toldOf(t, true, []Alert{lost})},
		"agent":         {notice: toldOf(t, false, []Alert{blind})},
		"bare":          {notice: toldOf(t, false, []Alert{bare})},
		"many-alerts":   {notice: toldOf(t, false, many)},
		"hostile-texts": {notice: toldOf(t, false, []Alert{hostile()})},
	}
	f := form{pages: "https://watch.example.com/agent", zone: time.FixedZone("CET", 3600)}
	mails := newEmail(Email{From: "Channelwatch <watch@example.com>", To: []string{"on-call@example.com"}, Owners: true}, "1.2.3", f)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			msg, err := mails.compose(&tt.notice, tt.late)
			if err != nil {
				t.Fatal(err)
			}
			var raw bytes.Buffer
			if _, err := msg.WriteTo(&raw); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".mail", printMail(t, raw.Bytes()))
			body, err := json.Marshal(newPayload(f, &tt.notice, tt.late))
			if err != nil {
				t.Fatal(err)
			}
			var indented bytes.Buffer
			if err := json.Indent(&indented, body, "", "  "); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", indented.String()+"\n")
		})
	}
}

// hostile returns an alert whose texts try to be more than text.
func hostile() Alert {
	const evil = "Shop\r\nBcc: everybody@example.org\r\n\r\n<script>alert(1)</script> <!channel> <https://evil.example|click> &amp; \"q\" {{.}} \u202egnp.exe \u2028\x00\x1b[31m*bold* `code`"
	return Alert{
		Labels: map[string]string{nameLabel: evil, severityLabel: evil, channelLabel: "shop", "title": evil, "x\r\ny": evil},
		Annotations: map[string]string{
			"summary": evil, "marketing": evil, "it": evil + strings.Repeat(" more", 1000),
			"owner_it": "a@example.com\r\nBcc: b@example.com", "owner_marketing": `"x> SIZE=1 <y"@example.com, <img src=x>`,
		},
		Started: at("10:00:00"),
	}
}

// printMail writes a mail as people can read it: headers by name, then each part decoded.
func printMail(t *testing.T, raw []byte) string {
	t.Helper()
	msg, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	var out strings.Builder
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	msg.Header["Content-Type"] = []string{kind}
	for _, name := range slices.Sorted(maps.Keys(msg.Header)) {
		for _, value := range msg.Header[name] {
			decoded, err := new(mime.WordDecoder).DecodeHeader(value)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%s: %s\n", name, decoded)
		}
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return out.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "\n===== %s, %s\n", part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"))
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		out.Write(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test ./internal/notify -run Golden -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
