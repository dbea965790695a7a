package probe

import (
	"encoding/json"
	"time"
)

// Visit is one load of a page by a browser, as evidence. Its lists are bounded by the kind, and say what was left out.
type Visit struct {
	Run        int                `json:"run"`       // from 1
	Published  bool               `json:"published"` // whether the result has its figures
	Start      time.Time          `json:"start"`     // of the navigation
	Browser    string             `json:"browser"`   // name and version; figures of different ones are not to be compared
	URL        string             `json:"url"`       // after all redirects; query values removed
	Status     int                `json:"status,omitempty"`
	Protocol   string             `json:"protocol,omitempty"`
	Settled    bool               `json:"settled"`                 // whether the page came to rest before its time was over
	Vitals     map[string]float64 `json:"vitals,omitempty"`        // seconds, but cls; those that were not measured are absent
	Largest    *Element           `json:"largest,omitempty"`       // what Largest Contentful Paint timed
	Shifts     []Shift            `json:"layout_shifts,omitempty"` // the largest ones
	Content    Content            `json:"content"`
	Requests   []Request          `json:"requests,omitempty"`         // in the order in which they began
	Omitted    int                `json:"requests_omitted,omitempty"` // requests beyond those
	Console    []ConsoleLine      `json:"console,omitempty"`
	Screenshot *Picture           `json:"screenshot,omitempty"`
	Filmstrip  []Picture          `json:"filmstrip,omitempty"`
}

// Element is a node of a page, named so that people find it.
type Element struct {
	Selector string `json:"selector"`      // such as "img#hero"
	URL      string `json:"url,omitempty"` // of the resource that it shows; query values removed
}

// Shift is a move of what a customer was looking at (W3C Layout Instability).
type Shift struct {
	At       time.Duration
	Value    float64
	Selector string // of the node that moved the furthest
}

// Content is what two devices can be compared by: the same page says the same on both.
type Content struct {
	Title    string `json:"title,omitempty"`
	Heading  string `json:"heading,omitempty"` // the first h1
	Words    int    `json:"words"`             // of the visible text
	Links    int    `json:"links"`
	Pictures int    `json:"pictures"`
	Nodes    int    `json:"nodes"`
}

// Request is one bar of the waterfall of a page. Times count from the start of the navigation.
type Request struct {
	URL        string        // query values removed
	Method     string        // such as GET
	Type       string        // document, script, stylesheet, image, font, media, fetch or other
	Site       string        // registrable domain
	ThirdParty bool          // whether the site is another than the page's
	Status     int           // 0 without an answer
	Protocol   string        // such as h2
	MIME       string        // media type
	Bytes      int64         // as transferred, header included
	Start      time.Duration // when the browser wanted it
	Blocked    time.Duration // waited for a connection, its opening included
	Wait       time.Duration // sent, to the first byte of the answer
	Receive    time.Duration // first to last byte
	Cached     bool
	Error      string // why there is no answer, such as net::ERR_FAILED
}

// ConsoleLine is what a page wrote to the browser's console, an exception that nobody caught among it.
type ConsoleLine struct {
	At    time.Duration
	Level string // error, warning, info or debug
	Text  string
	URL   string // of the script, query values removed; may be empty
	Line  int    // from 1; 0 when it is not known
}

// Picture is what customers see at a moment. Its bytes are on their way to a store while Data is set; from there on ID
// names them.
type Picture struct {
	At     time.Duration
	Media  string // image/png or image/jpeg
	Width  int    // in pixels of the picture
	Height int
	Bytes  int64
	ID     string
	Data   []byte
}

// MarshalJSON writes the time in seconds.
func (s Shift) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		At       float64 `json:"at_seconds"`
		Value    float64 `json:"value"`
		Selector string  `json:"selector,omitempty"`
	}{s.At.Seconds(), s.Value, s.Selector})
}

// MarshalJSON writes the times in seconds.
func (r Request) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		URL        string  `json:"url"`
		Method     string  `json:"method"`
		Type       string  `json:"type"`
		Site       string  `json:"site"`
		ThirdParty bool    `json:"third_party"`
		Status     int     `json:"status,omitempty"`
		Protocol   string  `json:"protocol,omitempty"`
		MIME       string  `json:"mime,omitempty"`
		Bytes      int64   `json:"bytes"`
		Start      float64 `json:"start_seconds"`
		Blocked    float64 `json:"blocked_seconds"`
		Wait       float64 `json:"wait_seconds"`
		Receive    float64 `json:"receive_seconds"`
		Cached     bool    `json:"cached,omitempty"`
		Error      string  `json:"error,omitempty"`
	}{
		r.URL, r.Method, r.Type, r.Site, r.ThirdParty, r.Status, r.Protocol, r.MIME, r.Bytes,
		r.Start.Seconds(), r.Blocked.Seconds(), r.Wait.Seconds(), r.Receive.Seconds(), r.Cached, r.Error,
	})
}

// MarshalJSON writes the time in seconds.
func (c ConsoleLine) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		At    float64 `json:"at_seconds"`
		Level string  `json:"level"`
		Text  string  `json:"text"`
		URL   string  `json:"url,omitempty"`
		Line  int     `json:"line,omitempty"`
	}{c.At.Seconds(), c.Level, c.Text, c.URL, c.Line})
}

// MarshalJSON writes the time in seconds, and never the bytes.
func (p Picture) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		At     float64 `json:"at_seconds"`
		Media  string  `json:"media"`
		Width  int     `json:"width"`
		Height int     `json:"height"`
		Bytes  int64   `json:"bytes"`
		ID     string  `json:"id,omitempty"`
	}{p.At.Seconds(), p.Media, p.Width, p.Height, p.Bytes, p.ID})
}

// Counted returns the visit whose figures the result has, or the last one of a result that has none; nil without visits.
func (e *Evidence) Counted() *Visit {
	if e == nil || len(e.Visits) == 0 {
		return nil
	}
	for i := range e.Visits {
		if e.Visits[i].Published {
			return &e.Visits[i]
		}
	}
	return &e.Visits[len(e.Visits)-1]
}

// Pictured returns the last visit with a screenshot of the run that counts: the page that its steps led to, which may be
// another than the one that was measured. It is nil when there is none.
func (e *Evidence) Pictured() *Visit {
	counted := e.Counted()
	if counted == nil {
		return nil
	}
	for i := len(e.Visits) - 1; i >= 0; i-- {
		if v := &e.Visits[i]; v.Run == counted.Run && v.Screenshot != nil {
			return v
		}
	}
	return nil
}

// Pictures yields every picture of the evidence, to be stored or sized. The screenshot of a visit comes first.
func (e *Evidence) Pictures(yield func(*Picture) bool) {
	if e == nil {
		return
	}
	for i := range e.Visits {
		v := &e.Visits[i]
		if v.Screenshot != nil && !yield(v.Screenshot) {
			return
		}
		for j := range v.Filmstrip {
			if !yield(&v.Filmstrip[j]) {
				return
			}
		}
	}
}
