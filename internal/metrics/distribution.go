package metrics

import (
	"math"
	"slices"
	"strconv"
)

// bucketLabel tells the upper bound of a classic bucket.
const bucketLabel = "le"

// Distribution is the value of a reading of type Histogram, as classic buckets. Whoever made it changes it no more.
type Distribution struct {
	Bounds []float64 // upper bounds of the buckets, ascending, without +Inf
	Counts []uint64  // observations of each bucket, not cumulative; one more than there are bounds, for +Inf
	Sum    float64   // of all observations
}

// count returns the number of all observations.
func (d *Distribution) count() (n uint64) {
	for _, c := range d.Counts {
		n += c
	}
	return n
}

// cumulative calls each with the upper bound of every bucket and how many observations are not above it.
func (d *Distribution) cumulative(each func(bound float64, count uint64)) {
	var n uint64
	for i, c := range d.Counts {
		n += c
		if i < len(d.Bounds) {
			each(d.Bounds[i], n)
		} else {
			each(math.Inf(1), n)
		}
	}
}

// series counts the series of a reading with the distribution, or of one that has none.
func (d *Distribution) series() int {
	if d == nil {
		return 1
	}
	return len(d.Counts) + 2 // sum and count
}

// seriesOfReadings counts the series of readings.
func seriesOfReadings(all []Reading) (n int) {
	for i := range all {
		n += all[i].Distribution.series()
	}
	return n
}

func (e *textSink) distribution(labels []label, d *Distribution) {
	e.head()
	d.cumulative(func(bound float64, count uint64) {
		e.line("_bucket", labels, string(e.appendFloat(nil, bound)))
		e.whole(count)
	})
	e.line("_sum", labels, "")
	e.buf = append(e.appendFloat(e.buf, d.Sum), '\n')
	e.line("_count", labels, "")
	e.whole(d.count())
}

// line writes a series up to its value. The text formats put le behind all other labels.
func (e *textSink) line(suffix string, labels []label, le string) {
	b := append(append(e.buf, e.family.Name...), suffix...)
	separator := byte('{')
	for _, l := range labels {
		b = appendLabelText(append(b, separator), l.name, l.value)
		separator = ','
	}
	if le != "" {
		b = appendLabelText(append(b, separator), bucketLabel, le)
		separator = ','
	}
	if separator == ',' {
		b = append(b, '}')
	}
	e.buf = append(b, ' ')
}

// whole writes a whole number and ends the line.
func (e *textSink) whole(n uint64) {
	if e.openMetrics {
		e.buf = strconv.AppendUint(e.buf, n, 10)
	} else {
		e.buf = e.appendFloat(e.buf, float64(n))
	}
	e.buf = append(e.buf, '\n')
}

func (e *protoSink) distribution(labels []label, d *Distribution) {
	e.begin(labels)
	b := appendDouble(appendUint(e.part[:0], sampleCount, d.count()), sampleSum, d.Sum)
	d.cumulative(func(bound float64, count uint64) {
		if math.IsInf(bound, 1) {
			return // what is left of the count
		}
		e.inner = appendDouble(appendUint(e.inner[:0], bucketCount, count), bucketBound, bound)
		b = appendMessage(b, histBucket, e.inner)
	})
	e.part = b
	e.end(metricHistogram)
}

func (w *walker) distribution(labels []label, d *Distribution) {
	part := func(suffix string, value float64, more ...label) {
		w.ref = Ref{name: w.family.Name + suffix, labels: sortLabels(append(slices.Clip(labels), more...))}
		w.visit.Float(&w.ref, value)
	}
	d.cumulative(func(bound float64, count uint64) {
		part("_bucket", float64(count), label{bucketLabel, strconv.FormatFloat(bound, 'g', -1, 64)})
	})
	part("_sum", d.Sum)
	part("_count", float64(d.count()))
}

func (c *counter) distribution(_ []label, d *Distribution) {
	c.Native += d.series() // there is no native form of it
	c.Classic += d.series()
}
