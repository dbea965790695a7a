package web

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

// vitalRow is one figure of how a page loads, with what it means for the reader.
type vitalRow struct {
	Short, Name string // such as "LCP" and "Main content shown"
	Value       string
	Rating      probe.Rating // Unknown when it has no bounds
	Bound       string       // what is good, in a sentence
	Words       string
	Scale       template.HTML
}

// vitalOrder is the order in which pages show figures: what customers feel first.
func vitalOrder() []probe.Vital {
	return []probe.Vital{probe.LCP, probe.CLS, probe.TBT, probe.INP, probe.FCP, probe.TTFB}
}

// vitalRows explains the figures that there are. limits are those of the touchpoint, which rate its LCP.
func vitalRows(f *frame, values map[string]float64, limits probe.Bounds, largest *probe.Element) []vitalRow {
	var rows []vitalRow
	for _, vital := range vitalOrder() {
		v, ok := values[string(vital)]
		if !ok {
			continue
		}
		bounds := vitalBounds(vital, limits)
		row := vitalRow{
			Short: strings.ToUpper(string(vital)), Name: vitalName(vital), Value: vitalValue(vital, v, bounds), Rating: bounds.Rate(v),
			Words: f.Pick(vitalWords(vital, v, bounds, largest)),
		}
		if row.Rating != probe.Unknown {
			row.Bound, row.Scale = "Good is at most "+vitalValue(vital, bounds.Good, bounds)+".", scale(v, bounds)
		}
		rows = append(rows, row)
	}
	return rows
}

// recordedVitals explains the figures of the last hour; nil when none were recorded.
func recordedVitals(f *frame, p *view.TouchpointPage) []vitalRow {
	if p.Loads == nil {
		return nil
	}
	values := make(map[string]float64)
	for _, v := range p.Loads.Vitals {
		if n := len(v.Line); n > 0 && p.At.Sub(v.Line[n-1].At) <= time.Hour {
			values[string(v.Vital)] = v.Line[n-1].Value
		}
	}
	var limits probe.Bounds
	if p.Limits != nil {
		limits = probe.Bounds(*p.Limits)
	}
	return vitalRows(f, values, limits, nil)
}

func vitalBounds(vital probe.Vital, limits probe.Bounds) probe.Bounds {
	if bounds, ok := vital.Bounds(); ok {
		return bounds
	}
	return limits
}

// vitalName is what a figure is about, without jargon.
func vitalName(vital probe.Vital) string {
	switch vital {
	case probe.LCP:
		return "Main content shown"
	case probe.CLS:
		return "Steadiness"
	case probe.TBT:
		return "Busy while loading"
	case probe.INP:
		return "Answer to a tap"
	case probe.FCP:
		return "First sign of life"
	case probe.TTFB:
		return "First byte"
	}
	return string(vital)
}

// vitalValue prints a figure: seconds, but for Cumulative Layout Shift, which has no unit. What is over a bound reads so, even
// where the nearest number would not.
func vitalValue(vital probe.Vital, v float64, b probe.Bounds) string {
	unit := 0.01
	if vital == probe.CLS || v < 1 {
		unit = 0.001
	}
	shown := math.Round(v/unit) * unit
	if b.Rate(shown-unit/1e3) > b.Rate(v) {
		shown += unit
	}
	if vital == probe.CLS {
		return trimmed(shown, 3)
	}
	return brief(shown)
}

// brief prints seconds without fractions of milliseconds.
func brief(v float64) string {
	d := time.Duration(v * float64(time.Second)).Round(time.Millisecond)
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return trimmed(d.Seconds(), 2) + " s"
}

// trimmed prints a number with so many decimals at most.
func trimmed(v float64, decimals int) string {
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if decimals == 0 {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// vitalWords says what a figure means, for each side.
func vitalWords(vital probe.Vital, v float64, bounds probe.Bounds, largest *probe.Element) view.Sides {
	fine, text := bounds.Rate(v) >= probe.Good || bounds.Rate(v) == probe.Unknown, vitalValue(vital, v, bounds)
	pick := func(good, bad string) string {
		if fine {
			return good
		}
		return bad
	}
	switch vital {
	case probe.LCP:
		it := "Largest Contentful Paint: the phases below show where the time goes."
		if largest != nil {
			it = "Largest Contentful Paint of " + elementWords(largest) + "."
		}
		return view.Sides{
			Marketing: pick("Customers see the main content after "+text+".", "Customers wait "+text+" until they see the main content."), IT: it,
		}
	case probe.CLS:
		return view.Sides{
			Marketing: pick("The page stays in place while customers look at it.", "Content jumps while customers read or tap."),
			IT:        "Cumulative Layout Shift, the worst window of 5 s; what moved stands with the results.",
		}
	case probe.TBT:
		return view.Sides{
			Marketing: pick("The page can be used while it loads.", "While it loads, the page does not react to taps and clicks for "+text+" in all."),
			IT:        "Total Blocking Time: what tasks of the main thread took beyond 50 ms each, from First Contentful Paint until the page was at rest.",
		}
	case probe.INP:
		return view.Sides{
			Marketing: pick("Taps and clicks are answered at once.", "After a tap or click customers wait "+text+" until something happens."),
			IT:        "Interaction to Next Paint of the slowest click or key of the steps; one visit is indicative, customers' own figures count.",
		}
	case probe.FCP:
		return view.Sides{
			Marketing: pick("Something shows after "+text+".", "The screen stays empty for "+text+"."),
			IT:        "First Contentful Paint; what lies between it and the first byte is style sheets and scripts that block.",
		}
	case probe.TTFB:
		return view.Sides{
			Marketing: pick("The first data of the page arrives after "+text+".", "For "+text+" customers' browsers hear nothing at all."),
			IT:        "Time to First Byte of the document: redirects, name, connection, TLS and the server together.",
		}
	}
	return view.Sides{}
}

func elementWords(e *probe.Element) string {
	if e.URL == "" {
		return e.Selector
	}
	return e.Selector + " (" + e.URL + ")"
}

// scale draws the four bands with a mark at a value, in a box of 100 by 10. Each band is a quarter of it, whatever its width: a
// linear scale would show little but the last one.
func scale(v float64, b probe.Bounds) template.HTML {
	ends := []float64{0, b.Excellent, b.Good, b.Fair, 2 * b.Fair}
	at := 100.0
	for i := range 4 {
		if v <= ends[i+1] {
			at = 25*float64(i) + 25*(v-ends[i])/(ends[i+1]-ends[i])
			break
		}
	}
	var s strings.Builder
	s.WriteString(`<svg class="scale" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">`)
	for i, rating := range []probe.Rating{probe.Excellent, probe.Good, probe.Fair, probe.Poor} {
		fmt.Fprintf(&s, `<rect class="%s" x="%d" y="3" width="24.6" height="4"/>`, rating, 25*i)
	}
	s.WriteString(`<path class="needle" d="M` + fixed(min(max(at, .6), 99)) + ` 0v10"/></svg>`)
	return template.HTML(s.String()) //nolint:gosec // numbers and words of ours
}
