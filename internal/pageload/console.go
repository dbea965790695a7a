package pageload

import (
	"encoding/json"
	"strings"

	"github.com/channelwatch/channelwatch/internal/cdp"
	"github.com/channelwatch/channelwatch/internal/probe"
)

type (
	// wireValue is a value of a page as the browser tells it.
	wireValue struct {
		Type        string          `json:"type"`
		Value       json.RawMessage `json:"value"`
		Special     string          `json:"unserializableValue"`
		Description string          `json:"description"`
		Class       string          `json:"className"`
	}
	wireStack struct {
		Frames []struct {
			URL  string `json:"url"`
			Line int    `json:"lineNumber"` // from 0
		} `json:"callFrames"`
	}
	consoleAPICalled struct {
		Type      string      `json:"type"`
		Args      []wireValue `json:"args"`
		Timestamp float64     `json:"timestamp"` // milliseconds since 1970, as are the others
		Stack     wireStack   `json:"stackTrace"`
	}
	exceptionThrown struct {
		Timestamp float64 `json:"timestamp"`
		Details   struct {
			Text      string    `json:"text"`
			URL       string    `json:"url"`
			Line      int       `json:"lineNumber"` // from 0
			Exception wireValue `json:"exception"`
			Stack     wireStack `json:"stackTrace"`
		} `json:"exceptionDetails"`
	}
	entryAdded struct {
		Entry struct {
			Level     string  `json:"level"`
			Text      string  `json:"text"`
			URL       string  `json:"url"`
			Line      int     `json:"lineNumber"` // from 1; absent when it is of no script
			Timestamp float64 `json:"timestamp"`
		} `json:"entry"`
	}
)

// noteConsole reports whether the event was one of the console.
func (j *journal) noteConsole(e cdp.Event) bool {
	switch e.Method {
	case "Runtime.consoleAPICalled":
		with(e, func(p consoleAPICalled) {
			url, number := p.Stack.top()
			j.now.write(newLine(p.Timestamp, level(p.Type), join(p.Args), url, number), false)
		})
	case "Runtime.exceptionThrown":
		with(e, func(p exceptionThrown) { j.now.write(p.line(), true) })
	case "Log.entryAdded":
		with(e, func(p entryAdded) {
			j.now.write(newLine(p.Entry.Timestamp, level(p.Entry.Level), p.Entry.Text, p.Entry.URL, p.Entry.Line), false)
		})
	default:
		return false
	}
	return true
}

func newLine(ms float64, level, text, url string, number int) line {
	return line{ms / 1e3, probe.ConsoleLine{Level: level, Text: shownText(text), URL: shownURL(url), Line: max(0, number)}}
}

// level returns the level of probe.ConsoleLine for what the browser calls a type of call or a level of its log.
func level(wire string) string {
	switch wire {
	case "error", "assert":
		return "error"
	case "warning":
		return "warning"
	case "debug", "verbose", "trace":
		return "debug"
	}
	return "info"
}

// line returns what the console shows of an exception: its first line, and where it came from.
func (e exceptionThrown) line() line {
	d := e.Details
	text := d.Text
	if thrown := d.Exception.String(); thrown != "" && thrown != "undefined" {
		first, _, _ := strings.Cut(thrown, "\n")
		text = strings.TrimSpace(text + " " + first)
	}
	url, number := d.URL, d.Line+1
	if url == "" {
		url, number = d.Stack.top()
	}
	return newLine(e.Timestamp, "error", text, url, number)
}

// top returns where a call came from; its line counts from 1.
func (s wireStack) top() (url string, number int) {
	if len(s.Frames) == 0 {
		return "", 0
	}
	return s.Frames[0].URL, s.Frames[0].Line + 1
}

// String returns the value as a console shows it.
func (v wireValue) String() string {
	var text string
	switch {
	case v.Type == "undefined":
		return v.Type
	case v.Type == "string" && json.Unmarshal(v.Value, &text) == nil:
		return text
	case v.Special != "":
		return v.Special
	case v.Description != "":
		return v.Description
	}
	return string(v.Value)
}

func join(args []wireValue) string {
	const most = 10 // values of one call
	words := make([]string, 0, most)
	for _, arg := range args[:min(most, len(args))] {
		words = append(words, probe.Clip(arg.String(), maxText))
	}
	return strings.Join(words, " ")
}
