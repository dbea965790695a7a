package stream

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/push"
)

// all reads a stream to its end, as name=data.
func all(tb testing.TB, s source) []string {
	tb.Helper()
	var events []string
	for {
		e, err := s.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				tb.Errorf("got %v, want the end", err)
			}
			return events
		}
		events = append(events, e.name+"="+string(e.data))
	}
}

func sseOf(text string) *sse { return newSSE(io.NopCloser(strings.NewReader(text)), new(intake)) }

func ndjsonOf(text string) *ndjson {
	return newNDJSON(io.NopCloser(strings.NewReader(text)), new(intake))
}

// TestSSE has the examples of HTML, section 9.2.6, among its cases.
func TestSSE(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxEvent)
	for text, want := range map[string][]string{
		"":                                   nil,
		"data: YHOO\ndata: +2\ndata: 10\n\n": {"=YHOO\n+2\n10"},
		": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event": {"=first event", "=second event"},
		"data\n\ndata\ndata\n\ndata:":                          {"=", "=\n"},
		"data:test\n\ndata: test\n\n":                          {"=test", "=test"},
		"event: add\ndata: 1\n\n":                              {"add=1"},
		"event: add\n\ndata: 1\n\n":                            {"=1"},
		"event: message\ndata: 1\n\n":                          {"=1"},
		"data: 1\r\n\r\ndata: 2\r\rdata: 3\n\r":                {"=1", "=2", "=3"},
		"\uFEFFdata: 1\n\n\uFEFFdata: 2\n\n":                   {"=1"},
		"retry: 5\nfoo: bar\nDATA: 1\n\n":                      nil,
		"data: " + long[1:] + "\n\n":                           nil, // its line is over the bound
		"data:" + long[6:] + "\n\n":                            {"=" + long[6:]},
		"data: 1234567\ndata: " + long[6:] + "\n\ndata: 2\n\n": {"=2"},
		":" + long + long + "\ndata: 1\n\n":                    {"=1"},
		"\n\n\n\ndata: 1\n\n\n":                                {"=1"},
	} {
		if got := all(t, sseOf(text)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%.80q: got %.80q, want %.80q", text, got, want)
		}
	}
}

func TestNDJSON(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxEvent)
	for text, want := range map[string][]string{
		"":                         nil,
		"{}\n{}":                   {"={}", "={}"},
		" {\"a\":1}\t\r\n\r\n\n{}": {`={"a":1}`, "={}"},
		"a\rb\n":                   {"=a\rb"},
		long + "\n":                {"=" + long},
		long + "x\n1\n":            {"=1"},
		long + "x":                 nil,
	} {
		if got := all(t, ndjsonOf(text)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%.80q: got %.80q, want %.80q", text, got, want)
		}
	}
}

// TestSources_DoNotWait has an event out as soon as its last byte is in, however the bytes come.
func TestSources_DoNotWait(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		open func(io.ReadCloser, *intake) source
	}{
		"sse with LF":    {"data: 1\n\n", func(r io.ReadCloser, in *intake) source { return newSSE(r, in) }},
		"sse with CR":    {"data: 1\r\r", func(r io.ReadCloser, in *intake) source { return newSSE(r, in) }},
		"sse with CR LF": {"data: 1\r\n\r", func(r io.ReadCloser, in *intake) source { return newSSE(r, in) }},
		"ndjson":         {"1\n", func(r io.ReadCloser, in *intake) source { return newNDJSON(r, in) }},
	} {
		waits := errors.New("it waits for more")
		stream := io.MultiReader(iotest.OneByteReader(strings.NewReader(c.text)), iotest.ErrReader(waits))
		if e, err := c.open(io.NopCloser(stream), new(intake)).next(); err != nil || string(e.data) != "1" {
			t.Errorf("%s: got %q and %v, want the event", name, e.data, err)
		}
	}
}

