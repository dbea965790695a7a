package probe_test

import (
	"fmt"
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
		"cut at a query value":  {`/login?abc+/=xxx&t=xxx`, `/login?[redacted]=xxx&t=xxx`},
		"cut twice":             {`abc+…, abc+/…`, `[redacted]…, [redacted]…`},
		"too little":            {`abc…`, `abc…`},
		"no end of a text":      {`abc+ and more`, `abc+ and more`},
		"the end of the secret": {`=def"ghi`, `=def"ghi`},
		"nothing":               {``, ``},
		"only a mark":           {`…`, `…`},
	} {
		if got := redaction.Text(tc.text); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}
