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
