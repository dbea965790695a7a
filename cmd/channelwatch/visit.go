package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/record"
)

// What is printed of one visit at most; a HAR file has all that was seen.
const (
	printedRequests = 10
	printedFailures = 10
	printedSites    = 10
	printedConsole  = 20
	printedAddress  = 100 // bytes of an address
)

// writeVisits prints in full the visit whose figures a result has, and the vitals of the others.
func writeVisits(b *bytes.Buffer, r *record.Record, limits probe.Limits) {
	ev := r.Evidence
	visits, shown, pictured := ev.Visits, ev.Counted(), ev.Pictured()
	for i := range visits {
		v := &visits[i]
		fmt.Fprintf(b, "\nvisit %d of %d", i+1, len(visits))
		if v.Published && len(visits) > 1 {
			fmt.Fprintf(b, ", the one that counts")
		}
		fmt.Fprintf(b, ": %s\n ", v.URL)
		if v.Status != 0 {
			fmt.Fprintf(b, " %s %d", v.Protocol, v.Status)
		}
		fmt.Fprintf(b, " in %s", v.Browser)
		if !v.Settled {
			fmt.Fprintf(b, ", did not come to rest")
		}
		fmt.Fprintf(b, "\n")
		writeVitals(b, v, limits)
		if v == shown {
			writeWeight(b, v)
			writeSlowest(b, v)
			writeFailures(b, v)
			writeConsole(b, v.Console, consoleLines(r.Measurements))
		}
		if v == pictured {
			writePicture(b, v.Screenshot)
		}
	}
}

func writeVitals(b *bytes.Buffer, v *probe.Visit, limits probe.Limits) {
	for _, name := range []probe.Vital{probe.TTFB, probe.FCP, probe.LCP, probe.CLS, probe.TBT, probe.INP, "dom_ready", "load"} {
		value, measured := v.Vitals[string(name)]
		if !measured {
			continue
		}
		text, bounds := seconds(value), limits.Bounds()
		if name == probe.CLS {
			text = fmt.Sprintf("%.3f", value)
		}
		if name != probe.LCP {
			bounds, _ = name.Bounds()
		}
		line := fmt.Sprintf("  %-9s %9s", name, text)
		if rating := bounds.Rate(value); rating != probe.Unknown {
			line += fmt.Sprintf("  %-9s", rating)
		}
		switch {
		case name == probe.LCP && v.Largest != nil:
			line += "  " + v.Largest.Selector
			if v.Largest.URL != "" {
				line += " (" + probe.Clip(v.Largest.URL, printedAddress) + ")"
			}
		case name == probe.CLS && len(v.Shifts) > 0 && v.Shifts[0].Selector != "":
			line += "  most by " + v.Shifts[0].Selector
		}
		fmt.Fprintf(b, "%s\n", strings.TrimRight(line, " "))
	}
}

// party sums up the requests of a site, or of all sites of a side.
type party struct {
	name     string
	requests int
	bytes    int64
}

func (p *party) add(r *probe.Request) {
	p.requests++
	p.bytes += r.Bytes
}

func (p *party) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "  %-30s %4d %-8s %9s\n", p.name, p.requests, plural(p.requests, "request"), size(p.bytes))
}

func writeWeight(b *bytes.Buffer, v *probe.Visit) {
	if len(v.Requests) == 0 {
		return
	}
	first, third := party{name: "first party"}, party{name: "third parties"}
	sites := make(map[string]*party)
	for i := range v.Requests {
		r := &v.Requests[i]
		if !r.ThirdParty {
			first.add(r)
			continue
		}
		third.add(r)
		if sites[r.Site] == nil {
			sites[r.Site] = &party{name: "  " + r.Site}
		}
		sites[r.Site].add(r)
	}
	fmt.Fprintf(b, "\n  weight")
	if v.Omitted > 0 {
		fmt.Fprintf(b, ", without the last %d %s", v.Omitted, plural(v.Omitted, "request"))
	}
	fmt.Fprintf(b, "\n")
	first.write(b)
	third.write(b)
	heaviest := make([]*party, 0, len(sites))
	for _, site := range sites {
		heaviest = append(heaviest, site)
	}
	slices.SortFunc(heaviest, func(a, b *party) int {
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.name, b.name))
	})
	for _, site := range heaviest[:min(len(heaviest), printedSites)] {
		site.write(b)
	}
	if rest := len(heaviest) - printedSites; rest > 0 {
		fmt.Fprintf(b, "    and %d more %s\n", rest, plural(rest, "site"))
	}
}

