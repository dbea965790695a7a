package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"time"
)

// namePattern is a name of a channel or a touchpoint: a part of URLs, and a metric label.
const namePattern = `^[a-z0-9][a-z0-9-]{0,62}$`

// patternWords says what a pattern asks for.
func patternWords(pattern *regexp.Regexp) string {
	if pattern.String() == namePattern {
		return "lower-case letters, digits and hyphens, at most 63"
	}
	return "text that matches " + pattern.String()
}

// wanted says what the rule asks for, after prefix; nothing when it asks for nothing.
func (r rule) wanted(prefix string) string {
	switch {
	case len(r.enum) > 0:
		return prefix + orList(r.enum)
	case r.pattern != nil:
		return prefix + patternWords(r.pattern)
	case r.format == "url":
		return prefix + "a URL"
	case r.min != "" || r.max != "":
		return prefix + r.bounds()
	}
	return ""
}

// wantOf says what a scalar of a type can be.
func wantOf(t reflect.Type, r rule) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		if words := r.wanted(""); words != "" {
			return words
		}
		return "text"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	if r.format == "bytes" {
		return "a size such as 512KiB or 8MiB"
	}
	if words := r.wanted(" from "); words != "" {
		return "a whole number" + words
	}
	if t.Bits() < 64 && t.Kind() >= reflect.Uint {
		return fmt.Sprintf("a whole number from 0 to %d", uint64(1)<<t.Bits()-1)
	}
	return "a whole number"
}

// allows reports whether a number or a duration is within the bounds.
func (r rule) allows(v reflect.Value) bool {
	n := number(v)
	return (r.min == "" || n >= r.bound(r.min, v.Type())) && (r.max == "" || n <= r.bound(r.max, v.Type()))
}

func number(v reflect.Value) float64 {
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	case v.CanFloat():
		return v.Float()
	}
	return 0
}

// bound reads a bound in the form in which the values of the type are written. The tags are part of the program, so
// that a bad one is a mistake of the programmer.
func (r rule) bound(s string, t reflect.Type) float64 {
	var n float64
	var err error
	switch {
	case t == reflect.TypeFor[time.Duration]():
		var d time.Duration
		d, err = ParseDuration(s)
		n = float64(d)
	case r.format == "bytes":
		var i int64
		i, err = parseBytes(s)
		n = float64(i)
	default:
		n, err = strconv.ParseFloat(s, 64)
	}
	if err != nil {
		panic(fmt.Sprintf("config: the bound %q of a field: %v", s, err))
	}
	return n
}

// bounds says what the bounds are.
func (r rule) bounds() string {
	switch {
	case r.min == "":
		return "at most " + r.max
	case r.max == "":
		return "at least " + r.min
	}
	return r.min + " to " + r.max
}

// bytesPattern is what parseBytes takes, in the words of a JSON Schema.
const bytesPattern = `^[0-9]+ ?(B|KiB|MiB|GiB|KB|MB|GB)?$`

var sizePart = regexp.MustCompile(`^([0-9]+) ?([A-Za-z]*)$`)

// parseBytes reads a size such as "512KiB", "8MiB", "1MB" or a plain number of bytes.
func parseBytes(s string) (int64, error) {
	m := sizePart.FindStringSubmatch(s)
	if m == nil {
		return 0, errors.New("is not a size")
	}
	factor, ok := map[string]int64{
		"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "KB": 1e3, "MB": 1e6, "GB": 1e9,
	}[m[2]]
	n, err := strconv.ParseInt(m[1], 10, 64)
	switch {
	case !ok:
		return 0, fmt.Errorf("has the unknown unit %q", m[2])
	case err != nil || n > math.MaxInt64/factor:
		return 0, errors.New("is too large")
	}
	return n * factor, nil
}

// formatBytes writes a size with the largest unit that divides it.
func formatBytes(n int64) string {
	for _, unit := range []struct {
		size int64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= unit.size && n%unit.size == 0 {
			return strconv.FormatInt(n/unit.size, 10) + unit.name
		}
	}
	return strconv.FormatInt(n, 10)
}
