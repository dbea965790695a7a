package browser

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/pageload"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// mostNamed is how many things a detail names.
const mostNamed = 5

// find returns what is wrong with a visit in which the page loaded.
func (p *plan) find(v *visit) []probe.Finding {
	findings := slices.Clone(v.findings)
	add := func(found *probe.Finding) {
		if found != nil {
			findings = append(findings, *found)
		}
	}
	for _, rule := range p.expect.each {
		add(rule(v.end))
	}
	add(v.unfinished())
	add(v.dialogs())
	add(v.shifts())
	add(v.blocking())
	add(v.reaction())
	add(v.errors())
	add(v.failures(failedRequests, false))
	add(v.failures(failedThirdParty, true))
	add(p.weighs(v.load))
	add(p.unapproved(v.load))
	add(mixed(v.load))
	add(v.earlyCookies())
	add(v.earlyOwnCookies())
	return findings
}

// unfinished finds pages that were still loading when their time was over: what customers wait for may be yet to come, so
// that Largest Contentful Paint is a lower bound. A page that asks for something after it was loaded is none.
func (v *visit) unfinished() *probe.Finding {
	if v.load.Settled || v.vitals.Loaded != nil {
		return nil
	}
	var list []string
	partners := 0
	for i := range v.load.Pending {
		list = append(list, quotable(v.load.Pending[i].URL))
		if v.load.Pending[i].ThirdParty {
			partners++
		}
	}
	check := neverLoaded
	if partners > 0 && partners == len(list) {
		check = neverLoadedThirdParty
	}
	return named(probe.Findingf(check, "still loading after %v", rounded(v.load.Duration)), list)
}

// fewDialogs is how many boxes customers close without giving up.
const fewDialogs = 2

// dialogs finds boxes that pages put in front of customers.
func (v *visit) dialogs() *probe.Finding {
	switch n := v.load.Dialogs; {
	case n == 0:
		return nil
	case n <= fewDialogs:
		return probe.Findingf(dialogBoxes, "%d dialog boxes, want none", n)
	default:
		return probe.Findingf(dialogBoxesMany, "%d dialog boxes, one after the other, want none", n)
	}
}

// family is a vital and the findings that it can lead to, the worst of which is reported.
type family struct {
	vital                probe.Vital
	slight, plain, heavy probe.CheckID
}

// judge returns the check of a value, and the bound that it is over; false when there is none.
func (f family) judge(value float64) (check probe.CheckID, over float64, found bool) {
	bounds, _ := f.vital.Bounds()
	switch bounds.Rate(value) {
	case probe.Good:
		return f.slight, bounds.Excellent, true
	case probe.Fair:
		return f.plain, bounds.Good, true
	case probe.Poor:
		return f.heavy, bounds.Fair, true
	case probe.Unknown, probe.Excellent:
	}
	return "", 0, false
}

// shifts finds layout shift, and names the node that moved the most.
func (v *visit) shifts() *probe.Finding {
	if v.vitals.CLS == nil {
		return nil
	}
	shift := *v.vitals.CLS
	check, over, found := family{probe.CLS, layoutShiftSlight, layoutShift, layoutShiftHeavy}.judge(shift)
	if !found {
		return nil
	}
	finding := probe.Findingf(check, "layout shift %.3f, want at most %g", shift, over)
	if len(v.load.Shifts) > 0 && v.load.Shifts[0].Selector != "" {
		worst := v.load.Shifts[0]
		finding.Detail += fmt.Sprintf("; %s moved at %v (%.3f)", quotable(worst.Selector), rounded(worst.At), worst.Value)
	}
	return finding
}

