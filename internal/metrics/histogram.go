package metrics

import (
	"iter"
	"math"
	"slices"
	"sort"
)

// Native histograms start at schema 3, whose buckets grow by 2^(1/8), about 9 %: fine enough for a latency. A
// touchpoint whose values spread over more than maxNative buckets halves its resolution until they fit, as
// client_golang does with NativeHistogramMaxBucketNumber.
const (
	nativeSchema = 3
	maxNative    = 40
	minSchema    = -4 // the coarsest that Prometheus knows; it needs at most 128 buckets for all numbers there are
	// zeroThreshold is client_golang's DefNativeHistogramZeroThreshold, 2^-128.
	zeroThreshold = 2.938735877055719e-39
)

// histogram counts one observation for both the classic and the native form. The zero value of all but bounds and
// classic is ready. It is guarded by the mutex of its touchpoint.
//
// It is our own because of its size: 10,000 of client_golang's histograms with the same classic buckets and a native
// side hold several times the memory of a whole touchpoint here (BenchmarkClientHistogram, BenchmarkMemory), mostly for two copies of
// the counts, a sync.Map of native buckets and the label pairs of each.
type histogram struct {
	bounds  []float64 // upper bounds of the classic buckets, ascending, without +Inf; shared
	classic []uint64  // observations per classic bucket, not cumulative; the last is +Inf
	native  []nativeBucket
	zero    uint64 // observations of at most zeroThreshold
	count   uint64
	sum     float64
	coarser int8 // how many times the resolution was halved
}

// nativeBucket is a populated bucket. Its count takes more than a century of probes every second to overflow.
type nativeBucket struct {
	index int32
	count uint32
}

func newHistogram(bounds []float64) histogram {
	return histogram{bounds: bounds, classic: make([]uint64, len(bounds)+1)}
}

// observe counts v. It allocates only when a native bucket is populated for the first time.
func (h *histogram) observe(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	h.count++
	h.sum += v
	h.classic[sort.SearchFloat64s(h.bounds, v)]++
	if v <= zeroThreshold {
		h.zero++
		return
	}
	index := nativeIndex(v)
	for range h.coarser {
		index = halve(index)
	}
	i, found := slices.BinarySearchFunc(h.native, index, func(b nativeBucket, index int32) int { return int(b.index - index) })
	if found {
		h.native[i].count++
		return
	}
	h.native = slices.Insert(h.native, i, nativeBucket{index: index, count: 1})
	for len(h.native) > maxNative && h.schema() > minSchema {
		h.coarsen()
	}
}

// schema returns the current resolution of the native form.
func (h *histogram) schema() int32 { return nativeSchema - int32(h.coarser) }

// span is a run of neighbouring native buckets.
type span struct {
	offset int32 // buckets left out since the end of the span before; of the first, its index
	length uint32
}

// spans yields the runs of the native buckets.
func (h *histogram) spans() iter.Seq[span] {
	return func(yield func(span) bool) {
		if len(h.native) == 0 {
			return
		}
		current, next := span{offset: h.native[0].index}, h.native[0].index
		for _, b := range h.native {
			if b.index != next {
				if !yield(current) {
					return
				}
				current = span{offset: b.index - next}
			}
			current.length++
			next = b.index + 1
		}
		yield(current)
	}
}

// coarsen merges each pair of neighbouring native buckets into one.
func (h *histogram) coarsen() {
	h.coarser++
	merged := h.native[:0]
	for _, b := range h.native {
		b.index = halve(b.index)
		if last := len(merged) - 1; last >= 0 && merged[last].index == b.index {
			merged[last].count += b.count
		} else {
			merged = append(merged, b)
		}
	}
	h.native = merged
}

// halve returns the bucket of the next lower schema that holds bucket index: the upper bound of bucket i is
// 2^(i/2^schema), so that i/2 is rounded up.
func halve(index int32) int32 { return (index + 1) >> 1 }

// nativeIndex returns the bucket of v > 0 at nativeSchema: the smallest i with v <= 2^(i/8).
func nativeIndex(v float64) int32 {
	fraction, exponent := math.Frexp(v) // v = fraction * 2^exponent, fraction in [0.5, 1)
	bounds := [...]float64{             // 2^(k/8) / 2
		0.5, 0.5452538663326288, 0.5946035575013605, 0.6484197773255048,
		0.7071067811865475, 0.7711054127039704, 0.8408964152537144, 0.9170040432046711,
	}
	return int32(sort.SearchFloat64s(bounds[:], fraction) + (exponent-1)*len(bounds))
}
