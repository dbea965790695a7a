package config

import (
	"fmt"
	"regexp"
	"strings"
)

// path names a field for people: keys are joined by dots, an entry of a list by its index, and by its name when it has one.
type path string

// plainKey is a key that needs no quotes in a path.
var plainKey = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

func (p path) key(name string) path {
	if !plainKey.MatchString(name) {
		name = fmt.Sprintf("[%s]", quote(name))
	}
	switch {
	case p == "":
		return path(name)
	case strings.HasSuffix(string(p), `"`), strings.HasSuffix(string(p), `"…`):
		return p + ": " + path(name)
	case strings.HasPrefix(name, "["):
		return p + path(name)
	}
	return p + "." + path(name)
}

func (p path) index(i int, name string) path {
	p += path(fmt.Sprintf("[%d]", i))
	if name != "" {
		p += path(" " + quote(name))
	}
	return p
}

// within reports whether p is parent or a field below it.
func (p path) within(parent path) bool {
	rest, ok := strings.CutPrefix(string(p), string(parent))
	return ok && (rest == "" || strings.ContainsAny(rest[:1], ".[:"))
}

// quote shows foreign text in an error: quoted, and cut when it is long.
func quote(s string) string {
	const most = 60
	if runes := []rune(s); len(runes) > most {
		return fmt.Sprintf("%q…", string(runes[:most]))
	}
	return fmt.Sprintf("%q", s)
}
