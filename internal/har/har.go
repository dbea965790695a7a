// Package har writes visits of a page as an HTTP Archive (HAR 1.2, http://www.softwareishard.com/blog/har-12-spec/), which
// browsers and tools for page speed can open.
//
// An archive holds what a visit holds. Header fields, cookies, query values and bodies are not in it, because a visit does
// not keep them; where the format demands them it has empty lists and the values that stand for "not known". Fields that
// begin with an underscore are extensions that other programs pass over; those of requests are named as in the archives
// of Chromium.
//
// The package imports the domain.
package har

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// unknown stands for a size or a time that is not known or does not apply.
const unknown = -1

// Write writes the visits as one archive, each as a page. version is the one of this program. It returns the errors of w.
func Write(w io.Writer, version string, visits []probe.Visit) error {
	out := archive{log{
		Version: "1.2",
		Creator: program{"Channelwatch", version},
		Pages:   []page{},
		Entries: []entry{},
	}}
	for i := range visits {
		v := &visits[i]
		if out.Log.Browser == nil && v.Browser != "" {
			out.Log.Browser = browserOf(v.Browser)
		}
		p := pageOf(v, i+1)
		out.Log.Pages = append(out.Log.Pages, p)
		for j := range v.Requests {
			out.Log.Entries = append(out.Log.Entries, entryOf(p.ID, v.Start, &v.Requests[j]))
		}
	}
	// Frames of other sites tell of their requests by themselves, so that those of a visit are in order but for moments.
	slices.SortStableFunc(out.Log.Entries, func(a, b entry) int { return a.Start.Compare(b.Start) })
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(out); err != nil {
		return fmt.Errorf("writing a HAR file: %w", err)
	}
	return nil
}

// browserOf splits a browser's name from its version, as in "Chromium 140.0" and "HeadlessChrome/140.0".
func browserOf(text string) *program {
	if i := strings.LastIndexAny(text, " /"); i >= 0 {
		return &program{text[:i], text[i+1:]}
	}
	return &program{Name: text}
}

// pageOf describes a visit, the n-th of the archive: a run whose steps lead to other pages has several.
func pageOf(v *probe.Visit, n int) page {
	p := page{
		Start:   v.Start,
		ID:      fmt.Sprintf("page_%d", n),
		Title:   v.Content.Title,
		Timings: pageTimings{vital(v, "dom_ready"), vital(v, "load")},
		URL:     v.URL,
		Vitals:  v.Vitals,
	}
	if p.Title == "" {
		p.Title = v.URL
	}
	notes := []string{fmt.Sprintf("run %d", v.Run)}
	if v.Published {
		notes = append(notes, "the result has its figures")
	}
	if !v.Settled {
		notes = append(notes, "the page did not come to rest")
	}
	if v.Omitted > 0 {
		notes = append(notes, fmt.Sprintf("%d further requests are left out", v.Omitted))
	}
	p.Comment = strings.Join(notes, "; ")
	return p
}

// vital returns a time of a page in milliseconds.
func vital(v *probe.Visit, name string) float64 {
	seconds, measured := v.Vitals[name]
	if !measured {
		return unknown
	}
	return milliseconds(time.Duration(seconds * float64(time.Second)))
}

func entryOf(page string, start time.Time, r *probe.Request) entry {
	version := httpVersion(r.Protocol)
	e := entry{
		Page:  page,
		Start: start.Add(r.Start),
		Request: request{
			Method: r.Method, URL: r.URL, Version: version, message: nothing(), Query: []none{},
		},
		Response: response{
			Status: r.Status, Version: version, message: nothing(), Transferred: r.Bytes, Error: r.Error,
			// The browser tells the size of what was transferred, header included, and not the one of the content.
			Content: content{Size: r.Bytes, MIME: r.MIME},
		},
		Timings: timings{
			Blocked: milliseconds(r.Blocked), DNS: unknown, Connect: unknown, TLS: unknown,
			Wait: milliseconds(r.Wait), Receive: milliseconds(r.Receive),
		},
		Type: r.Type,
	}
	e.Time = e.Timings.Blocked + e.Timings.Wait + e.Timings.Receive // sending is a part of waiting here
	if r.Cached {
		e.FromCache = "disk"
	}
	return e
}

// httpVersion returns a protocol in the form of a status line; browsers name it by its ALPN identifier.
func httpVersion(protocol string) string {
	switch {
	case protocol == "h2":
		return "HTTP/2"
	case protocol == "h3":
		return "HTTP/3"
	case strings.HasPrefix(protocol, "http/"):
		return strings.ToUpper(protocol)
	}
	return protocol
}

// milliseconds returns a duration to the microsecond: what is below is noise.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond).Microseconds()) / 1000
}
