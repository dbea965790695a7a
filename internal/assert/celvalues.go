package assert

import (
	"encoding/json"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// variables returns what CEL expressions can read of a response. What costs something is made when the first expression
// reads it, and kept for the others.
func (s *subject) variables() map[string]any {
	return map[string]any{
		"status":   s.Status,
		"duration": s.Duration.Seconds(),
		"body":     func() any { return strings.ToValidUTF8(string(s.Body), "\uFFFD") },
		"headers":  func() any { return s.headers() },
		"timings":  func() any { return s.timings() },
		"cert":     func() any { return s.cert() },
		"json": func() ref.Val {
			document, err := s.document()
			if err != nil {
				return types.WrapErr(err)
			}
			return adapter{}.NativeToValue(document)
		},
	}
}

// headers returns the fields of the header by their names in lower case, several values of one joined.
func (s *subject) headers() map[string]string {
	fields := make(map[string]string, len(s.Header))
	for name, values := range s.Header {
		fields[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return fields
}

// timings returns the reached phases in seconds.
func (s *subject) timings() map[string]float64 {
	seconds := make(map[string]float64, probe.NumPhases)
	for phase := range probe.NumPhases {
		if d, ok := s.Phases.Get(phase); ok {
			seconds[phase.String()] = d.Seconds()
		}
	}
	return seconds
}

// cert returns the dates of the certificate; without TLS it is empty.
func (s *subject) cert() map[string]any {
	if s.NotAfter.IsZero() {
		return map[string]any{}
	}
	return map[string]any{
		"not_before": s.NotBefore,
		"not_after":  s.NotAfter,
		"days_left":  s.NotAfter.Sub(s.Start).Hours() / day.Hours(),
	}
}

// adapter makes values of CEL of those of parseJSON: whole numbers of up to 64 bits stay exact.
type adapter struct{}

// NativeToValue returns the value of CEL.
func (a adapter) NativeToValue(value any) ref.Val {
	switch value := value.(type) {
	case json.Number:
		return numeric(value)
	case map[string]any:
		return types.NewStringInterfaceMap(a, value)
	case []any:
		return types.NewDynamicList(a, value)
	}
	return types.DefaultTypeAdapter.NativeToValue(value)
}

func numeric(n json.Number) ref.Val {
	if whole, err := n.Int64(); err == nil {
		return types.Int(whole)
	}
	if large, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
		return types.Uint(large)
	}
	f, _ := n.Float64() // what is too large becomes infinite
	return types.Double(f)
}
