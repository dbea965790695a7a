package config

import (
	"encoding"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// scalar reads one word, number or truth value.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, p path, r rule) {
	want := wantOf(v.Type(), r)
	if n.Kind != yaml.ScalarNode {
		d.fail(n, p, "got %s, want %s", kindOf(n), want)
		return
	}
	if v.Kind() == reflect.String {
		d.word(n, v, p, r)
		return
	}
	if !setScalar(n, v, r) {
		d.fail(n, p, "got %s, want %s", quote(n.Value), want)
		return
	}
	if !r.allows(v) {
		d.fail(n, p, "got %s, want %s", n.Value, r.bounds())
	}
}

// setScalar sets a number or a truth value. It reports whether the node holds one that fits.
func setScalar(n *yaml.Node, v reflect.Value, r rule) bool {
	switch {
	case v.Kind() == reflect.Bool:
		var b bool
		if n.Tag != "!!bool" || n.Decode(&b) != nil {
			return false
		}
		v.SetBool(b)
	case v.CanInt():
		i, err := parseInt(n.Value, r.format)
		if err != nil || v.OverflowInt(i) {
			return false
		}
		v.SetInt(i)
	case v.CanUint():
		i, err := parseInt(n.Value, r.format)
		if err != nil || i < 0 || v.OverflowUint(uint64(i)) {
			return false
		}
		v.SetUint(uint64(i))
	case v.CanFloat():
		var f float64
		if (n.Tag != "!!float" && n.Tag != "!!int") || n.Decode(&f) != nil || f != f {
			return false
		}
		v.SetFloat(f)
	default:
		panic(fmt.Sprintf("config: a field has the type %v, which the configuration cannot hold", v.Type()))
	}
	return true
}

func parseInt(s, format string) (int64, error) {
	if format == "bytes" {
		return parseBytes(s)
	}
	return strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 64)
}

// word reads a text and what its format asks for.
func (d *decoder) word(n *yaml.Node, v reflect.Value, p path, r rule) {
	s := n.Value
	switch {
	case len(r.enum) > 0 && !slices.Contains(r.enum, s):
		hint, _ := suggestion(s, r.enum)
		d.fail(n, p, "got %s, want %s", quote(s), orList(r.enum))
		d.errs.hint(hint)
		return
	case r.pattern != nil && !r.pattern.MatchString(s):
		d.fail(n, p, "got %s, want %s", quote(s), patternWords(r.pattern))
		return
	case r.format == "regex":
		if _, err := regexp.Compile(s); err != nil {
			d.fail(n, p, "got %s, want a regular expression: %s", quote(s), strings.TrimPrefix(err.Error(), "error parsing regexp: "))
			return
		}
	case r.format == "file":
		s = d.reference(s)
	}
	v.SetString(s)
}

// reference returns the path of a file that is written relative to the configuration file.
func (d *decoder) reference(s string) string {
	if s != "" && !filepath.IsAbs(s) {
		s = filepath.Join(d.dir, s)
	}
	if d.current != nil {
		d.current.refs = append(d.current.refs, s)
	}
	return s
}

// text reads a word into a type that reads itself.
func (d *decoder) text(n *yaml.Node, target encoding.TextUnmarshaler, p path) {
	if n.Kind != yaml.ScalarNode {
		d.fail(n, p, "got %s, want text", kindOf(n))
		return
	}
	if err := target.UnmarshalText([]byte(n.Value)); err != nil {
		d.fail(n, p, "%v", err)
	}
}

func (d *decoder) duration(n *yaml.Node, target *time.Duration, p path, r rule) {
	const want = "want a duration such as 800ms, 1.8s, 5m, 12h or 28d"
	if n.Kind != yaml.ScalarNode {
		d.fail(n, p, "got %s, %s", kindOf(n), want)
		return
	}
	parsed, err := ParseDuration(n.Value)
	if err != nil {
		d.fail(n, p, "%s %v, %s", quote(n.Value), err, want)
		return
	}
	*target = parsed
	if !r.allows(reflect.ValueOf(parsed)) {
		d.fail(n, p, "got %s, want %s", n.Value, r.bounds())
	}
}

func (d *decoder) date(n *yaml.Node, target *time.Time, p path) {
	date, err := time.Parse(time.DateOnly, n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		d.fail(n, p, "got %s, want a date such as 2027-03-31", quote(n.Value))
		return
	}
	*target = date
}

// secret reads a reference to a credential. What stands in its place is never shown.
func (d *decoder) secret(n *yaml.Node, target *probe.Secret, p path) {
	const hint = "write {file: path} or {env: NAME}"
	if n.Kind != yaml.MappingNode {
		d.fail(n, p, "a secret stands in the configuration itself, want a reference")
		d.errs.hint(hint)
		return
	}
	for _, pair := range d.pairs(n, p) {
		word := pair.value.Value
		if pair.value.Kind != yaml.ScalarNode || word == "" {
			d.fail(pair.value, p, "the reference of the secret is empty")
			d.errs.hint(hint)
			return
		}
		switch pair.key.Value {
		case "file":
			target.File = d.reference(word)
		case "env":
			target.Env = word
		default:
			d.fail(pair.key, p, "unknown key %s", quote(pair.key.Value))
			d.errs.hint(hint)
			return
		}
	}
	if (target.File == "") == (target.Env == "") {
		d.fail(n, p, "want one of file and env")
		d.errs.hint(hint)
	}
}
