package metrics

import (
	"io"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// flushSize is how much a sink collects before it writes: large enough that system calls do not count.
const flushSize = 64 << 10

// textSink writes the Prometheus text format 0.0.4 or OpenMetrics 1.0, byte for byte as expfmt would render the
// Gatherer, straight from the state.
type textSink struct {
	w           io.Writer
	buf         []byte
	openMetrics bool
	err         error // the first of w; nothing is written after it

	family *Family
	opened bool // the family's head is written
}

func (e *textSink) open(f *Family) { e.family, e.opened = f, false }

// registered writes a family of the registry.
func (e *textSink) registered(mf *dto.MetricFamily) error {
	write := expfmt.MetricFamilyToText
	if e.openMetrics {
		write = func(w io.Writer, mf *dto.MetricFamily) (int, error) { return expfmt.MetricFamilyToOpenMetrics(w, mf) }
	}
	_, err := write((*textBuffer)(e), mf)
	e.proceed()
	return err
}

// textBuffer is a textSink as a writer that never fails.
type textBuffer textSink

// Write appends p to the buffer.
func (b *textBuffer) Write(p []byte) (int, error) {
	b.buf = append(b.buf, p...)
	return len(p), nil
}

func (e *textSink) sample(s *shape, t *touchpoint, value float64) {
	e.head()
	e.buf = e.appendFloat(s.append(e.buf, t), value)
	e.buf = append(e.buf, '\n')
}

func (e *textSink) integer(s *shape, t *touchpoint, value uint64) {
	if !e.openMetrics {
		e.sample(s, t, float64(value))
		return
	}
	e.buf = strconv.AppendUint(s.append(e.buf, t), value, 10)
	e.buf = append(e.buf, '\n')
}

func (e *textSink) summary(s *summaryShape, t *touchpoint, sum float64, count uint64) {
	e.sample(s.sum, t, sum)
	e.integer(s.count, t, count)
}

func (e *textSink) histogram(s *histogramShape, t *touchpoint, h *histogram) {
	e.head()
	buckets := s.buckets
	if e.openMetrics {
		buckets = s.openMetrics
	}
	var cumulative uint64
	for i, bucket := range buckets {
		cumulative += h.classic[i]
		e.integer(bucket, t, cumulative)
	}
	e.summary(&s.summaryShape, t, h.sum, h.count)
}

func (e *textSink) row(labels []label, value float64) {
	e.head()
	e.line("", labels, "")
	e.buf = append(e.appendFloat(e.buf, value), '\n')
}

func (e *textSink) info(i *info) { e.row(i.labels, 1) }

// proceed writes what has come together and reports whether the client still listens.
func (e *textSink) proceed() bool {
	if len(e.buf) >= flushSize {
		e.flush()
	}
	return e.err == nil
}

func (e *textSink) flush() {
	if e.err == nil {
		_, e.err = e.w.Write(e.buf)
	}
	e.buf = e.buf[:0]
}

// finish writes the rest.
func (e *textSink) finish() error {
	if e.openMetrics {
		e.buf = append(e.buf, "# EOF\n"...)
	}
	e.flush()
	return e.err
}

// head writes help and type before the first series of a family.
func (e *textSink) head() {
	if e.opened {
		return
	}
	e.opened = true
	name := e.family.Name
	help := strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(e.family.Help)
	if e.openMetrics {
		help = escapeValue(e.family.Help)
		if e.family.Type == Counter {
			name = strings.TrimSuffix(name, "_total")
		}
	}
	e.buf = append(e.buf, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+string(e.family.Type)+"\n"...)
}

func (e *textSink) appendFloat(b []byte, v float64) []byte {
	if e.openMetrics {
		return appendOpenMetricsFloat(b, v)
	}
	return appendTextFloat(b, v)
}

// append appends the line of a series up to its value.
func (s *shape) append(b []byte, t *touchpoint) []byte {
	b = append(b, s.before...)
	b = append(b, t.channel...)
	b = append(b, s.middle...)
	b = append(b, t.name...)
	return append(b, s.after...)
}

func appendLabelText(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, `="`...)
	b = append(b, escapeValue(value)...)
	return append(b, '"')
}

// maxPlain is where the shortest form of a float turns to an exponent.
const maxPlain = 1e6

// appendTextFloat appends v as the text format writes it. Most values are small whole numbers.
func appendTextFloat(b []byte, v float64) []byte {
	if v >= 0 && v < maxPlain {
		if n := uint64(v); float64(n) == v {
			return strconv.AppendUint(b, n, 10)
		}
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

// appendOpenMetricsFloat appends v as OpenMetrics writes it: always with a point or an exponent.
func appendOpenMetricsFloat(b []byte, v float64) []byte {
	start := len(b)
	b = appendTextFloat(b, v)
	for _, c := range b[start:] {
		switch c {
		case '.', 'e', 'N', 'I': // NaN and Inf stay as they are
			return b
		}
	}
	return append(b, ".0"...)
}
