package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
	"github.com/channelwatch/channelwatch/internal/recent"
	"github.com/channelwatch/channelwatch/internal/web"
)

// rulesKind declares what rules of operators can find, as the kinds with a response do.
func rulesKind() probe.Kind { return probe.Kind{Name: "api", Checks: assert.AssertionChecks()} }

// withRules serves one touchpoint whose last result broke rules.
func withRules(t *testing.T, s *source, findings ...probe.Finding) string {
	t.Helper()
	catalogue, err := probe.NewCatalogue([]probe.Kind{rulesKind()})
	if err != nil {
		t.Fatal(err)
	}
	ring := recent.New(1 << 20)
	tp := s.channels[0].Touchpoints[0]
	result := probe.Result{Start: time.Now(), Duration: 120 * time.Millisecond, Findings: findings}
	ring.Add(recent.Entry{Touchpoint: tp, Result: result, Verdict: quality.Rate(catalogue, tp.Limits, &result)})
	return serve(t, s, func(o *web.Options) { o.Catalogue, o.Recent = catalogue, ring })
}

// TestTouchpoint_RulesSpeakInTheOperatorsWords shows each broken rule by its name, with its sentences or the catalogue's.
func TestTouchpoint_RulesSpeakInTheOperatorsWords(t *testing.T) {
	base := withRules(
		t, &source{channels: channels()},
		probe.Finding{
			Check: assert.AssertionPoor, Title: "Prices are shown", Marketing: "Customers see no prices.", IT: "Look at the price service.",
			Detail: "$.items[0].price selects nothing, want at least 1",
		},
		probe.Finding{Check: assert.AssertionPoor, Title: "Basket <b>\u202eopens", Detail: `"json.open" is false, want true`},
		probe.Finding{Check: assert.AssertionInfo, Title: "Trace is sent", Detail: "Traceparent is missing"},
	)
	page := document(t, base+"/touchpoints/web/home")
	if diff := cmp.Diff([]string{"Prices are shown correct", "Basket <b>\u202eopens correct", "Trace is sent correct"}, texts(find(page, "article h4"))); diff != "" {
		t.Errorf("titles (-want +got):\n%s", diff)
	}
	const broken = " of this touchpoint is broken; its title names it, see the detail for what was wanted and what came. "
	want := []string{
		"Customers see no prices.", "Look at the price service. $.items[0].price selects nothing, want at least 1",
		"Customers do not get something that they must get here.", "A rule of severity poor" + broken + `"json.open" is false, want true`,
		"Something here is different from what was expected; customers do not mind.", "A rule of severity info" + broken + "Traceparent is missing",
	}
	if diff := cmp.Diff(want, texts(find(page, "article dl.sentences dd"))); diff != "" {
		t.Errorf("sentences (-want +got):\n%s", diff)
	}
	if got := text(find(page, "article h4 bdi")[1]); got != "Basket <b>\u202eopens" {
		t.Errorf("the title %q is not kept from turning what stands beside it", got)
	}
	_, body := request(t, http.MethodGet, base+"/api/v1/results?channel=web&touchpoint=home")
	for _, part := range []string{`"check":"assertion_poor"`, `"title":"Prices are shown"`, `"marketing":"Customers see no prices."`, `"it":"Look at the price service."`} {
		if !strings.Contains(strings.ReplaceAll(body, ": ", ":"), part) {
			t.Errorf("the JSON does not hold %s:\n%s", part, body)
		}
	}
}

// TestStatus_SaysWhatKeepsAResultFromExcellent passes over what is only worth knowing.
func TestStatus_SaysWhatKeepsAResultFromExcellent(t *testing.T) {
	info := probe.Finding{Check: assert.AssertionInfo, Title: "Trace is sent", Marketing: "Nothing that customers see."}
	good := probe.Finding{Check: assert.AssertionGood, Title: "Prices are recent", Marketing: "Prices are an hour old."}
	for name, tt := range map[string]struct {
		findings []probe.Finding
		want     string
	}{
		"info alone":       {[]probe.Finding{info}, "Nothing to complain about."},
		"good behind info": {[]probe.Finding{info, good}, "Prices are an hour old."},
	} {
		page := document(t, withRules(t, &source{channels: channels()}, tt.findings...)+"/")
		if got := text(find(page, "td.why")[0]); got != tt.want {
			t.Errorf("%s: the page says %q, want %q", name, got, tt.want)
		}
	}
}
