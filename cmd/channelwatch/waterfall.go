package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/record"
)

// barWidth is the width of a waterfall in characters.
const barWidth = 40

// writeRecord prints a record for people. limits are those of its touchpoint.
func writeRecord(w io.Writer, r *record.Record, limits probe.Limits) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s/%s  %s  %s\n", r.Channel, r.Touchpoint, strings.ToUpper(r.Rating.String()), seconds(r.Duration))
	if r.URL != "" {
		fmt.Fprintf(&b, "%s  %s\n", r.Kind, r.URL)
	}
	writeWaterfall(&b, &r.Phases, r.Duration)
	if r.Evidence != nil {
		writeSteps(&b, r.Evidence.Steps)
	}
	fmt.Fprintf(&b, "\n")
	for _, d := range probe.Dimensions() {
		fmt.Fprintf(&b, "  %-10s %s\n", d, r.Dimensions[d.String()])
	}
	writeFindings(&b, r)
	writeMeasurements(&b, r.Measurements)
	if r.Evidence != nil {
		for i := range r.Evidence.Exchanges {
			writeExchange(&b, i+1, &r.Evidence.Exchanges[i])
		}
		writeVisits(&b, r, limits)
		writeEvents(&b, r.Evidence.Events)
	}
	_, err := io.WriteString(w, strings.Map(printable, b.String()))
	return err
}

// printable keeps what a server sent from steering the terminal.
func printable(r rune) rune {
	if r == '\n' || r == '\t' || unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}

// writeWaterfall draws the phases one below the other, each from where the one before ended.
func writeWaterfall(b *bytes.Buffer, phases *probe.Phases, total float64) {
	for _, span := range phases.Spans() {
		total = max(total, (span.Start + span.Duration).Seconds())
	}
	if total == 0 {
		return
	}
	fmt.Fprintf(b, "\n")
	for p, span := range phases.Spans() {
		from := min(int(span.Start.Seconds()/total*barWidth), barWidth-1)
		to := max(int((span.Start+span.Duration).Seconds()/total*barWidth), from+1)
		fmt.Fprintf(b, "  %-8s |%s%s%s| %s\n", p,
			strings.Repeat(" ", from), strings.Repeat("#", to-from), strings.Repeat(" ", barWidth-to), seconds(span.Duration.Seconds()))
	}
}

// writeSteps prints how far a customer came on a journey.
func writeSteps(b *bytes.Buffer, steps []probe.Step) {
	if len(steps) > 0 {
		fmt.Fprintf(b, "\n")
	}
	for i := range steps {
		s := &steps[i]
		fmt.Fprintf(b, "  %d. %s: %s", i+1, s.Title, s.Outcome)
		if s.Outcome != probe.StepSkipped {
			fmt.Fprintf(b, " in %s", seconds(s.Duration.Seconds()))
		}
		if s.Detail != "" {
			fmt.Fprintf(b, "; %s", s.Detail)
		}
		fmt.Fprintf(b, "\n")
	}
}

func writeFindings(b *bytes.Buffer, r *record.Record) {
	if r.Error != "" {
		fmt.Fprintf(b, "\nnot measured: %s\n", r.Error)
	}
	cause := -1
	if r.Cause != nil { // several rules of the operator can break the same check
		cause = slices.Index(r.Findings, *r.Cause)
	}
	for i, f := range r.Findings {
		mark := ""
		if i == cause {
			mark = ", the cause"
		}
		fmt.Fprintf(b, "\n%s (%s%s)\n", f.Title, f.Dimension, mark)
		fmt.Fprintf(b, "  marketing  %s\n  it         %s\n", f.Marketing, f.IT)
		if f.Detail != "" {
			fmt.Fprintf(b, "  detail     %s\n", f.Detail)
		}
	}
}

// writeMeasurements prints one line a metric.
func writeMeasurements(b *bytes.Buffer, all []record.Measurement) {
	if len(all) > 0 {
		fmt.Fprintf(b, "\nmeasurements")
	}
	last := ""
	for _, m := range all {
		if m.Metric != last {
			fmt.Fprintf(b, "\n  %-36s", m.Metric)
		}
		last = m.Metric
		value := strconv.FormatFloat(math.Round(m.Value*1e6)/1e6, 'f', -1, 64)
		fmt.Fprintf(b, "  %s", strings.TrimSpace(m.Label+" "+value))
	}
	if len(all) > 0 {
		fmt.Fprintf(b, "\n")
	}
}

func writeExchange(b *bytes.Buffer, n int, x *probe.Exchange) {
	step := ""
	if x.Step != "" {
		step = " (" + x.Step + ")"
	}
	fmt.Fprintf(b, "\nexchange %d%s: %s %s\n", n, step, x.Method, x.URL)
	if x.Status != 0 {
		fmt.Fprintf(b, "  %s %d from %s in %s, %d bytes (%d on the wire)\n",
			x.Protocol, x.Status, x.Address, seconds(x.Phases.Sum().Seconds()), x.BodyBytes, x.WireBytes)
	}
	if x.TLS != nil {
		fmt.Fprintf(b, "  %s %s %s\n", x.TLS.Version, x.TLS.Cipher, x.TLS.ALPN)
		for _, c := range x.TLS.Chain {
			fmt.Fprintf(b, "  certificate %s, by %s, until %s\n", c.Subject, c.Issuer, c.NotAfter.Format(time.RFC3339))
		}
		if x.TLS.VerifyError != "" {
			fmt.Fprintf(b, "  verification: %s\n", x.TLS.VerifyError)
		}
	}
	for _, h := range x.Header {
		fmt.Fprintf(b, "  %s: %s\n", h.Name, h.Value)
	}
	if x.BodyStart != "" {
		fmt.Fprintf(b, "  | %s\n", strings.ReplaceAll(strings.TrimSpace(x.BodyStart), "\n", "\n  | "))
	}
}

func writeEvents(b *bytes.Buffer, events []probe.Event) {
	if len(events) == 0 {
		return
	}
	fmt.Fprintf(b, "\nevents\n")
	for _, e := range events {
		fmt.Fprintf(b, "  %10s  %s\n", seconds(e.At.Seconds()), e.Text)
	}
}

// seconds prints a duration with the unit that reads best.
func seconds(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%.1f ms", s*1000)
	}
	return fmt.Sprintf("%.2f s", s)
}
