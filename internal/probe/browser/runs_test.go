package browser_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/egress"
	"github.com/channelwatch/channelwatch/internal/pageload"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/browser"
)

// took is a run whose largest content was painted after a time.
func took(d time.Duration) browser.Run {
	return browser.Run{Load: fine(func(l *pageload.Load) { l.Vitals.LCP = new(d) }), Wall: 7 * time.Second}
}

// broken is a run in which the page failed.
func broken() browser.Run {
	return browser.Run{Load: fine(func(l *pageload.Load) { l.Status = 500 }), Wall: 7 * time.Second}
}

// agents is a run that the agent could not do.
func agents(reason probe.Reason) browser.Run {
	return browser.Run{Reason: reason, Detail: "no luck", Wall: time.Second}
}

func TestConclude_Runs(t *testing.T) {
	t.Parallel()
	type want struct {
		Run    int
		Reason probe.Reason
		Detail string
		Spread float64
	}
	const weighs = "; status 200, 95007 bytes in 5 requests"
	for name, tt := range map[string]struct {
		runs []browser.Run
		want want
	}{
		"the median of three":      {[]browser.Run{took(3000 * ms), took(1000 * ms), took(2000 * ms)}, want{3, "", "largest content after 2s" + weighs + "; run 3 is the median of 3", 2}},
		"of five":                  {[]browser.Run{took(5 * ms), took(4 * ms), took(3 * ms), took(2 * ms), took(1 * ms)}, want{3, "", "largest content after 3ms" + weighs + "; run 3 is the median of 5", 0.004}},
		"the first of equals":      {[]browser.Run{took(1000 * ms), took(1000 * ms), took(1000 * ms)}, want{2, "", "largest content after 1s" + weighs + "; run 2 is the median of 3", 0}},
		"one failed":               {[]browser.Run{broken(), took(1000 * ms), took(2000 * ms)}, want{3, "", "largest content after 2s" + weighs + "; run 3 is the median of 3, of which 1 failed", 1}},
		"two failed":               {[]browser.Run{broken(), took(1000 * ms), broken()}, want{1, "status_unexpected", "status 500, want 2xx (2 of 3 runs failed)", -1}},
		"all failed":               {[]browser.Run{broken()}, want{1, "status_unexpected", "status 500, want 2xx", -1}},
		"the agent failed once":    {[]browser.Run{took(2000 * ms), agents("browser_crashed"), took(1000 * ms)}, want{3, "", "largest content after 1s" + weighs + "; run 3 is the median of 2", 1}},
		"the agent failed twice":   {[]browser.Run{agents("browser_starved"), agents("browser_crashed"), took(1000 * ms)}, want{3, "", "largest content after 1s" + weighs, -1}},
		"only the agent failed":    {[]browser.Run{agents("browser_missing"), agents("browser_missing")}, want{0, "browser_missing", "no luck", -1}},
		"agent and page failed":    {[]browser.Run{agents("browser_crashed"), broken()}, want{2, "status_unexpected", "status 500, want 2xx", -1}},
		"nothing was ever at rest": {[]browser.Run{{Load: fine(func(l *pageload.Load) { l.Settled = false })}}, want{1, "", "largest content after 1s" + weighs + "; the page never came to rest", -1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := concluded(func(c *browser.Config) { c.Runs = 3 }, tt.runs...)
			got := want{Reason: result.Reason, Detail: result.Detail, Spread: measured(&result, "web_vital_spread_seconds", "")}
			for _, visit := range result.Evidence.Visits {
				if visit.Published {
					got.Run = visit.Run
				}
			}
			if tt.want.Spread >= 0 && (got.Spread-tt.want.Spread < 1e-9 && got.Spread-tt.want.Spread > -1e-9) {
				got.Spread = tt.want.Spread
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("published (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConclude_FailedRuns(t *testing.T) {
	t.Parallel()
	hung := browser.Run{Load: fine(func(l *pageload.Load) { l.Hung = true })}
	for name, tt := range map[string]struct {
		runs []browser.Run
		want string
	}{
		"none":         {[]browser.Run{took(1000 * ms), took(1000 * ms), took(1000 * ms)}, ""},
		"one of three": {[]browser.Run{took(1000 * ms), broken(), took(1000 * ms)}, "runs_failed: 1 of 3 runs failed: run 2: status_unexpected (status 500, want 2xx)"},
		"two of five": {
			[]browser.Run{broken(), took(1000 * ms), hung, took(1000 * ms), took(1000 * ms)},
			"runs_failed: 2 of 5 runs failed: run 1: status_unexpected (status 500, want 2xx), run 3: page_hung (the page stopped answering after 6s)",
		},
		"most":         {[]browser.Run{took(1000 * ms), broken(), broken()}, "reason status_unexpected: status 500, want 2xx (2 of 3 runs failed)"},
		"by the agent": {[]browser.Run{took(1000 * ms), agents("browser_crashed"), took(1000 * ms)}, ""},
	} {
		result := concluded(func(c *browser.Config) { c.Runs = 5 }, tt.runs...)
		if diff := cmp.Diff(tt.want, findings(&result)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestConclude_Reasons(t *testing.T) {
	t.Parallel()
	none := func(cause string) *pageload.Load {
		return &pageload.Load{URL: "https://shop.example/", Error: cause, Duration: 2 * time.Second}
	}
	for name, tt := range map[string]struct {
		run    browser.Run
		reason probe.Reason
		phase  probe.Phase // that gets what is left
	}{
		"crashed":           {browser.Run{Load: fine(func(l *pageload.Load) { l.Crashed = true })}, "page_crashed", probe.Render},
		"sent in circles":   {browser.Run{Load: fine(func(l *pageload.Load) { l.Moves, l.Settled = 5, false })}, probe.RedirectLoop, probe.Wait},
		"between two pages": {browser.Run{Load: &pageload.Load{Moves: 9, Duration: time.Second}}, probe.RedirectLoop, probe.Wait},
		"circling by steps": {browser.Run{Load: fine(nil), End: fine(func(l *pageload.Load) { l.Moves, l.Settled, l.Start = 5, false, time.Now() })}, probe.RedirectLoop, probe.Wait},
		"hung":              {browser.Run{Load: fine(func(l *pageload.Load) { l.Hung = true })}, "page_hung", probe.Render},
		"a download":        {browser.Run{Load: fine(func(l *pageload.Load) { l.Download, l.Error = true, "net::ERR_ABORTED" })}, "page_download", probe.Wait},
		"nothing painted":   {browser.Run{Load: fine(func(l *pageload.Load) { l.Vitals = pageload.Vitals{TTFB: new(100 * ms)} })}, "nothing_painted", probe.Render},
		"too many bytes":    {browser.Run{Load: fine(nil), Egress: egress.Report{OverBytes: true}}, "page_too_large", probe.Render},
		"too many requests": {browser.Run{Load: fine(nil), Egress: egress.Report{OverRequests: true}}, "page_too_large", probe.Render},
		"a failed step":     {browser.Run{Load: fine(nil), Wall: 30 * time.Second, Reason: "step_failed", Detail: "step 1"}, "step_failed", probe.Render},
		"crashed by a step": {browser.Run{Load: fine(nil), End: fine(func(l *pageload.Load) { l.Crashed = true })}, "page_crashed", probe.Render},
		"hung by a step":    {browser.Run{Load: fine(nil), End: fine(func(l *pageload.Load) { l.Hung, l.Start = true, time.Now() })}, "page_hung", probe.Render},
		"steps to an error": {browser.Run{Load: fine(nil), Wall: 30 * time.Second, End: fine(func(l *pageload.Load) { l.Status, l.Start = 500, time.Now() })}, "step_failed", probe.Render},
		"an empty error":    {browser.Run{Load: fine(func(l *pageload.Load) { l.Status, l.Error = 404, "net::ERR_HTTP_RESPONSE_CODE_FAILURE" })}, "status_unexpected", probe.Wait},
		"no answer":         {browser.Run{Load: none("")}, probe.ResponseTimeout, probe.Wait},
		"unknown to us":     {browser.Run{Load: none("net::ERR_NEW_IN_CHROMIUM_200")}, probe.ResponseMalformed, probe.Wait},

		"name not found":    {browser.Run{Load: none("net::ERR_NAME_NOT_RESOLVED")}, probe.DNSNotFound, probe.Resolve},
		"port for mail":     {browser.Run{Load: none("net::ERR_UNSAFE_PORT")}, "port_blocked", probe.Connect},
		"refused":           {browser.Run{Load: none("net::ERR_CONNECTION_REFUSED")}, probe.ConnectRefused, probe.Connect},
		"no way":            {browser.Run{Load: none("net::ERR_ADDRESS_UNREACHABLE")}, probe.ConnectUnreachable, probe.Connect},
		"no connection":     {browser.Run{Load: none("net::ERR_CONNECTION_TIMED_OUT")}, probe.ConnectTimeout, probe.Connect},
		"reset":             {browser.Run{Load: none("net::ERR_CONNECTION_RESET")}, probe.ConnectionReset, probe.Wait},
		"closed":            {browser.Run{Load: none("net::ERR_CONNECTION_CLOSED")}, probe.ConnectionClosed, probe.Wait},
		"empty":             {browser.Run{Load: none("net::ERR_EMPTY_RESPONSE")}, probe.ConnectionClosed, probe.Wait},
		"out of time":       {browser.Run{Load: none("net::ERR_TIMED_OUT")}, probe.ResponseTimeout, probe.Wait},
		"expired":           {browser.Run{Load: none("net::ERR_CERT_DATE_INVALID")}, probe.TLSExpired, probe.TLS},
		"another name":      {browser.Run{Load: none("net::ERR_CERT_COMMON_NAME_INVALID")}, probe.TLSWrongHost, probe.TLS},
		"unknown authority": {browser.Run{Load: none("net::ERR_CERT_AUTHORITY_INVALID")}, probe.TLSUntrusted, probe.TLS},
		"handshake":         {browser.Run{Load: none("net::ERR_SSL_VERSION_OR_CIPHER_MISMATCH")}, probe.TLSHandshake, probe.TLS},
		"loop":              {browser.Run{Load: none("net::ERR_TOO_MANY_REDIRECTS")}, probe.RedirectLoop, probe.Wait},
		"unsafe redirect":   {browser.Run{Load: none("net::ERR_UNSAFE_REDIRECT")}, probe.RedirectMalformed, probe.Wait},
		"broken":            {browser.Run{Load: none("net::ERR_INVALID_HTTP_RESPONSE")}, probe.ResponseMalformed, probe.Wait},
		"long header":       {browser.Run{Load: none("net::ERR_RESPONSE_HEADERS_TOO_BIG")}, probe.HeaderTooLarge, probe.Wait},
		"cut off":           {browser.Run{Load: none("net::ERR_CONTENT_LENGTH_MISMATCH")}, probe.BodyTruncated, probe.Wait},
		"packed wrongly":    {browser.Run{Load: none("net::ERR_CONTENT_DECODING_FAILED")}, probe.EncodingInvalid, probe.Wait},

		"the proxy knows better": {
			browser.Run{Load: none("net::ERR_TUNNEL_CONNECTION_FAILED"), Egress: egress.Report{Conns: []egress.Conn{
				{Host: "shop.example", Port: 443, Error: probe.DNSTimeout, Detail: "no answer"},
			}}},
			probe.DNSTimeout, probe.Resolve,
		},
		"an address that is refused": {
			browser.Run{Load: none("net::ERR_TUNNEL_CONNECTION_FAILED"), Egress: egress.Report{Refused: []egress.Refusal{
				{Host: "shop.example", Port: 443, Reason: probe.AddressForbidden, Detail: "10.0.0.1 is private"},
			}}},
			probe.AddressForbidden, probe.Resolve,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := concluded(nil, tt.run)
			if result.Reason != tt.reason {
				t.Fatalf("got reason %q: %s, want %q", result.Reason, result.Detail, tt.reason)
			}
			checkFailed(t, &result)
			if longest, _ := result.Phases.Longest(); longest != tt.phase {
				t.Errorf("got phases %+v, want what is left in %v", result.Phases, tt.phase)
			}
		})
	}
}

func TestConclude_SaysWhatHappened(t *testing.T) {
	t.Parallel()
	crashed := fine(func(l *pageload.Load) { l.Crashed = true })
	for name, tt := range map[string]struct {
		run  browser.Run
		want string
	}{
		"a crash":     {browser.Run{Load: crashed}, "reason page_crashed: the page crashed at https://shop.example/, with no time left for a second try"},
		"two crashes": {browser.Run{Load: crashed, Again: true}, "reason page_crashed: the page crashed at https://shop.example/, and again in a fresh context"},
		"a circle": {
			browser.Run{Load: fine(func(l *pageload.Load) { l.Moves, l.Settled = 5, false })},
			"reason redirect_loop: the page sent itself on 5 times within 6s without coming to rest, in the end to https://shop.example/",
		},
		"a way through":          {browser.Run{Load: fine(func(l *pageload.Load) { l.Moves = 5 })}, ""},
		"a way that is not over": {browser.Run{Load: fine(func(l *pageload.Load) { l.Moves, l.Settled = 4, false })}, ""},
	} {
		result := concluded(nil, tt.run)
		if got := findings(&result); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestConclude_BrokenJourneyTakesAsLongAsItTook(t *testing.T) {
	t.Parallel()
	result := concluded(nil, browser.Run{Load: fine(nil), Wall: 30 * time.Second, Reason: "step_failed", Detail: "step 1"})
	if result.Duration != 30*time.Second || result.Phases.Sum() != result.Duration {
		t.Errorf("got %v in phases of %v, want all 30 s", result.Duration, result.Phases.Sum())
	}
}

func TestConclude_AgentsOwnTroubles(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]browser.Run{
		"the proxy's own": {Load: &pageload.Load{URL: "https://shop.example/", Error: "net::ERR_TUNNEL_CONNECTION_FAILED"}, Egress: egress.Report{
			Conns: []egress.Conn{{Host: "shop.example", Port: 443, Error: probe.NotMeasured, Detail: "too many open files"}},
		}},
		"the browser's memory": {Load: &pageload.Load{URL: "https://shop.example/", Error: "net::ERR_INSUFFICIENT_RESOURCES"}},
		"the browser's proxy":  {Load: &pageload.Load{URL: "https://shop.example/", Error: "net::ERR_PROXY_CONNECTION_FAILED"}},
	} {
		if result := concluded(nil, run); result.Reason != "browser_failed" || len(result.Measurements) > 0 {
			t.Errorf("%s: got reason %q: %s, want browser_failed", name, result.Reason, result.Detail)
		}
	}
}

func TestConclude_JourneyToAnotherPage(t *testing.T) {
	t.Parallel()
	end := fine(func(l *pageload.Load) {
		l.Start, l.URL, l.Text = l.Start.Add(8*time.Second), "https://shop.example/thanks", "Thank you"
		l.Vitals = pageload.Vitals{LCP: new(5 * time.Second), INP: new(90 * ms)}
		l.Weight.First.Bytes = 1
	})
	result := concluded(func(c *browser.Config) {
		c.Steps = []browser.Step{{Click: "#buy"}}
		c.Expect.Text = []string{"Thank you"}
	}, browser.Run{Load: fine(nil), End: end})
	if got := findings(&result); got != "" || result.Duration != time.Second || measured(&result, "page_party_bytes", "first") != 60_000 {
		t.Errorf("got %s, duration %v and %v bytes, want the figures of the first page and the text of the last", got, result.Duration,
			measured(&result, "page_party_bytes", "first"))
	}
	if got := measured(&result, "web_vital_seconds", "inp"); got != 0.09 {
		t.Errorf("got a reaction of %v s, want that to the step", got)
	}
	visits := result.Evidence.Visits
	if len(visits) != 2 || !visits[0].Published || visits[1].Published || visits[1].Vitals != nil || visits[1].URL != end.URL {
		t.Errorf("got visits %+v, want both pages, the first with the figures", visits)
	}
}

func TestNote_StarvedAgainstItsBest(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	inTurn := func(took ...time.Duration) []browser.Pace {
		paces := make([]browser.Pace, len(took))
		for i, d := range took {
			paces[i] = browser.Pace{At: time.Duration(i) * time.Minute, Took: d}
		}
		return paces
	}
	// slower is a host that is slow from its second minute on, looked at again later.
	slower := func(later ...time.Duration) []browser.Pace {
		paces := inTurn(20*ms, 20*ms, 90*ms, 90*ms)
		for _, at := range later {
			paces = append(paces, browser.Pace{At: at, Took: 90 * ms})
		}
		return paces
	}
	for name, tt := range map[string]struct {
		paces []browser.Pace
		want  []bool
	}{
		"steady":                {inTurn(20*ms, 20*ms, 21*ms, 39*ms, 40*ms), []bool{false, false, false, false, false}},
		"starved":               {inTurn(20*ms, 20*ms, 21*ms, 41*ms, 20*ms), []bool{false, false, false, true, false}},
		"learning is no time":   {inTurn(20*ms, 90*ms, 90*ms, 90*ms), []bool{false, false, false, true}},
		"the best is yet to be": {inTurn(90*ms, 90*ms, 90*ms, 90*ms, 20*ms, 90*ms), []bool{false, false, false, false, false, true}},
		"within a day":          {slower(day), []bool{false, false, false, true, true}},
		"slower for good":       {slower(day+1, day+2, day+3, day+4), []bool{false, false, false, true, false, false, false, false}},
		"starved after a day": {
			append(slower(day+1, day+2, day+3), browser.Pace{At: day + 4, Took: 181 * ms}),
			[]bool{false, false, false, true, false, false, false, true},
		},
		"a better best lasts anew": {
			append(inTurn(20*ms, 20*ms, 20*ms), browser.Pace{At: day, Took: 19 * ms}, browser.Pace{At: 2 * day, Took: 39 * ms}),
			[]bool{false, false, false, false, true},
		},
	} {
		if diff := cmp.Diff(tt.want, browser.Note(2, tt.paces...)); diff != "" {
			t.Errorf("%s: starved (-want +got):\n%s", name, diff)
		}
	}
}

func TestSoft404(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		title, heading, text string
		words                int
		want                 string
	}{
		{"Not Found", "Not Found", "", 900, `status 200, but the heading says "Not Found"`},
		{"404 - Page not found | Shop", "Oops, page not found!", "", 900, `status 200, but the heading says "Oops, page not found!"`},
		{"Shop", "Seite nicht gefunden", "", 100, `status 200, but the heading says "Seite nicht gefunden"`},
		{"Shop", "Die Seite wurde nicht gefunden.", "", 251, ""},
		{"Shop – 404", "Sorry", "", 60, `status 200, but the title says "Shop – 404"`},
		{"Error 404", "", "", 10, `status 200, but the title says "Error 404"`},
		{"Page introuvable", "Page introuvable", "", 400, `status 200, but the heading says "Page introuvable"`},
		{"Página no encontrada", "", "", 20, `status 200, but the title says "Página no encontrada"`},
		{"ページが見つかりません", "", "", 20, `status 200, but the title says "ページが見つかりません"`},
		{"Shop", "", "Sorry, this page does not exist. Home", 7, `status 200, but the text says "sorry, this page does not exist"`},
		{"Shop", "", "The page was not found", 41, ""},
		{"Peugeot 404 for sale", "Peugeot 404", "A car", 30, ""},
		{"Shirt “404 not found” in black", "Shirt “404 not found” in black", "Funny", 120, ""},
		{"How to find pages that were not found", "Lost pages", "", 30, ""},
		{"Shoes", "Shoes", "Found nothing? Call us.", 20, ""},
		{"", "", "", 0, ""},
	} {
		load := fine(func(l *pageload.Load) {
			l.Content, l.Text = probe.Content{Title: tt.title, Heading: tt.heading, Words: tt.words}, tt.text
		})
		if got := browser.Soft404(load); got != tt.want {
			t.Errorf("title %q, heading %q, text %q of %d words: got %q, want %q", tt.title, tt.heading, tt.text, tt.words, got, tt.want)
		}
	}
}
