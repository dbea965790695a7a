package assert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// EncodeJSON writes a value that was read from YAML as JSON. Values that JSON does not have, such as dates, which YAML
// makes of unquoted texts like 2026-01-31, are errors.
func EncodeJSON(value any) ([]byte, error) {
	if err := plainJSON(value); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("not a JSON value: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

func plainJSON(value any) error {
	switch v := value.(type) {
	case time.Time:
		return errors.New("holds a date, which JSON does not have: quote it")
	case map[any]any:
		return errors.New("holds an object with keys that are not texts: quote them")
	case map[string]any:
		for _, element := range v {
			if err := plainJSON(element); err != nil {
				return err
			}
		}
	case []any:
		for _, element := range v {
			if err := plainJSON(element); err != nil {
				return err
			}
		}
	}
	return nil
}

// normalize turns a value from YAML into what parseJSON would make of it.
func normalize(value any) (any, error) {
	data, err := EncodeJSON(value)
	if err != nil {
		return nil, err
	}
	return parseJSON(data)
}

// equal compares two values of parseJSON. Numbers compare by value: 1, 1.0 and 1e0 are the same.
func equal(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && equalNumbers(a, b)
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, value := range a {
			other, ok := b[key]
			if !ok || !equal(value, other) {
				return false
			}
		}
		return true
	}
	return a == b
}

// equalNumbers compares whole numbers of up to 64 bits exactly, as identifiers need it, and others as float64, which is
// what a configuration can hold of larger ones.
func equalNumbers(a, b json.Number) bool {
	if a == b {
		return true
	}
	wholeA, errA := a.Int64()
	wholeB, errB := b.Int64()
	if errA == nil && errB == nil {
		return wholeA == wholeB
	}
	largeA, errA := strconv.ParseUint(a.String(), 10, 64)
	largeB, errB := strconv.ParseUint(b.String(), 10, 64)
	if errA == nil && errB == nil {
		return largeA == largeB
	}
	floatA, _ := a.Float64() // what is too large becomes infinite, which nothing else is
	floatB, _ := b.Float64()
	return floatA == floatB
}

func matches(node any, pattern *regexp.Regexp) bool {
	switch node := node.(type) {
	case string:
		return pattern.MatchString(node)
	case json.Number:
		return pattern.MatchString(node.String())
	}
	return false
}

// bound returns a condition that holds for numbers from low to high.
func bound(low, high float64) func(node any) bool {
	return func(node any) bool {
		n, ok := node.(json.Number)
		if !ok {
			return false
		}
		f, err := n.Float64()
		return err == nil && low <= f && f <= high
	}
}

// jsonTypes returns the names of the JSON types, as RFC 8259 has them.
func jsonTypes() []string { return []string{"string", "number", "boolean", "array", "object", "null"} }

func typeOf(node any) string {
	switch node.(type) {
	case string:
		return "string"
	case json.Number:
		return "number"
	case bool:
		return "boolean"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return "null"
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// show writes a value as JSON, cut.
func show(value any) string {
	data, err := EncodeJSON(value)
	if err != nil {
		return fmt.Sprintf("%T", value)
	}
	if len(data) > maxQuoted {
		return quote(string(data))
	}
	return string(data)
}
