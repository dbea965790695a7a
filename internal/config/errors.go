package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// position is a place in a file. A line or column of 0 is unknown.
type position struct {
	file         string
	line, column int
}

// Error is one mistake in a configuration.
type Error struct {
	File   string // as given
	Line   int    // from 1; 0 when it is about the file as a whole
	Column int    // from 1; 0 when it is unknown
	Path   string // of the field, such as `channels[0] "mobile-web": touchpoints[2] "home": with.url`; empty for the file
	Text   string // what is wrong, what was wanted
	Hint   string // what to do about it; may be empty
}

// Error is "file:line:column: path: text (hint)", without the parts that are unknown.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	for _, n := range []int{e.Line, e.Column} {
		if n > 0 {
			fmt.Fprintf(&b, ":%d", n)
		}
	}
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Text)
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// Errors are all mistakes of a configuration, in the order of files and lines.
type Errors []*Error

// Error lists the mistakes, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the mistakes, for errors.As.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, err := range e {
		all[i] = err
	}
	return all
}

// Files returns the files with mistakes. Watch them beside those of the configuration in use: the one that is mended may
// be a file that only the refused configuration includes.
func (e Errors) Files() []string {
	var all []string
	for _, err := range e {
		if !slices.Contains(all, err.File) {
			all = append(all, err.File)
		}
	}
	return all
}

func (e *Errors) add(at position, p path, format string, args ...any) {
	*e = append(*e, &Error{File: at.file, Line: at.line, Column: at.column, Path: string(p), Text: fmt.Sprintf(format, args...)})
}

// hint says what to do about the mistake that was added last.
func (e Errors) hint(text string) { e[len(e)-1].Hint = text }

// sorted returns the mistakes in the order of the files and of their lines.
func (e Errors) sorted(files []string) Errors {
	rank := make(map[string]int)
	for i, file := range files {
		rank[file] = i
	}
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(rank[a.File], rank[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return e
}
