package applink

import (
	"regexp"
	"strings"
)

// maxPattern bounds a pattern with its variables put in, in bytes: a file of a few lines could name far more.
const maxPattern = 64 << 10

// predefined are the variables that every file has, as regular expressions. Languages and regions are taken by their
// form: the lists of ISO codes change with each version of the system.
func predefined(name string) string {
	switch name {
	case "alpha":
		return "[A-Za-z]"
	case "upper":
		return "[A-Z]"
	case "lower":
		return "[a-z]"
	case "alnum":
		return "[A-Za-z0-9]"
	case "digit":
		return "[0-9]"
	case "xdigit":
		return "[0-9A-Fa-f]"
	case "lang":
		return "[a-z]{2,3}"
	case "region":
		return "[A-Z]{2}"
	}
	return ""
}

// matches reports whether the whole text fits a pattern, in which * stands for any text, ? for any character and
// $(name) for any value of a variable. A pattern with a variable that nobody has, or that is too long, fits nothing.
func matches(pattern, text string, folded bool, variables map[string][]string) bool {
	var expression strings.Builder
	expression.WriteString("(?s)")
	if folded {
		expression.WriteString("(?i)")
	}
	expression.WriteString("^")
	for pattern != "" {
		before, after, isVariable := strings.Cut(pattern, "$(")
		name, rest, closed := strings.Cut(after, ")")
		if !isVariable || !closed {
			before, rest = pattern, ""
		}
		writeWildcards(&expression, before)
		if isVariable && closed && !writeVariable(&expression, name, variables) {
			return false
		}
		if expression.Len() > maxPattern {
			return false
		}
		pattern = rest
	}
	expression.WriteString("$")
	compiled, err := regexp.Compile(expression.String())
	return err == nil && compiled.MatchString(text)
}

// writeWildcards writes a part of a pattern that has no variables.
func writeWildcards(expression *strings.Builder, pattern string) {
	for pattern != "" {
		at := strings.IndexAny(pattern, "*?")
		if at < 0 {
			expression.WriteString(regexp.QuoteMeta(pattern))
			return
		}
		expression.WriteString(regexp.QuoteMeta(pattern[:at]))
		if pattern[at] == '*' {
			expression.WriteString(".*")
		} else {
			expression.WriteString(".")
		}
		pattern = pattern[at+1:]
	}
}

// writeVariable writes the values of a variable and reports whether there is one of that name.
func writeVariable(expression *strings.Builder, name string, variables map[string][]string) bool {
	values, own := variables[name]
	if !own {
		expression.WriteString(predefined(name))
		return predefined(name) != ""
	}
	expression.WriteString("(?:")
	for i, value := range values {
		if i > 0 {
			expression.WriteByte('|')
		}
		writeWildcards(expression, value)
		if expression.Len() > maxPattern {
			return false
		}
	}
	expression.WriteByte(')')
	return len(values) > 0
}