// writeSlowest draws the requests that took the longest, in the order in which they began.
func writeSlowest(b *bytes.Buffer, v *probe.Visit) {
	all := make([]*probe.Request, len(v.Requests))
	var end time.Duration
	for i := range v.Requests {
		all[i] = &v.Requests[i]
		end = max(end, all[i].Start+took(all[i]))
	}
	if end == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b *probe.Request) int { return cmp.Compare(took(b), took(a)) })
	slowest := all[:min(len(all), printedRequests)]
	slices.SortStableFunc(slowest, func(a, b *probe.Request) int { return cmp.Compare(a.Start, b.Start) })
	fmt.Fprintf(b, "\n  slowest requests: . for a connection, - for an answer, # receiving; %s in all\n", seconds(end.Seconds()))
	for _, r := range slowest {
		fmt.Fprintf(b, "  |%s| %9s  %s\n", requestBar(r, end), seconds(took(r).Seconds()), probe.Clip(r.URL, printedAddress))
	}
}

// took returns how long a request took in all.
func took(r *probe.Request) time.Duration { return r.Blocked + r.Wait + r.Receive }

// requestBar draws the parts of a request on the scale of all; one that is too short to be seen gets a mark.
func requestBar(r *probe.Request, total time.Duration) string {
	column := func(at time.Duration) int { return int(barWidth * at / total) }
	from, to := column(r.Start), column(r.Start+took(r))
	if from == to {
		from = min(from, barWidth-1)
		return strings.Repeat(" ", from) + "#" + strings.Repeat(" ", barWidth-from-1)
	}
	answer, receive := column(r.Start+r.Blocked), column(r.Start+r.Blocked+r.Wait)
	return strings.Repeat(" ", from) + strings.Repeat(".", answer-from) + strings.Repeat("-", receive-answer) +
		strings.Repeat("#", to-receive) + strings.Repeat(" ", barWidth-to)
}

func writeFailures(b *bytes.Buffer, v *probe.Visit) {
	n := 0
	for i := range v.Requests {
		r := &v.Requests[i]
		if r.Error == "" && r.Status < 400 {
			continue
		}
		if n++; n == 1 {
			fmt.Fprintf(b, "\n  failed requests\n")
		}
		why := r.Error
		if r.Status >= 400 { // browsers throw the body of such a script away, and call that an error
			why = fmt.Sprintf("status %d", r.Status)
		}
		if n <= printedFailures {
			fmt.Fprintf(b, "  %-28s  %s %s\n", why, r.Method, probe.Clip(r.URL, printedAddress))
		}
	}
	if rest := n - printedFailures; rest > 0 {
		fmt.Fprintf(b, "  and %d more\n", rest)
	}
}

// consoleLines returns how many lines were counted; those that a visit keeps are the first of them.
func consoleLines(all []record.Measurement) (lines int) {
	for i := range all {
		if all[i].Metric == "page_console_messages" {
			lines += int(all[i].Value)
		}
	}
	return lines
}

// writeConsole prints the first lines, and how many more there were of those that are kept or were counted.
func writeConsole(b *bytes.Buffer, kept []probe.ConsoleLine, counted int) {
	if len(kept) == 0 {
		return
	}
	fmt.Fprintf(b, "\n  console\n")
	for _, line := range kept[:min(len(kept), printedConsole)] {
		fmt.Fprintf(b, "  %9s  %-7s  %s", seconds(line.At.Seconds()), line.Level, strings.Join(strings.Fields(line.Text), " "))
		if line.URL != "" {
			fmt.Fprintf(b, " (%s", probe.Clip(line.URL, printedAddress))
			if line.Line > 0 {
				fmt.Fprintf(b, ":%d", line.Line)
			}
			fmt.Fprintf(b, ")")
		}
		fmt.Fprintf(b, "\n")
	}
	if rest := max(len(kept), counted) - min(len(kept), printedConsole); rest > 0 {
		fmt.Fprintf(b, "  and %d more %s\n", rest, plural(rest, "line"))
	}
}

func writePicture(b *bytes.Buffer, p *probe.Picture) {
	fmt.Fprintf(b, "\n  screenshot %d x %d, %s; --screenshot FILE writes it\n", p.Width, p.Height, p.Media)
}

// size prints a number of bytes with the unit that reads best.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// plural returns a word for so many.
func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
