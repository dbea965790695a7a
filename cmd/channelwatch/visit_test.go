package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/record"
)

var update = flag.Bool("update", false, "write the files that the output is compared with")

// shopVisits returns three runs, of which the second counts and has all that is printed.
func shopVisits() []probe.Visit {
	const ms = time.Millisecond
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	visit := func(run int, lcp float64) probe.Visit {
		return probe.Visit{
			Run: run, Start: start.Add(time.Duration(run) * time.Minute), Browser: "Headless Shell 140.0", URL: "https://shop.example/",
			Status: 200, Protocol: "h2", Settled: true, Vitals: map[string]float64{"lcp": lcp, "ttfb": 0.25},
		}
	}
	second := visit(2, 2.7)
	second.Published, second.Settled = true, false
	second.Vitals = map[string]float64{
		"lcp": 2.7, "ttfb": 0.25, "fcp": 1.9, "cls": 0.3, "tbt": 0.15, "inp": 0.08, "dom_ready": 0.7, "load": 3,
	}
	second.Largest = &probe.Element{Selector: "img#hero", URL: "https://shop.example/hero.jpg"}
	second.Shifts = []probe.Shift{{Value: 0.2, Selector: "div.banner"}, {Value: 0.1, Selector: "p"}}
	second.Screenshot = &probe.Picture{Media: "image/png", Width: 412, Height: 823}
	request := func(site string, third bool, bytes int64, status int, parts ...time.Duration) probe.Request {
		return probe.Request{
			Method: "GET", URL: fmt.Sprintf("https://%s/%d", site, bytes), Site: site, ThirdParty: third, Bytes: bytes, Status: status,
			Start: parts[0], Blocked: parts[1], Wait: parts[2], Receive: parts[3],
		}
	}
	second.Requests = []probe.Request{
		request("shop.example", false, 14_000, 200, 0, 300*ms, 600*ms, 300*ms),
		request("shop.example", false, 2_500_000, 200, 1200*ms, 0, 300*ms, 1500*ms),
		request("ads.example", true, 900, 404, 1500*ms, 600*ms, 600*ms, 0),
		request("tags.example", true, 1, 200, 2990*ms, 0, 0, 0),
	}
	for n := range 9 {
		r := request(fmt.Sprintf("t%d.example", n), true, int64(100+n), 200, time.Duration(n)*ms, ms, ms, ms)
		second.Requests = append(second.Requests, r)
	}
	for n := range 11 {
		r := request("ads.example", true, 0, 0, 100*ms, time.Duration(100-n)*ms, 0, 0)
		r.Error = "net::ERR_FAILED"
		second.Requests = append(second.Requests, r)
	}
	second.Requests[2].Error = "net::ERR_ABORTED"
	second.Omitted = 3
	second.Console = []probe.ConsoleLine{
		{At: 800 * ms, Level: "error", Text: "TypeError: x is not\n  a function", URL: "https://shop.example/app.js", Line: 17},
		{At: 900 * ms, Level: "warning", Text: "\x1b[31mred", URL: "https://shop.example/app.js"},
	}
	for range 19 {
		second.Console = append(second.Console, probe.ConsoleLine{At: time.Second, Level: "info", Text: "tick"})
	}
	return []probe.Visit{visit(1, 2.2), second, visit(3, 3.5)}
}

func TestWriteRecord_OfAPageInABrowser(t *testing.T) {
	r := record.Record{
		Channel: "mobile-web", Touchpoint: "shop", Kind: "browser", URL: "https://shop.example/", Duration: 2.7, Rating: probe.Fair,
		Dimensions: map[string]probe.Rating{"reachable": probe.Excellent, "correct": probe.Excellent, "fast": probe.Fair, "trusted": probe.Excellent},
		Measurements: []record.Measurement{
			{Metric: "web_vital_seconds", Label: "ttfb", Value: 0.250000001},
			{Metric: "web_vital_seconds", Label: "lcp", Value: 2.7},
			{Metric: "page_load_bytes", Label: "script", Value: 2_514_000},
			{Metric: "visit_settled", Value: 0},
		},
		Evidence: &probe.Evidence{Visits: shopVisits()},
	}
	var got bytes.Buffer
	limits := probe.Limits{Excellent: 1800 * time.Millisecond, Good: 2500 * time.Millisecond, Fair: 4 * time.Second}
	if err := writeRecord(&got, &r, limits); err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "visits.txt"), got.Bytes())
}