func TestSources_SkipAndCount(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxEvent+1)
	for name, c := range map[string]struct {
		text string
		open func(io.ReadCloser, *intake) source
	}{
		"sse":    {"data: " + long + "\n\ndata: " + long + "\n\n", func(r io.ReadCloser, in *intake) source { return newSSE(r, in) }},
		"ndjson": {long + "\n" + long, func(r io.ReadCloser, in *intake) source { return newNDJSON(r, in) }},
	} {
		in := new(intake)
		if got := all(t, c.open(io.NopCloser(strings.NewReader(c.text)), in)); len(got) != 0 {
			t.Errorf("%s: got %d events, want none", name, len(got))
		}
		if got, again := in.takeSkipped(), in.takeSkipped(); got != 2 || again != 0 {
			t.Errorf("%s: got %d and %d skipped, want 2 and 0", name, got, again)
		}
	}
}

func TestMetered_Ends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const burst, second = 16 << 20, 1 << 20
		text := strings.NewReader(strings.Repeat("x", burst+10*second))
		stream := metered{text, new(intake)}
		if _, err := io.CopyN(io.Discard, stream, burst); err != nil {
			t.Fatalf("got %v within the bounds", err)
		}
		for range 5 {
			<-time.After(time.Second)
			if _, err := io.CopyN(io.Discard, stream, second); err != nil {
				t.Fatalf("got %v from a feed that brings 1 MiB a second", err)
			}
		}
		if n, err := io.Copy(io.Discard, stream); !errors.Is(err, push.ErrFlood) || n > 64<<10 {
			t.Errorf("got %v after %d bytes more, want %v soon", err, n, push.ErrFlood)
		}
	})
}

func TestParseTemplate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{{message}}": "channelwatch probe ID", `{"a":"{{message}}"}`: `{"a":"channelwatch probe ID"}`,
		"": "", "message": "", "{{message}} {{message}}": "", "{{ message }}": "",
	} {
		parsed, ok := parseTemplate(text)
		if ok != (want != "") || ok && parsed.with("ID") != want {
			t.Errorf("%q: got %q and %v, want %q", text, parsed.with("ID"), ok, want)
		}
	}
}

// fuzzed checks what holds for any stream: events are bounded, and the way in which bytes come changes nothing.
func fuzzed(t *testing.T, text string, open func(io.ReadCloser, *intake) source) {
	t.Helper()
	whole := all(t, open(io.NopCloser(strings.NewReader(text)), new(intake)))
	slow := all(t, open(io.NopCloser(iotest.OneByteReader(strings.NewReader(text))), new(intake)))
	if fmt.Sprint(whole) != fmt.Sprint(slow) {
		t.Errorf("at once: %q, byte by byte: %q", whole, slow)
	}
	for _, e := range whole {
		if len(e) > 2*maxEvent {
			t.Errorf("an event has %d bytes, want at most %d of name and of data", len(e), maxEvent)
		}
	}
}

func FuzzSSE(f *testing.F) {
	for _, seed := range []string{"data: 1\n\n", "\uFEFFevent: a\r\ndata: 1\rdata\r\r\n", ":\n\ndata:\n\nid: 1\nretry: 1\n\n", "data: 1\n\r\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fuzzed(t, text, func(r io.ReadCloser, in *intake) source { return newSSE(r, in) })
		// The end of a line may be written in any of the three ways.
		if !strings.Contains(text, "\r") {
			for _, end := range []string{"\r\n", "\r"} {
				if got, want := all(t, sseOf(strings.ReplaceAll(text, "\n", end))), all(t, sseOf(text)); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("with %q: got %q, want %q", end, got, want)
				}
			}
		}
	})
}

func FuzzNDJSON(f *testing.F) {
	for _, seed := range []string{"{}\n", `{"event":"open"}` + "\r\n\n[1]\r", " \n\x00\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fuzzed(t, text, func(r io.ReadCloser, in *intake) source { return newNDJSON(r, in) })
		scanner, want := bufio.NewScanner(strings.NewReader(text)), 0
		scanner.Buffer(nil, 2*len(text)+1)
		for scanner.Scan() {
			if line := strings.TrimSpace(scanner.Text()); line != "" && len(line) <= maxEvent/2 {
				want++
			}
		}
		if got := len(all(t, ndjsonOf(text))); len(text) <= maxEvent/2 && got != want {
			t.Errorf("got %d events, want %d", got, want)
		}
	})
}

func FuzzNtfy(f *testing.F) {
	f.Add([]byte(`{"event":"message","message":"x"}`))
	f.Add([]byte(`{"event":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if e, ok := parseNtfy(data); ok && e.Event == "" {
			t.Errorf("%q: an event without a name", data)
		}
	})
}