// blocking finds scripts that keep the page busy, and names the ones that do so the longest.
func (v *visit) blocking() *probe.Finding {
	if v.vitals.TBT == nil {
		return nil
	}
	check, over, found := family{probe.TBT, blockingScriptsSlight, blockingScripts, blockingScriptsHeavy}.judge(v.vitals.TBT.Seconds())
	if !found {
		return nil
	}
	finding := probe.Findingf(check, "scripts blocked the page for %v, want at most %v", rounded(*v.vitals.TBT), seconds(over))
	var scripts []string
	for _, script := range v.load.Blocking {
		if script.URL != "" {
			scripts = append(scripts, fmt.Sprintf("%s for %v at %v", quotable(script.URL), rounded(script.Duration), rounded(script.At)))
		}
	}
	return named(finding, scripts)
}

// reaction finds clicks and keys that the page is slow to react to.
func (v *visit) reaction() *probe.Finding {
	if v.vitals.INP == nil {
		return nil
	}
	check, over, found := family{probe.INP, slowInteractionSlight, slowInteraction, slowInteractionHeavy}.judge(v.vitals.INP.Seconds())
	if !found {
		return nil
	}
	return probe.Findingf(check, "the page took %v to react to a step, want at most %v", rounded(*v.vitals.INP), seconds(over))
}

// errors finds exceptions that nobody caught.
func (v *visit) errors() *probe.Finding {
	load := v.load
	if load.Counts.JSErrors == 0 {
		return nil
	}
	finding := probe.Findingf(jsErrors, "%d JavaScript errors, want none", load.Counts.JSErrors)
	if len(load.Errors) > 0 {
		worst := load.Errors[0]
		finding.Detail += fmt.Sprintf("; the first is %q", quotable(collapse(worst.Text)))
		if worst.URL != "" {
			finding.Detail += fmt.Sprintf(" in %s:%d", quotable(worst.URL), worst.Line)
		}
	}
	return finding
}

// failures finds requests of a side that came to nothing, and names the first of them.
func (v *visit) failures(check probe.CheckID, thirdParty bool) *probe.Finding {
	n, whose := v.load.Weight.Third.Failed, "third parties"
	if !thirdParty {
		n, whose = v.load.Weight.First.Failed, "the page's own site"
		if v.load.Status >= 400 {
			n-- // the document with an error that was expected
		}
	}
	if n <= 0 {
		return nil
	}
	var list []string
	for i := range v.load.Requests {
		if r := &v.load.Requests[i]; r.ThirdParty == thirdParty && (r.Type != "document" || r.Status < 400 || r.Status != v.load.Status) && broken(r) {
			list = append(list, quotable(r.URL)+": "+trouble(r))
		}
	}
	return namedOf(probe.Findingf(check, "%d requests to %s failed, want none", n, whose), list, n)
}

// broken reports whether a request got no answer to its end, or an error. What a page gives up itself, as every
// navigation does, and what the operator blocks has not failed.
func broken(r *probe.Request) bool {
	switch r.Error {
	case "", "net::ERR_ABORTED", pageload.Blocked:
		return r.Status >= 400
	}
	return true
}

// trouble says in words what became of a request that failed.
func trouble(r *probe.Request) string {
	switch {
	case r.Status >= 400:
		return fmt.Sprintf("status %d", r.Status)
	case r.Status > 0:
		return fmt.Sprintf("status %d, but %s", r.Status, quotable(r.Error))
	}
	return quotable(r.Error)
}

// weighs finds what is over the budget.
func (p *plan) weighs(load *pageload.Load) *probe.Finding {
	sum := total(&load.Weight)
	var over []string
	judge := func(what string, got, most int64, judged bool) {
		if judged && got > most {
			over = append(over, fmt.Sprintf("%d %s, want at most %d", got, what, most))
		}
	}
	b := &p.budget
	judge("bytes", sum.Bytes, value(b.Bytes), b.Bytes != nil)
	judge("requests", int64(sum.Requests), int64(value(b.Requests)), b.Requests != nil)
	judge("third-party sites", int64(len(load.Weight.Sites)), int64(value(b.ThirdPartySites)), b.ThirdPartySites != nil)
	judge("JavaScript errors", int64(load.Counts.JSErrors), int64(value(b.JSErrors)), b.JSErrors != nil)
	if len(over) == 0 {
		return nil
	}
	return probe.Findingf(overBudget, "%s", strings.Join(over, "; "))
}

