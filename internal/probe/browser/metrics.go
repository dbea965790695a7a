package browser

import "github.com/channelwatch/channelwatch/internal/probe"

// Names of the kind's metrics.
const (
	webVital            = "web_vital_seconds"
	webVitalLayoutShift = "web_vital_layout_shift_ratio"
	webVitalSpread      = "web_vital_spread_seconds"

	pageLoadBytes       = "page_load_bytes"
	pageLoadRequests    = "page_load_requests"
	pagePartyBytes      = "page_party_bytes"
	pagePartyRequests   = "page_party_requests"
	pageThirdPartySites = "page_third_party_sites"
	pageFailedRequests  = "page_failed_requests"
	pageJSErrors        = "page_js_errors"
	pageConsole         = "page_console_messages"
	pageCookies         = "page_cookies"
	pageProtocols       = "page_protocol_requests"
	pageNodes           = "page_dom_nodes"
	pageLongTasks       = "page_long_tasks"
	pageRedirects       = "page_redirects"
	pageInsecure        = "page_insecure_requests"

	visitSeconds = "visit_seconds"
	visitCPU     = "visit_cpu_seconds"
	visitSettled = "visit_settled"
)

// Values of labels.
const (
	ttfb     = "ttfb"
	fcp      = "fcp"
	lcp      = "lcp"
	cls      = "cls" // of evidence alone: it is no time
	tbt      = "tbt"
	inp      = "inp"
	domReady = "dom_ready"
	loaded   = "load"

	first = "first"
	third = "third"

	noAnswer  = "no_answer"
	httpError = "http_error"

	other = "other" // type of a request, and protocol
)

func vitals() []string    { return []string{ttfb, fcp, lcp, tbt, inp, domReady, loaded} }
func parties() []string   { return []string{first, third} }
func failures() []string  { return []string{noAnswer, httpError} }
func levels() []string    { return []string{"error", "warning"} }
func protocols() []string { return []string{"http_1", "h2", "h3", other} }

// types returns what a request can be for.
func types() []string {
	return []string{"document", "script", "stylesheet", "image", "font", "media", "fetch", other}
}

// metrics declares what a visit measures. All are of one visit: when the page fails, its figures go away.
func metrics() []probe.Metric {
	gauge := func(name, help string) probe.Metric {
		return probe.Metric{Name: name, Help: help, Type: probe.Gauge, Momentary: true}
	}
	each := func(name, label string, values []string, help string) probe.Metric {
		m := gauge(name, help)
		m.Label, m.Values = label, values
		return m
	}
	return []probe.Metric{
		each(webVital, "vital", vitals(), "Times of the published visit of a page since the start of its navigation, by their usual names; tbt and inp are lengths."),
		gauge(webVitalLayoutShift, "Cumulative Layout Shift of the published visit."),
		gauge(webVitalSpread, "Longest less shortest Largest Contentful Paint of the runs of a probe."),
		each(pageLoadBytes, "type", types(), "Bytes that a page and its parts transferred, headers included, by what they are."),
		each(pageLoadRequests, "type", types(), "Requests of a page and its parts, by what they are for."),
		each(pagePartyBytes, "party", parties(), "Bytes that a page and its parts transferred, from its own site and from third parties."),
		each(pagePartyRequests, "party", parties(), "Requests of a page and its parts, to its own site and to third parties."),
		gauge(pageThirdPartySites, "Registrable domains beside its own that a page loads something from."),
		each(pageFailedRequests, "failure", failures(), "Requests of a page that got no answer or a status of 400 and more."),
		gauge(pageJSErrors, "JavaScript errors of a page that nobody caught."),
		each(pageConsole, "level", levels(), "Messages that a page wrote to the console of the browser."),
		each(pageCookies, "party", parties(), "Cookies that a page left before anything was clicked or typed."),
		each(pageProtocols, "protocol", protocols(), "Requests of a page by version of HTTP."),
		gauge(pageNodes, "Nodes of the document of a page."),
		gauge(pageLongTasks, "Tasks of a page that kept its main thread busy for more than 50 ms."),
		gauge(pageRedirects, "Redirects until the document of a page."),
		gauge(pageInsecure, "Requests of a page without TLS."),
		gauge(visitSeconds, "How long the published visit took, until the page had come to rest."),
		gauge(visitCPU, "Processor time of the browser for the published visit."),
		gauge(visitSettled, "Whether the page came to rest (1), or kept on loading until its time was over (0)."),
	}
}
