package record_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
	"github.com/channelwatch/channelwatch/internal/record"
)

// TestNew compares the whole JSON form, because programs rely on it.
func TestNew(t *testing.T) {
	tp := &probe.Touchpoint{
		Channel: "web", Name: "home", Kind: "page", Limits: probe.Limits{Excellent: time.Second, Good: 2 * time.Second, Fair: 4 * time.Second},
		Built: probe.Built{Profile: probe.Profile{URL: "https://shop.example/"}},
	}
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	slow := probe.Result{Start: start, Duration: 3 * time.Second, Measurements: []probe.Measurement{{Metric: "page_bytes", Value: 7}}}
	slow.Phases.Add(probe.Wait, 2500*time.Millisecond)
	named := slow
	named.Slowest = "img#hero (https://shop.example/hero.jpg)"
	down := probe.Result{Start: start, Duration: time.Second, Reason: probe.ConnectRefused, Detail: "connecting: refused"}
	worded := down
	worded.Findings = []probe.Finding{{Check: probe.ConnectRefused, Title: "Log in failed", Marketing: "Customers cannot get past “Log in”.", Detail: "step 1: refused"}}
	const (
		loginRefused = `{"check":"connect_refused","dimension":"reachable","title":"Log in failed",` +
			`"marketing":"Customers cannot get past “Log in”.",` +
			`"it":"The port answered with a reset; check that something listens there and that no firewall rejects.","detail":"step 1: refused"}`
		slowServer = `{"check":"slow_server","dimension":"fast","title":"slow server",` +
			`"marketing":"Customers wait because the service takes long to answer.",` +
			`"it":"Time to first byte is the longest phase; check application, database and cache.",` +
			`"detail":"took 3 s, good is at most 2 s"}`
		slowHero = `{"check":"slow_server","dimension":"fast","title":"slow server",` +
			`"marketing":"Customers wait because the service takes long to answer.",` +
			`"it":"Time to first byte is the longest phase; check application, database and cache.",` +
			`"detail":"took 3 s, good is at most 2 s: img#hero (https://shop.example/hero.jpg)"}`
		refused = `{"check":"connect_refused","dimension":"reachable","title":"connection refused",` +
			`"marketing":"The service is off: customers get an error, or nothing at all.",` +
			`"it":"The port answered with a reset; check that something listens there and that no firewall rejects.","detail":"connecting: refused"}`
		blind = `{"check":"agent_blind","dimension":"reachable","title":"agent blind",` +
			`"marketing":"Our own network was down, so we could not see the channel.",` +
			`"it":"The control probe failed too: not the channel is gone but the agent's network; check its uplink and resolver."}`
		head = `{"channel":"web","touchpoint":"home","kind":"page","url":"https://shop.example/","start":"2026-11-22T12:00:00Z",`
	)
	tests := []struct {
		name    string
		result  probe.Result
		verdict func(*probe.Catalogue, *probe.Result) quality.Verdict
		err     string
		want    string
	}{
		{"slow", slow, nil, "", head + `"duration_seconds":3,"rating":"fair","cause":` + slowServer + `,
			"dimensions":{"correct":"excellent","fast":"fair","reachable":"excellent","trusted":"excellent"},
			"phases_seconds":{"wait":2.5},"findings":[` + slowServer + `],"measurements":[{"metric":"page_bytes","value":7}]}`},
		{"slow, and known why", named, nil, "", head + `"duration_seconds":3,"rating":"fair","cause":` + slowHero + `,
			"dimensions":{"correct":"excellent","fast":"fair","reachable":"excellent","trusted":"excellent"},
			"phases_seconds":{"wait":2.5},"findings":[` + slowHero + `],"measurements":[{"metric":"page_bytes","value":7}]}`},
		{"down", down, nil, "", head + `"duration_seconds":1,"rating":"poor","cause":` + refused + `,
			"dimensions":{"correct":"unknown","fast":"unknown","reachable":"poor","trusted":"unknown"},
			"phases_seconds":{},"reason":"connect_refused","detail":"connecting: refused","findings":[` + refused + `]}`},
		{"down, in the operator's words", worded, nil, "", head + `"duration_seconds":1,"rating":"poor","cause":` + loginRefused + `,
			"dimensions":{"correct":"unknown","fast":"unknown","reachable":"poor","trusted":"unknown"},
			"phases_seconds":{},"reason":"connect_refused","detail":"connecting: refused","findings":[` + loginRefused + `]}`},
		{
			"not measured",
			probe.Result{Start: start},
			func(*probe.Catalogue, *probe.Result) quality.Verdict { return quality.NotMeasured(probe.AgentBlind) },
			"no gateway", head + `"duration_seconds":0,"rating":"unknown","cause":` + blind + `,
			"dimensions":{"correct":"unknown","fast":"unknown","reachable":"unknown","trusted":"unknown"},
			"phases_seconds":{},"error":"no gateway","findings":[` + blind + `]}`,
		},
	}
	catalogue, err := probe.NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			verdict := quality.Rate(catalogue, tp.Limits, &tt.result)
			if tt.verdict != nil {
				verdict = tt.verdict(catalogue, &tt.result)
			}
			got, err := json.Marshal(record.New(catalogue, tp, &tt.result, verdict, tt.err))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decode(t, []byte(tt.want)), decode(t, got)); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

func decode(t *testing.T, text []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return value
}
