package metrics

import (
	"bytes"
	"strconv"
)

// appendOpenMetricsFloat appends v as OpenMetrics writes it: always with a point or an exponent.
func appendOpenMetricsFloat(b []byte, v float64) []byte {
	start := len(b)
	b = strconv.AppendFloat(b, v, 'g', -1, 64)
	if !bytes.ContainsAny(b[start:], "e.IN") {
		b = append(b, ".0"...)
	}
	return b
}
