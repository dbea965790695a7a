//go:build !nohistory

package history

import (
	"encoding/json"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

// jsonWriter writes answers in the JSON of Prometheus' API, in pieces, so that a large answer is never in memory as a whole.
// The first error of writing ends it.
type jsonWriter struct {
	to  io.Writer
	buf []byte
	err error
}

// piece is how many bytes are collected before they are written.
const piece = 64 << 10

func newJSONWriter(to io.Writer) *jsonWriter {
	return &jsonWriter{to: to, buf: make([]byte, 0, 2*piece)}
}

func (w *jsonWriter) raw(text string) { w.buf = append(w.buf, text...) }

// flush writes what was collected. It returns false when nobody reads any more.
func (w *jsonWriter) flush() bool {
	if w.err == nil {
		_, w.err = w.to.Write(w.buf)
	}
	w.buf = w.buf[:0]
	return w.err == nil
}

// more begins the next element of a list, whose index it is given. It returns false when nobody reads any more.
func (w *jsonWriter) more(index int) bool {
	if index > 0 {
		w.buf = append(w.buf, ',')
	}
	return len(w.buf) < piece || w.flush()
}

func (w *jsonWriter) string(s string) {
	if plain(s) {
		w.buf = append(w.buf, '"')
		w.buf = append(w.buf, s...)
		w.buf = append(w.buf, '"')
		return
	}
	w.any(s)
}

// plain says whether a string is the same in JSON.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == '"' || s[i] == '\\' {
			return false
		}
	}
	return utf8.ValidString(s)
}

// any writes a value as encoding/json does.
func (w *jsonWriter) any(v any) {
	text, err := json.Marshal(v)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.buf = append(w.buf, text...)
}

func (w *jsonWriter) strings(all []string) {
	w.raw("[")
	for i, s := range all {
		if !w.more(i) {
			return
		}
		w.string(s)
	}
	w.raw("]")
}

func (w *jsonWriter) labels(of labels.Labels) {
	w.raw("{")
	index := 0
	of.Range(func(l labels.Label) {
		w.more(index)
		index++
		w.string(l.Name)
		w.raw(":")
		w.string(l.Value)
	})
	w.raw("}")
}

// timestamp writes milliseconds as seconds.
func (w *jsonWriter) timestamp(ms int64) {
	if ms < 0 {
		w.raw("-")
		ms = -ms
	}
	w.buf = strconv.AppendInt(w.buf, ms/1000, 10)
	if rest := ms % 1000; rest != 0 {
		w.buf = append(w.buf, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	}
}

// float writes a number as a string, because JSON knows neither NaN nor infinity.
func (w *jsonWriter) float(f float64) {
	w.raw(`"`)
	if whole := int64(f); float64(whole) == f && whole != 0 && whole > -1e15 && whole < 1e15 {
		w.buf = strconv.AppendInt(w.buf, whole, 10) // the same digits, several times as fast
	} else {
		format := byte('f')
		if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
			format = 'e'
		}
		w.buf = strconv.AppendFloat(w.buf, f, format, -1, 64)
	}
	w.raw(`"`)
}

// value writes what an expression evaluated to.
func (w *jsonWriter) value(v any) {
	switch v := v.(type) {
	case promql.Matrix:
		w.raw(`{"resultType":"matrix","result":[`)
		for i := range v {
			if !w.more(i) {
				return
			}
			w.series(&v[i])
		}
		w.raw("]}")
	case promql.Vector:
		w.raw(`{"resultType":"vector","result":[`)
		for i := range v {
			if !w.more(i) {
				return
			}
			w.sample(&v[i])
		}
		w.raw("]}")
	case promql.Scalar:
		w.raw(`{"resultType":"scalar","result":[`)
		w.timestamp(v.T)
		w.raw(`,"`)
		w.buf = strconv.AppendFloat(w.buf, v.V, 'f', -1, 64)
		w.raw(`"]}`)
	case promql.String:
		w.raw(`{"resultType":"string","result":[`)
		w.timestamp(v.T)
		w.raw(",")
		w.string(v.V)
		w.raw("]}")
	}
}

func (w *jsonWriter) series(s *promql.Series) {
	w.raw(`{"metric":`)
	w.labels(s.Metric)
	if len(s.Floats) > 0 {
		w.raw(`,"values":[`)
		for i, p := range s.Floats {
			if !w.more(i) {
				return
			}
			w.point(p.T, p.F, nil)
		}
		w.raw("]")
	}
	if len(s.Histograms) > 0 {
		w.raw(`,"histograms":[`)
		for i, p := range s.Histograms {
			if !w.more(i) {
				return
			}
			w.point(p.T, 0, p.H)
		}
		w.raw("]")
	}
	w.raw("}")
}

func (w *jsonWriter) sample(s *promql.Sample) {
	w.raw(`{"metric":`)
	w.labels(s.Metric)
	if s.H == nil {
		w.raw(`,"value":`)
	} else {
		w.raw(`,"histogram":`)
	}
	w.point(s.T, s.F, s.H)
	w.raw("}")
}

// point writes a histogram, or a float when that is nil, at a time.
func (w *jsonWriter) point(ms int64, f float64, h *histogram.FloatHistogram) {
	w.raw("[")
	w.timestamp(ms)
	w.raw(",")
	if h == nil {
		w.float(f)
	} else {
		w.histogram(h)
	}
	w.raw("]")
}

func (w *jsonWriter) histogram(h *histogram.FloatHistogram) {
	w.raw(`{"count":`)
	w.float(h.Count)
	w.raw(`,"sum":`)
	w.float(h.Sum)
	index := 0
	for buckets := h.AllBucketIterator(); buckets.Next(); {
		b := buckets.At()
		if b.Count == 0 {
			continue
		}
		if index == 0 {
			w.raw(`,"buckets":[`)
		}
		w.more(index)
		index++
		w.buf = append(w.buf, '[', boundaries(b.LowerInclusive, b.UpperInclusive), ',')
		w.float(b.Lower)
		w.raw(",")
		w.float(b.Upper)
		w.raw(",")
		w.float(b.Count)
		w.raw("]")
	}
	if index > 0 {
		w.raw("]")
	}
	w.raw("}")
}

// boundaries says which ends of a bucket belong to it: 0 the upper, 1 the lower, 2 none, 3 both.
func boundaries(lower, upper bool) byte {
	switch {
	case lower && upper:
		return '3'
	case lower:
		return '1'
	case upper:
		return '0'
	}
	return '2'
}
