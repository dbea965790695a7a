package config

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// flatten returns the fields of a struct by their paths below p. Zero values are left out, but for false.
func (k *fields) flatten(p path, v reflect.Value) map[string]string {
	out := make(map[string]string)
	k.flattenInto(out, p, v, rule{})
	return out
}

func (k *fields) flattenInto(out map[string]string, p path, v reflect.Value, r rule) {
	if !v.IsValid() || v.IsZero() && v.Kind() != reflect.Bool {
		return
	}
	if shown, ok := shownType(v); ok {
		out[string(p)] = shown
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if e := v.Elem(); e.Kind() == reflect.Struct {
			k.flattenInto(out, p, e, r)
		} else {
			out[string(p)] = shown(e, r) // set, even when it is 0 or false
		}
	case reflect.Interface:
		out[string(p)] = checksum(fmt.Sprint(v.Interface()))
	case reflect.Struct:
		for _, f := range k.of(v.Type()) {
			k.flattenInto(out, p.key(f.name), v.FieldByIndex(f.index), f.rule)
		}
	case reflect.Slice:
		for i := range v.Len() {
			k.flattenInto(out, p.index(i, ""), v.Index(i), r)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if v.Type().Elem().Kind() == reflect.String {
				out[string(p.key(key.String()))] = checksum(v.MapIndex(key).String())
			} else {
				k.flattenInto(out, p.key(key.String()), v.MapIndex(key), r)
			}
		}
	default:
		out[string(p)] = shown(v, r)
	}
}

// shownType shows the types that have a form of their own.
func shownType(v reflect.Value) (string, bool) {
	switch value := v.Interface().(type) {
	case probe.Secret:
		if value.File != "" {
			return "{file: " + value.File + "}", true
		}
		return "{env: " + value.Env + "}", true
	case time.Duration:
		return FormatDuration(value), true
	case time.Time:
		return value.Format(time.DateOnly), true
	case fmt.Stringer:
		return value.String(), true
	}
	return "", false
}

func shown(v reflect.Value, r rule) string {
	switch {
	case r.format == "hidden":
		return checksum(v.String())
	case r.format == "bytes" && v.CanInt():
		return formatBytes(v.Int())
	case v.Kind() == reflect.String:
		return redactURL(v.String())
	}
	return fmt.Sprint(v.Interface())
}

// redactURL removes the user and the values of the query from a text that is a URL.
func redactURL(s string) string {
	if !strings.Contains(s, "://") {
		return s
	}
	u, err := url.Parse(s)
	if err != nil {
		return checksum(s)
	}
	u.User = nil
	if u.RawQuery != "" {
		query := u.Query()
		parts := make([]string, 0, len(query))
		for _, key := range slices.Sorted(maps.Keys(query)) {
			value := strings.Join(query[key], ",")
			if value == "" {
				parts = append(parts, checksum(key)) // a token without a name
				continue
			}
			parts = append(parts, url.QueryEscape(key)+"="+checksum(value))
		}
		u.RawQuery = strings.Join(parts, "&")
	}
	return u.String()
}

// checksum stands for a text that may be secret. Its 16 bits show most changes and say next to nothing about the text.
func checksum(s string) string {
	sum := sha256.Sum256([]byte(s))
	return fmt.Sprintf("hidden-%x", sum[:2])
}
