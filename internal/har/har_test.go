package har_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/channelwatch/channelwatch/internal/har"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// visits returns a run that was published, which went on to another page, and one that went wrong.
func visits() []probe.Visit {
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("", 3600))
	const ms = time.Millisecond
	return []probe.Visit{
		{
			Run: 1, Published: true, Start: start, Browser: "Headless Shell 140.0.7339.80", URL: "https://shop.example/", Status: 200, Settled: true,
			Vitals:  map[string]float64{"lcp": 1.5, "dom_ready": 0.3999999, "load": 1.7, "cls": 0.02},
			Content: probe.Content{Title: "Shop <winter>"},
			Requests: []probe.Request{
				{
					URL: "https://shop.example/?q=xxx", Method: "GET", Type: "document", Status: 200, Protocol: "h2", MIME: "text/html",
					Bytes: 12_345, Blocked: 20*ms + 123456, Wait: 100 * ms, Receive: 30 * ms,
				},
				{
					URL: "https://shop.example/logo.svg", Method: "GET", Type: "image", Status: 200, Protocol: "http/1.1", MIME: "image/svg+xml",
					Start: 200 * ms, Cached: true,
				},
				{URL: "https://ads.example/a.js", Method: "GET", Type: "script", Start: 150 * ms, Blocked: ms, Error: "net::ERR_FAILED"},
			},
			Omitted: 7,
		},
		{
			Run: 1, Start: start.Add(10 * time.Second), Browser: "Headless Shell 140.0.7339.80", URL: "https://shop.example/cart", Settled: true,
			Requests: []probe.Request{{URL: "https://shop.example/cart", Method: "GET", Type: "document", Status: 200, Protocol: "h2"}},
		},
		{Run: 2, Start: start.Add(time.Minute), Browser: "Headless Shell 140.0.7339.80", URL: "https://shop.example/"},
	}
}

func write(t *testing.T, visits []probe.Visit) map[string]any {
	t.Helper()
	var b bytes.Buffer
	if err := har.Write(&b, "1.2.3", visits); err != nil {
		t.Fatal(err)
	}
	return decode(t, b.Bytes())
}

func decode(t *testing.T, text []byte) (value map[string]any) {
	t.Helper()
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return value
}

// TestWrite compares the whole archive, because other programs read it.
func TestWrite(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "visits.har"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decode(t, want), write(t, visits())); diff != "" {
		t.Errorf("archive differs (-want +got):\n%s", diff)
	}
}

func TestWrite_FollowsTheFormat(t *testing.T) {
	dir := filepath.Join("testdata", "har-schema")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no schemas in %s: %v", dir, err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource("https://har.example/"+filepath.Base(file), schema(t, text)); err != nil {
			t.Fatal(err)
		}
	}
	compiled, err := compiler.Compile("https://har.example/har.json")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]probe.Visit{"visits": visits(), "a visit without anything": {{}}, "no visit": nil}
	for name, given := range tests {
		t.Run(name, func(t *testing.T) {
			archive := write(t, given)
			if err := compiled.Validate(archive); err != nil {
				t.Error(err)
			}
			checkBeyondSchema(t, archive["log"].(map[string]any))
		})
	}
	broken := write(t, visits())
	delete(broken["log"].(map[string]any)["entries"].([]any)[0].(map[string]any)["response"].(map[string]any), "redirectURL")
	if compiled.Validate(broken) == nil {
		t.Error("the schema takes a response without redirectURL: it checks nothing")
	}
}

// schema reads a schema. Its bounds are written "min", which the language of schemas does not know, and its identifiers
// are relative to where it is.
func schema(t *testing.T, text []byte) any {
	t.Helper()
	text = bytes.ReplaceAll(text, []byte(`"min":`), []byte(`"minimum":`))
	value := decode(t, text)
	delete(value, "$id")
	return value
}

// checkBeyondSchema checks what the specification says and the schemas do not.
func checkBeyondSchema(t *testing.T, log map[string]any) {
	t.Helper()
	ids := make(map[any]bool)
	for _, p := range log["pages"].([]any) {
		id := p.(map[string]any)["id"]
		if ids[id] {
			t.Errorf("two pages have the identifier %v", id)
		}
		ids[id] = true
	}
	var last time.Time
	for _, e := range log["entries"].([]any) {
		entry := e.(map[string]any)
		if !ids[entry["pageref"]] {
			t.Errorf("an entry is of page %v, which there is not", entry["pageref"])
		}
		start, err := time.Parse(time.RFC3339, entry["startedDateTime"].(string))
		if err != nil || start.Before(last) {
			t.Errorf("the entry of %v (%v) comes after the one of %v, want the oldest first", start, err, last)
		}
		last = start
		sum := 0.0
		timings := entry["timings"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(timings)) {
			value := timings[name].(float64)
			if slices.Contains([]string{"send", "wait", "receive"}, name) && value < 0 {
				t.Errorf("timing %s is %v, and the only value that is not known may be another", name, value)
			}
			if name != "ssl" { // which is a part of connect
				sum += max(0, value)
			}
		}
		if diff := entry["time"].(float64) - sum; diff > 1e-6 || diff < -1e-6 {
			t.Errorf("time is %v, want the sum of its timings, %v", entry["time"], sum)
		}
	}
}

func TestWrite_NamesTheBrowser(t *testing.T) {
	for given, want := range map[string]any{
		"Headless Shell 140.0":   map[string]any{"name": "Headless Shell", "version": "140.0"},
		"HeadlessChrome/140.0.1": map[string]any{"name": "HeadlessChrome", "version": "140.0.1"},
		"Chromium":               map[string]any{"name": "Chromium", "version": ""},
		"":                       nil,
	} {
		log := write(t, []probe.Visit{{Browser: given}})["log"].(map[string]any)
		if diff := cmp.Diff(want, log["browser"]); diff != "" {
			t.Errorf("browser %q (-want +got):\n%s", given, diff)
		}
	}
}

func TestWrite_NamesProtocols(t *testing.T) {
	for given, want := range map[string]string{
		"h2": "HTTP/2", "h3": "HTTP/3", "http/1.1": "HTTP/1.1", "http/1.0": "HTTP/1.0", "": "", "data": "data",
	} {
		log := write(t, []probe.Visit{{Requests: []probe.Request{{Protocol: given}}}})["log"].(map[string]any)
		entry := log["entries"].([]any)[0].(map[string]any)
		for _, side := range []string{"request", "response"} {
			if got := entry[side].(map[string]any)["httpVersion"]; got != want {
				t.Errorf("protocol %q of the %s is written %q, want %q", given, side, got, want)
			}
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestWrite_SaysWhatWentWrong(t *testing.T) {
	err := har.Write(full{}, "1", visits())
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("error %v, want the one of the writer", err)
	}
}
