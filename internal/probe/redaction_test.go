package probe_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestRedaction_HidesEveryText(t *testing.T) {
	t.Parallel()
	echo := "you sent Bearer hunter2, that is hunter2 and key-42"
	result := probe.Result{
		Detail:   echo,
		Findings: []probe.Finding{{Detail: echo}},
		Evidence: &probe.Evidence{
			Exchanges: []probe.Exchange{{URL: echo, BodyStart: echo, Header: []probe.Header{{Name: "Location", Value: echo}}}},
			Events:    []probe.Event{{Text: echo}},
		},
	}
	probe.NewRedaction("Bearer hunter2", "key-42").Hide(&result)
	exchange := result.Evidence.Exchanges[0]
	want := "you sent [redacted], that is [redacted] and [redacted]"
	for name, got := range map[string]string{
		"detail": result.Detail, "finding": result.Findings[0].Detail, "url": exchange.URL, "body": exchange.BodyStart,
		"header": exchange.Header[0].Value, "event": result.Evidence.Events[0].Text,
	} {
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if printed := fmt.Sprintf("%+v", result); strings.Contains(printed, "hunter2") || strings.Contains(printed, "key-42") {
		t.Errorf("got a secret in %s", printed)
	}
}

func TestRedaction_HidesEveryTextOfAVisit(t *testing.T) {
	t.Parallel()
	const echo = "you typed hunter2"
	largest := &probe.Element{Selector: echo, URL: echo}
	result := probe.Result{
		Slowest: echo,
		Evidence: &probe.Evidence{Visits: []probe.Visit{{
			URL: echo, Largest: largest, Shifts: []probe.Shift{{Selector: echo}},
			Content:  probe.Content{Title: echo, Heading: echo},
			Requests: []probe.Request{{URL: echo, Site: echo, MIME: echo, Error: echo}},
			Console:  []probe.ConsoleLine{{Text: echo, URL: echo}},
		}}},
	}
	probe.NewRedaction("hunter2").Hide(&result)
	visit := result.Evidence.Visits[0]
	want := "you typed [redacted]"
	for name, got := range map[string]string{
		"slowest": result.Slowest, "url": visit.URL, "selector": visit.Largest.Selector, "resource": visit.Largest.URL,
		"shift": visit.Shifts[0].Selector, "title": visit.Content.Title, "heading": visit.Content.Heading,
		"request": visit.Requests[0].URL, "site": visit.Requests[0].Site, "media type": visit.Requests[0].MIME,
		"error": visit.Requests[0].Error, "console": visit.Console[0].Text, "script": visit.Console[0].URL,
	} {
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	data, err := json.Marshal(result)
	if err != nil || strings.Contains(string(data), "hunter2") {
		t.Errorf("got %s and error %v, want no secret", data, err)
	}
	if largest.Selector != echo {
		t.Errorf("got %q in an element that others hold, want it as it was", largest.Selector)
	}
}

func TestRedaction_HidesNothingWithoutSecrets(t *testing.T) {
	t.Parallel()
	for name, redaction := range map[string]probe.Redaction{"zero": {}, "none": probe.NewRedaction(), "empty": probe.NewRedaction("")} {
		result := probe.Result{Detail: "as it was"}
		redaction.Hide(&result)
		if got := redaction.Text("as it was"); got != "as it was" || result.Detail != "as it was" {
			t.Errorf("%s: got %q and %q, want the texts unchanged", name, got, result.Detail)
		}
	}
}

func TestRedaction_NeedsNoEvidence(t *testing.T) {
	t.Parallel()
	result := probe.Result{Detail: "token s3cret"}
	probe.NewRedaction("s3cret").Hide(&result)
	if want := "token [redacted]"; result.Detail != want {
		t.Errorf("got %q, want %q", result.Detail, want)
	}
}

func TestRedaction_Text(t *testing.T) {
	t.Parallel()
	redaction := probe.NewRedaction("Bearer abc+/=def\"ghi", "Basic bWU6aHVudGVyMg==") // me:hunter2
	for name, tc := range map[string]struct{ text, want string }{
		"whole":                 {`sent abc+/=def"ghi!`, `sent [redacted]!`},
		"with its scheme":       {`sent Bearer abc+/=def"ghi!`, `sent [redacted]!`},
		"in a path":             {`/login/abc+%2F=def%22ghi/`, `/login/[redacted]/`},
		"in a query":            {`?t=abc%2B%2F%3Ddef%22ghi&x`, `?t=[redacted]&x`},
		"quoted":                {`got "abc+/=def\"ghi", want "x"`, `got "[redacted]", want "x"`},
		"basic":                 {`user me with bWU6aHVudGVyMg== is hunter2`, `user me with [redacted] is [redacted]`},
		"cut at the end":        {`the body starts with abc+/=`, `the body starts with [redacted]`},
		"cut with its scheme":   {`the body starts with Bearer abc`, `the body starts with [redacted]`},
		"cut before the last":   {`abc+/=def"gh`, `[redacted]`},
		"cut by an ellipsis":    {`abc+/=d… and more`, `[redacted]… and more`},
		"cut in quotes":         {`got "abc+/=d"…, want "x"`, `got "[redacted]"…, want "x"`},
		"cut in a path":         {`/login/abc+%2F…`, `/login/[redacted]…`},
		"cut at a query value":  {`/login?abc+/=xxx&t=xxx`, `/login?[redacted]xxx&t=xxx`},
		"cut twice":             {`abc+…, abc+/…`, `[redacted]…, [redacted]…`},
		"too little":            {`abc…`, `abc…`},
		"no end of a text":      {`abc+ and more`, `abc+ and more`},
		"the end of the secret": {`f"ghi`, `f"ghi`},
		"in HTML":               {`<b>abc+/=def&#34;ghi</b>`, `<b>[redacted]</b>`},
		"in HTML by name":       {`<b>abc+/=def&quot;ghi</b>`, `<b>[redacted]</b>`},
		"in HTML by number":     {`<b>abc&#x2B;/=def&#x22;ghi</b>`, `<b>[redacted]</b>`},
		"in JSON":               {`{"t":"abc+\/=def\"ghi"}`, `{"t":"[redacted]"}`},
		"in JSON by number":     {`{"t":"abc\u002b/\u003ddef\u0022ghi"}`, `{"t":"[redacted]"}`},
		"in quoted JSON":        {`got "{\"t\":\"abc+\\/=def\\\"ghi\"}", want "x"`, `got "{\"t\":\"[redacted]\"}", want "x"`},
		"in quoted JSON, cut":   {`starts with "{\"t\":\"abc+\\"…`, `starts with "{\"t\":\"[redacted]"…`},
		"in small letters":      {`?t=abc%2b%2f%3ddef%22ghi`, `?t=[redacted]`},
		"cut in an escape":      {`/login/abc+%2F=def%2`, `/login/[redacted]`},
		"cut in an entity":      {`abc+/=def&quo…`, `[redacted]…`},
		"nothing":               {``, ``},
		"only a mark":           {`…`, `…`},
	} {
		if got := redaction.Text(tc.text); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestRedaction_Secrets(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		secrets    []string
		text, want string
	}{
		"one in another":        {[]string{"abcd", "abcdefgh"}, "key abcdefgh, abcd", "key [redacted], [redacted]"},
		"one over another":      {[]string{"xabcd", "abcdefgh"}, "key xabcdefgh!", "key [redacted]!"},
		"one behind another":    {[]string{"abcd", "efgh"}, "abcdefgh", "[redacted][redacted]"},
		"value of a cookie":     {[]string{`session=s3cr3t; id="q9f7"`}, "got s3cr3t and q9f7", "got [redacted] and [redacted]"},
		"whole cookie":          {[]string{"session=s3cr3t; theme=dark"}, "Cookie: session=s3cr3t; theme=dark.", "Cookie: [redacted]."},
		"short value":           {[]string{"session=s3cr3t; b=on"}, "on the way", "on the way"},
		"too short":             {[]string{"abc"}, "abc", "abc"},
		"just long enough":      {[]string{"abcd"}, "abcd", "[redacted]"},
		"escapes in the secret": {[]string{`a%25b&amp;c\\d`}, `a%25b&amp;c\\d a%2525b%26amp;c%5C%5Cd a%25b&amp;amp;c\\\\d`, "[redacted] [redacted] [redacted]"},
		"marks in the secret":   {[]string{"abcdxxxyyy…z"}, "abcdxxx abcdxxxyyy… abcdxxxyyy…z", "[redacted]xxx [redacted]… [redacted]"},
		"other letters":         {[]string{"größe-№1"}, `gr%C3%B6%C3%9Fe-%E2%84%961 gr&ouml;&szlig;e-№1 gr\u00f6\u00dfe-\u21161 größ…`, "[redacted] [redacted] [redacted] [redacted]…"},
		"spaces":                {[]string{"one two  three"}, "one+two%20+three one two three", "[redacted] one two three"},
	} {
		if got := probe.NewRedaction(tc.secrets...).Text(tc.text); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

// spellings returns the ways in which services write a character.
func spellings(char byte) []string {
	quoted := strconv.Quote(string(char))
	all := []string{
		string(char), url.QueryEscape(string(char)), url.PathEscape(string(char)), html.EscapeString(string(char)), quoted[1 : len(quoted)-1],
		fmt.Sprintf("%%%02x", char), fmt.Sprintf("%%%02X", char), fmt.Sprintf(`\u%04x`, char), fmt.Sprintf(`\x%02x`, char),
		fmt.Sprintf("&#%d;", char), fmt.Sprintf("&#x%X;", char),
	}
	if char != '\\' {
		twice := strconv.Quote(all[4]) // as in JSON that a detail quotes
		all = append(all, twice[1:len(twice)-1], fmt.Sprintf(`\\u%04x`, char))
	}
	return slices.Compact(all)
}

// TestRedaction_Property tries made-up secrets in every mix of spellings, cut anywhere: nowhere is a run of four
// characters left, however each is written. Secrets and what surrounds them share no character.
func TestRedaction_Property(t *testing.T) {
	t.Parallel()
	const (
		ofSecrets = `BCDGHIJKLMNOPQRSUVWXYZ0123456789 "%&'+/;<=>\^~!#`
		ofTexts   = "befghijklmno .,:()\n"
		rounds    = 5_000
		run       = 4
	)
	random := rand.New(rand.NewPCG(3, 4))
	pick := func(from string, n int) string {
		text := make([]byte, n)
		for i := range text {
			text[i] = from[random.IntN(len(from))]
		}
		return string(text)
	}
	for range rounds {
		secret := pick(ofSecrets, run+random.IntN(30))
		var spelling []string
		for i := range len(secret) {
			ways := spellings(secret[i])
			spelling = append(spelling, ways[random.IntN(len(ways))])
		}
		spelled := strings.Join(spelling, "")
		before := pick(ofTexts, random.IntN(40))
		text := before + spelled + pick(ofTexts, random.IntN(40))
		cut := random.IntN(len(text) + 1)
		for _, text := range []string{text, text[:cut], probe.Clip(text, cut), strconv.Quote(before) + `"` + probe.Clip(spelled, min(cut, len(spelled))) + `" and so on`} {
			got := probe.NewRedaction("of no use", secret).Text(text)
			for i := range len(spelling) - run + 1 {
				if window := strings.Join(spelling[i:i+run], ""); strings.Contains(got, window) {
					t.Fatalf("secret %q: %q of %q is left in %q", secret, window, text, got)
				}
			}
			if !strings.HasPrefix(got, before[:min(len(before), cut)]) && strings.HasPrefix(text, before) {
				t.Fatalf("secret %q: got %q of %q, want what stands before the secret", secret, got, text)
			}
		}
	}
}

// A server chooses how long a text is. Were the cost to grow with the square of it, marks of cuts would take more than an
// hour here.
func TestRedaction_LongTexts(t *testing.T) {
	t.Parallel()
	redaction := probe.NewRedaction("abcd", `\\%25&amp;a`)
	for unit, size := range map[string]int{"xxx": 16 << 20, `"`: 16 << 20, "abc…": 1 << 20, `\`: 1 << 20, "%25": 1 << 20, "&amp;": 1 << 20} {
		text := strings.Repeat(unit, size/len(unit))
		if got := redaction.Text(text + "abcd"); got != text+"[redacted]" {
			t.Errorf("%q over and over: got %d bytes that end in %q, want them as they were and the secret hidden", unit, len(got), got[max(0, len(got)-20):])
		}
	}
}

func BenchmarkRedaction_Text(b *testing.B) {
	redaction := probe.NewRedaction("Bearer 0123456789abcdef0123456789abcdef")
	text := strings.Repeat(`<p class="price">Größe 41 &amp; 42: 10 % off</p>`, 85) // as much as evidence keeps of a body
	for b.Loop() {
		redaction.Text(text)
	}
}

func TestRedaction_ErrorKeepsItsCauseAndHidesItsText(t *testing.T) {
	redaction := probe.NewRedaction("s3cret-token")
	cause := fmt.Errorf("requesting https://push.example.com/3/device/s3cret-token: %w", os.ErrDeadlineExceeded)
	got := redaction.Error(cause)
	if want := "requesting https://push.example.com/3/device/[redacted]: i/o timeout"; got.Error() != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(got, os.ErrDeadlineExceeded) {
		t.Errorf("%v does not tell its cause", got)
	}
	if err := redaction.Error(nil); err != nil {
		t.Errorf("no error became %v", err)
	}
}
