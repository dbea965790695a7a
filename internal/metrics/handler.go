package metrics

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// Handler serves all series in the format that the client asks for: the Prometheus text format, OpenMetrics, or
// delimited protocol buffers with native histograms; compressed when asked for.
func (m *Metrics) Handler() http.Handler { return &handler{metrics: m} }

// handler keeps the memory of one scrape for the next. A sync.Pool would not: between two scrapes the garbage
// collector empties it.
type handler struct {
	metrics *Metrics
	kept    atomic.Pointer[memory]
}

// memory is what a scrape needs.
type memory struct {
	text  []byte
	proto protoSink
	gzip  *gzip.Writer // nil until a client asks for it
}

// compressed returns the gzip writer, which writes to w.
func (b *memory) compressed(w io.Writer) *gzip.Writer {
	if b.gzip == nil {
		z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			panic("metrics: " + err.Error()) // the level is not one
		}
		b.gzip = z
	}
	b.gzip.Reset(w)
	return b.gzip
}

// encoder is a sink that writes a format.
type encoder interface {
	sink
	registered(mf *dto.MetricFamily) error
	finish() error
}

// ServeHTTP writes all series.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	registered, err := h.metrics.registry.Gather()
	if err != nil {
		http.Error(w, "gathering: "+err.Error(), http.StatusInternalServerError)
		return
	}
	format := expfmt.NegotiateAccept(r.Header,
		expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtOpenMetrics_0_0_1, expfmt.FmtProtoDelim, expfmt.FmtText)
	w.Header().Set("Content-Type", string(format))
	w.Header().Set("Vary", "Accept, Accept-Encoding")
	kept := h.kept.Swap(nil)
	if kept == nil {
		kept = &memory{text: make([]byte, 0, flushSize+flushSize/4)}
	}
	defer h.keep(kept)
	var out io.Writer = w
	if acceptsGzip(r.Header) {
		w.Header().Set("Content-Encoding", "gzip")
		z := kept.compressed(w)
		defer func() { _ = z.Close() }() // fails only when the client is gone
		out = z
	}
	if format.FormatType() == expfmt.TypeProtoDelim {
		kept.proto.w, kept.proto.err = out, nil
		h.metrics.encode(&kept.proto, registered)
		return
	}
	e := textSink{w: out, buf: kept.text[:0], openMetrics: format.FormatType() == expfmt.TypeOpenMetrics}
	h.metrics.encode(&e, registered)
	kept.text = e.buf
}

// keep keeps memory for the next scrape, without the client of this one.
func (h *handler) keep(b *memory) {
	b.proto.w = nil
	if b.gzip != nil {
		b.gzip.Reset(io.Discard)
	}
	h.kept.Store(b)
}

// encode writes all families in the order of their names. A client that goes away ends it; there is nobody to tell.
func (m *Metrics) encode(e encoder, registered []*dto.MetricFamily) {
	m.eachFamily(registered, func(mf *dto.MetricFamily) bool {
		return e.registered(mf) == nil
	}, func(f *Family, collect func(sink)) bool {
		e.open(f)
		collect(e)
		return e.proceed()
	})
	_ = e.finish()
}

// acceptsGzip reports whether the client asked for gzip.
func acceptsGzip(header http.Header) bool {
	for part := range strings.SplitSeq(header.Get("Accept-Encoding"), ",") {
		coding, parameter, _ := strings.Cut(part, ";")
		if strings.TrimSpace(coding) == "gzip" {
			q := strings.TrimSpace(parameter)
			return strings.Trim(strings.TrimPrefix(q, "q="), "0.") != "" || q == ""
		}
	}
	return false
}