// golden compares a text with a file, or writes the file when the flag -update is set.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("output differs from %s (-want +got):\n%s", path, diff)
	}
}

func TestWriteVisits_OfAPageThatNeverCame(t *testing.T) {
	var got bytes.Buffer
	visits := []probe.Visit{{Run: 1, Browser: "Headless Shell 140.0", URL: "https://shop.example/", Settled: true}}
	writeVisits(&got, &record.Record{Evidence: &probe.Evidence{Visits: visits}}, probe.Limits{})
	want := "\nvisit 1 of 1: https://shop.example/\n  in Headless Shell 140.0\n"
	if got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
	got.Reset()
	writeVisits(&got, &record.Record{Evidence: &probe.Evidence{}}, probe.Limits{})
	if got.Len() != 0 {
		t.Errorf("of no visit %q is printed", got.String())
	}
}

// TestWriteConsole counts the lines that a visit did not keep as well.
func TestWriteConsole(t *testing.T) {
	for name, tt := range map[string]struct {
		kept, counted int
		want          string
	}{
		"all":         {3, 3, ""},
		"too many":    {25, 25, "  and 5 more lines\n"},
		"one more":    {3, 4, "  and 1 more line\n"},
		"a busy page": {100, 701, "  and 681 more lines\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			writeConsole(&b, make([]probe.ConsoleLine, tt.kept), tt.counted)
			lines := strings.SplitAfter(b.String(), "\n")
			if got := lines[len(lines)-2]; tt.want != got && (tt.want != "" || strings.Contains(got, "more")) {
				t.Errorf("the last line is %q, want %q", got, tt.want)
			}
		})
	}
	measured := []record.Measurement{
		{Metric: "page_console_messages", Label: "error", Value: 201}, {Metric: "page_console_messages", Label: "warning", Value: 500}, {Metric: "page_js_errors", Value: 9},
	}
	if got := consoleLines(measured); got != 701 {
		t.Errorf("%d lines were counted, want 701", got)
	}
}

func TestRequestBar(t *testing.T) {
	const s = time.Second
	tests := map[string]struct {
		start, blocked, wait, receive time.Duration
		want                          string // without the spaces at its end
	}{
		"all parts":              {10 * s, 10 * s, 10 * s, 10 * s, strings.Repeat(" ", 10) + "..........----------##########"},
		"whole":                  {0, 0, 0, 40 * s, strings.Repeat("#", 40)},
		"only an answer":         {0, 0, 5 * s, 0, "-----"},
		"too short to be seen":   {5 * s, 1, 1, 1, "     #"},
		"at the end":             {40 * s, 0, 0, 0, strings.Repeat(" ", 39) + "#"},
		"parts of half a column": {s / 2, s / 2, s / 2, s / 2, ".#"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := requestBar(&probe.Request{Start: tt.start, Blocked: tt.blocked, Wait: tt.wait, Receive: tt.receive}, 40*s)
			if strings.TrimRight(got, " ") != tt.want || len(got) != barWidth {
				t.Errorf("bar |%s|, want |%s| with spaces up to %d", got, tt.want, barWidth)
			}
		})
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 123_456: "123.5 kB", 1_000_000: "1.0 MB", 2_540_000_000: "2540.0 MB"} {
		if got := size(n); got != want {
			t.Errorf("%d bytes are printed %q, want %q", n, got, want)
		}
	}
}

