package metrics

import (
	"encoding/binary"
	"io"
	"math"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of io.prometheus.client, the messages that expfmt.FmtProtoDelim stands for.
const (
	familyName, familyHelp, familyType, familyMetric                              = 1, 2, 3, 4
	metricLabel, metricGauge, metricCounter, metricSummary, metricHistogram       = 1, 2, 3, 4, 7
	labelName, labelValue                                                         = 1, 2
	simpleValue                                                                   = 1 // of Gauge and of Counter
	sampleCount, sampleSum                                                        = 1, 2
	histBucket, histSchema, histZeroThreshold, histZeroCount, histSpan, histDelta = 3, 5, 6, 7, 12, 13
	bucketCount, bucketBound                                                      = 1, 2
	spanOffset, spanLength                                                        = 1, 2
)

// protoSink writes delimited protocol buffers, the only format that carries native histograms, straight from the
// state. The length of a family stands before it, so that each is put together in memory first; the largest takes
// about 400 bytes a touchpoint.
type protoSink struct {
	w   io.Writer
	err error

	family *Family
	buf    []byte // the family so far
	metric []byte // the metric so far
	part   []byte // a message inside of the metric
	inner  []byte // a message inside of part
}

func (e *protoSink) open(f *Family) {
	e.close()
	e.family = f
}

// registered writes a family of the registry.
func (e *protoSink) registered(mf *dto.MetricFamily) error {
	e.close()
	if e.err == nil {
		_, e.err = protodelim.MarshalTo(e.w, mf)
	}
	return e.err
}

// close writes the family that was open, unless it is empty.
func (e *protoSink) close() {
	if len(e.buf) > 0 && e.err == nil {
		e.part = binary.AppendUvarint(e.part[:0], uint64(len(e.buf)))
		if _, e.err = e.w.Write(e.part); e.err == nil {
			_, e.err = e.w.Write(e.buf)
		}
	}
	e.buf = e.buf[:0]
}

func (e *protoSink) finish() error {
	e.close()
	return e.err
}

func (e *protoSink) proceed() bool { return e.err == nil }

func (e *protoSink) sample(s *shape, t *touchpoint, value float64) {
	e.labels(s, t)
	e.end(e.simple(value))
}

func (e *protoSink) row(labels []label, value float64) {
	e.begin(labels)
	e.end(e.simple(value))
}

// begin begins a metric with labels.
func (e *protoSink) begin(labels []label) {
	e.metric = e.metric[:0]
	for _, l := range labels {
		e.metric = appendLabelWire(e.metric, l.name, l.value)
	}
}

func (e *protoSink) info(i *info) { e.row(i.labels, 1) }

func (e *protoSink) summary(s *summaryShape, t *touchpoint, sum float64, count uint64) {
	e.labels(s.sum, t)
	e.part = appendDouble(appendUint(e.part[:0], sampleCount, count), sampleSum, sum)
	e.end(metricSummary)
}

func (e *protoSink) histogram(s *histogramShape, t *touchpoint, h *histogram) {
	e.labels(s.sum, t)
	b := appendDouble(appendUint(e.part[:0], sampleCount, h.count), sampleSum, h.sum)
	var cumulative uint64
	for i, bound := range h.bounds {
		cumulative += h.classic[i]
		e.inner = appendDouble(appendUint(e.inner[:0], bucketCount, cumulative), bucketBound, bound)
		b = appendMessage(b, histBucket, e.inner)
	}
	b = appendUint(b, histSchema, protowire.EncodeZigZag(int64(h.schema())))
	b = appendDouble(b, histZeroThreshold, zeroThreshold)
	b = appendUint(b, histZeroCount, h.zero)
	for span := range h.spans() {
		e.inner = appendUint(e.inner[:0], spanOffset, protowire.EncodeZigZag(int64(span.offset)))
		e.inner = appendUint(e.inner, spanLength, uint64(span.length))
		b = appendMessage(b, histSpan, e.inner)
	}
	var before int64
	for _, bucket := range h.native {
		b = appendUint(b, histDelta, protowire.EncodeZigZag(int64(bucket.count)-before))
		before = int64(bucket.count)
	}
	e.part = b
	e.end(metricHistogram)
}

// simple builds the message of a gauge or counter and returns its field.
func (e *protoSink) simple(value float64) protowire.Number {
	e.part = appendDouble(e.part[:0], simpleValue, value)
	if e.family.Type == Counter {
		return metricCounter
	}
	return metricGauge
}

// labels begins a metric with the labels of a touchpoint's series.
func (e *protoSink) labels(s *shape, t *touchpoint) {
	b := append(e.metric[:0], s.wire[0]...)
	b = append(appendLabelWire(b, channelLabel, t.def.Channel), s.wire[1]...)
	e.metric = append(appendLabelWire(b, touchpointLabel, t.def.Name), s.wire[2]...)
}

// end completes a metric with part as its value and adds it to the family.
func (e *protoSink) end(value protowire.Number) {
	if len(e.buf) == 0 {
		e.buf = appendString(e.buf, familyName, e.family.Name)
		e.buf = appendString(e.buf, familyHelp, e.family.Help)
		e.buf = appendUint(e.buf, familyType, uint64(e.family.Type.message()))
	}
	e.metric = appendMessage(e.metric, value, e.part)
	e.buf = appendMessage(e.buf, familyMetric, e.metric)
}

// appendLabelWire appends a label of a metric.
func appendLabelWire(b []byte, name, value string) []byte {
	n := sizeString(labelName, name) + sizeString(labelValue, value)
	b = protowire.AppendVarint(protowire.AppendTag(b, metricLabel, protowire.BytesType), uint64(n))
	return appendString(appendString(b, labelName, name), labelValue, value)
}

func sizeString(field protowire.Number, v string) int {
	return protowire.SizeTag(field) + protowire.SizeBytes(len(v))
}

func appendUint(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func appendDouble(b []byte, field protowire.Number, v float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), math.Float64bits(v))
}

func appendString(b []byte, field protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendMessage(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}