// value returns what a field holds, or zero.
func value[N int | int64](field *N) N {
	if field == nil {
		return 0
	}
	return *field
}

// unapproved finds third parties that nobody has approved, by name, the heaviest first. A domain that is approved
// in part is looked at by host.
func (p *plan) unapproved(load *pageload.Load) *probe.Finding {
	if p.approved == nil {
		return nil
	}
	var names []string
	for _, site := range load.Weight.Sites {
		switch {
		case p.approves(site.Name):
			continue
		case !slices.ContainsFunc(p.approved, func(entry string) bool { return strings.HasSuffix(entry, "."+site.Name) }):
			names = append(names, fmt.Sprintf("%s (%d bytes, %d requests)", quotable(site.Name), site.Bytes, site.Requests))
			continue
		}
		for _, host := range site.Hosts {
			if !p.approves(host) {
				names = append(names, quotable(host))
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	return named(probe.Findingf(unapprovedSite, "%d third parties are not approved", len(names)), names)
}

// approves reports whether a host is in the list of approved ones or below one of them.
func (p *plan) approves(host string) bool {
	return slices.ContainsFunc(p.approved, func(entry string) bool {
		entry = strings.TrimPrefix(entry, "*.")
		return host == entry || strings.HasSuffix(host, "."+entry)
	})
}

// mixed finds insecure parts of a secure page.
func mixed(load *pageload.Load) *probe.Finding {
	if len(load.Mixed) == 0 {
		return nil
	}
	list := make([]string, len(load.Mixed))
	for i, address := range load.Mixed {
		list[i] = quotable(address)
	}
	return named(probe.Findingf(mixedContent, "%d insecure parts on a secure page, want none", len(list)), list)
}

// earlyCookies finds cookies of third parties that nobody has agreed to.
func (v *visit) earlyCookies() *probe.Finding {
	list := v.cookiesThat(func(c *pageload.Cookie) bool { return c.ThirdParty })
	if len(list) == 0 {
		return nil
	}
	return named(probe.Findingf(cookiesEarly, "%d third-party cookies before any click, want none", len(list)), list)
}

// earlyOwnCookies finds cookies of the page's own site that nobody has agreed to and that tell customers apart on later
// visits: most tools that count and follow customers set theirs there. Those of the session are needed for a site to work.
func (v *visit) earlyOwnCookies() *probe.Finding {
	list := v.cookiesThat(func(c *pageload.Cookie) bool { return !c.ThirdParty && c.Lifetime > 0 })
	if len(list) == 0 {
		return nil
	}
	return named(probe.Findingf(ownCookiesEarly, "%d cookies of the page's own site that outlive the session before any click, want none",
		len(list)), list)
}

// cookiesThat returns names of cookies with whose they are, in order.
func (v *visit) cookiesThat(are func(*pageload.Cookie) bool) []string {
	var list []string
	for i := range v.cookies {
		if c := &v.cookies[i]; are(c) {
			list = append(list, fmt.Sprintf("%s of %s", quotable(c.Name), quotable(c.Domain)))
		}
	}
	slices.Sort(list)
	return list
}

// named adds the first of a list to a finding.
func named(finding *probe.Finding, list []string) *probe.Finding {
	return namedOf(finding, list, len(list))
}

// namedOf adds the first of n things to a finding, of which list has some.
func namedOf(finding *probe.Finding, list []string, n int) *probe.Finding {
	if len(list) == 0 {
		return finding
	}
	list = list[:min(len(list), mostNamed)]
	finding.Detail += ": " + strings.Join(list, ", ")
	if more := n - len(list); more > 0 {
		finding.Detail += fmt.Sprintf(" and %d more", more)
	}
	return finding
}

func rounded(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