// screenshot returns a picture of one colour in the format.
func screenshot(t *testing.T, media string) *probe.Picture {
	t.Helper()
	canvas := image.NewRGBA(image.Rect(0, 0, 16, 9))
	for i := range canvas.Pix {
		canvas.Pix[i] = 0xff
	}
	canvas.Set(3, 3, color.White)
	var b bytes.Buffer
	var err error
	if media == "image/png" {
		err = png.Encode(&b, canvas)
	} else {
		err = jpeg.Encode(&b, canvas, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &probe.Picture{Media: media, Width: 16, Height: 9, Data: b.Bytes()}
}

func TestVisitFiles_Screenshot(t *testing.T) {
	tests := map[string]struct{ taken, format string }{
		"shop.png":  {"image/png", "png"},
		"shop.jpg":  {"image/jpeg", "jpeg"},
		"SHOP.PNG":  {"image/jpeg", "png"},
		"shop.jpeg": {"image/png", "jpeg"},
		"shop":      {"image/jpeg", "jpeg"},
		"shop.html": {"image/png", "png"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			visits := shopVisits()
			visits[1].Screenshot = screenshot(t, tt.taken)
			path := filepath.Join(t.TempDir(), name)
			if err := (visitFiles{screenshot: path}).write(&probe.Evidence{Visits: visits}); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			config, format, err := image.DecodeConfig(f)
			if err != nil || format != tt.format || config.Width != 16 || config.Height != 9 {
				t.Errorf("the file is a %s of %d x %d (%v), want a %s of 16 x 9", format, config.Width, config.Height, err, tt.format)
			}
			if info, err := f.Stat(); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the file has mode %v, %v; want it for its owner only", info.Mode().Perm(), err)
			}
		})
	}
}

// TestVisitFiles_ScreenshotOfAJourney writes where the steps led: the page that was measured has no picture of its own.
func TestVisitFiles_ScreenshotOfAJourney(t *testing.T) {
	ev := &probe.Evidence{Visits: []probe.Visit{
		{Run: 1, Published: true, URL: "https://shop.example/"},
		{Run: 1, URL: "https://shop.example/cart", Screenshot: screenshot(t, "image/png")},
	}}
	path := filepath.Join(t.TempDir(), "shop.png")
	if err := (visitFiles{screenshot: path}).write(ev); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, ev.Visits[1].Screenshot.Data) {
		t.Errorf("the file has %d bytes (%v), want those of the picture", len(got), err)
	}
	var text bytes.Buffer
	writeVisits(&text, &record.Record{Evidence: ev}, probe.Limits{})
	if _, after, _ := strings.Cut(text.String(), "/cart"); !strings.Contains(after, "screenshot 16 x 9, image/png") {
		t.Errorf("the picture is not told of with the page that it shows:\n%s", text.String())
	}
}

func TestVisitFiles_HAR(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.har")
	if err := (visitFiles{har: path}).write(&probe.Evidence{Visits: shopVisits()}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var archive struct {
		Log struct {
			Creator struct{ Version string }
			Pages   []any
			Entries []any
		}
	}
	if err := json.Unmarshal(text, &archive); err != nil {
		t.Fatal(err)
	}
	if log := archive.Log; log.Creator.Version != version || len(log.Pages) != 3 || len(log.Entries) != 24 {
		t.Errorf("the archive is of version %q with %d pages and %d requests, want %q, 3 and 24",
			log.Creator.Version, len(log.Pages), len(log.Entries), version)
	}
}

func TestVisitFiles_SayWhatIsNotWritten(t *testing.T) {
	dir := t.TempDir()
	none := &probe.Evidence{Visits: []probe.Visit{{Run: 1}, {Run: 2}}}
	broken := &probe.Evidence{Visits: []probe.Visit{{Screenshot: &probe.Picture{Media: "image/jpeg", Data: []byte("x")}}}}
	tests := map[string]struct {
		files visitFiles
		ev    *probe.Evidence
		want  string
	}{
		"HAR without evidence":        {visitFiles{har: "x.har"}, nil, "x.har is not written: no page was opened in a browser"},
		"HAR without a visit":         {visitFiles{har: "x.har"}, &probe.Evidence{}, "x.har is not written: no page was opened in a browser"},
		"screenshot without a visit":  {visitFiles{screenshot: "x.png"}, nil, "x.png is not written: no page was opened in a browser"},
		"no screenshot":               {visitFiles{screenshot: "x.png"}, none, "x.png is not written: there is no screenshot of run 2"},
		"broken screenshot":           {visitFiles{screenshot: "x.png"}, broken, "x.png is not written: reading a picture of type image/jpeg: "},
		"both":                        {visitFiles{har: "x.har", screenshot: "x.png"}, nil, "browser\nx.png"},
		"HAR into no directory":       {visitFiles{har: filepath.Join(dir, "none", "x.har")}, none, "no such file or directory"},
		"screenshot into a directory": {visitFiles{screenshot: dir}, broken, "is a directory"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := tt.files.write(tt.ev); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
	if err := (visitFiles{}).write(none); err != nil {
		t.Errorf("error %v of files that nobody wants", err)
	}
}
