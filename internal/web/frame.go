package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/view"
)

// frame is what every page has.
type frame struct {
	Title    string
	Base     string // relative way to the first page, so that the pages work under any path of a proxy
	Assets   string // where the files are
	Section  string // of the navigation: channels, incidents, wall
	Location string
	Version  string
	Now      time.Time
	IT       bool       // whose sentences come first
	Range    view.Range // of timelines and charts
	Chosen   bool       // whether the reader chose the range
	Demo     bool
	Public   bool
	Charts   bool   // whether the page has charts to be read with a pointer
	Live     string // "events", "poll" or "off"
	Events   string // where to listen; empty for nowhere
	Refresh  int    // seconds between two loads without scripts; 0 for never
	Notices  []string
	Why      string // why there are no scores; empty when there are
	Grafana  string
	External string     // where readers reach this agent; empty when it is not known
	begun    time.Time  // start of what was recorded, of a young history; zero for others
	first    time.Time  // first recording in the range; zero when it is not known
	unkept   bool       // whether the reader's browser does not remember the audience of this page
	keep     url.Values // of the query, in links to the same page
}

// Ranges returns what a reader can look back over.
func (*frame) Ranges() []view.Range { return view.Ranges() }

// For returns the audience's name in URLs.
func (f *frame) For() string {
	if f.IT {
		return "it"
	}
	return "marketing"
}

// Pick returns the sentence for the reader.
func (f *frame) Pick(s view.Sides) string {
	if f.IT {
		return s.IT
	}
	return s.Marketing
}

func (f *frame) addNotice(text string) {
	if text != "" {
		f.Notices = append(f.Notices, text)
	}
}

// SoFar says that too little of a window has been measured to call its score that of the window; empty otherwise. IT reads
// how much it is.
func (f *frame) SoFar(s *view.Score) string {
	switch {
	case s == nil || !s.Early:
		return ""
	case f.IT:
		return "so far, " + view.Percent(100*s.Coverage) + " of it"
	}
	return "so far"
}

// Within says for how long a page looked for something: over its range, or for as long as there is a record.
func (f *frame) Within() string {
	if !f.first.IsZero() && f.Now.Sub(f.first) < f.Range.Length()-10*time.Minute {
		return "so far"
	}
	return "in the last " + span(f.Range)
}

// Self returns a link to the same page with another value of one parameter.
func (f *frame) Self(key, value string) string {
	query := maps.Clone(f.keep)
	query.Set(key, value)
	return "?" + query.Encode()
}

// Switch returns a link to the same page for another audience, which the browser then remembers.
func (f *frame) Switch(audience string) string {
	return f.Self("for", audience) + "&" + rememberKey + "=1"
}

// To returns a link to another page of the agent that looks back over the same range, if the reader chose one, and is for
// the same audience.
func (f *frame) To(path string) string {
	query := url.Values{}
	if f.Chosen && f.Range != view.Day {
		query.Set("range", string(f.Range))
	}
	if f.unkept {
		query.Set("for", f.For())
	}
	if len(query) == 0 {
		return f.Base + path
	}
	return f.Base + path + "?" + query.Encode()
}

// Channel returns a link to the page of a channel.
func (f *frame) Channel(name string) string { return f.To("channels/" + url.PathEscape(name)) }

// Touchpoint returns a link to the page of a touchpoint.
func (f *frame) Touchpoint(channel, name string) string {
	return f.To("touchpoints/" + url.PathEscape(channel) + "/" + url.PathEscape(name))
}

// frame reads the switches of a request and lets the browser remember the audience that it chose. depth is how many folders down the page is.
func (h *handler) frame(w http.ResponseWriter, r *http.Request, section, title string, depth int) frame {
	base := "./"
	for i := range depth {
		if i == 0 {
			base = ""
		}
		base += "../"
	}
	f := frame{
		Title: title, Base: base, Assets: base + "assets/" + h.assets.version + "/", Section: section,
		Location: h.opts.Location, Version: h.opts.Version, Now: time.Now(), Range: view.Day,
		Demo: h.opts.Demo, Live: "poll", Refresh: 15, Notices: slices.Clone(h.opts.Source.Notices()), Grafana: h.opts.GrafanaURL, External: h.opts.ExternalURL,
		keep: url.Values{},
	}
	if h.opts.Updates != nil {
		f.Live, f.Events = "events", base+"events"
	}
	f.IT, f.unkept = audience(w, r)
	query := r.URL.Query()
	for _, key := range []string{"channel", "theme"} {
		if query.Get(key) != "" {
			f.keep.Set(key, query.Get(key))
		}
	}
	if back, ok := back(r); ok && query.Get("range") != "" {
		f.Range, f.Chosen = back, true
		f.keep.Set("range", string(back))
	}
	if f.unkept {
		f.keep.Set("for", f.For())
	}
	return f
}

// back returns the range that a request looks back over: a day when it names none; false when it names none of ours.
func back(r *http.Request) (view.Range, bool) {
	asked := view.Range(r.URL.Query().Get("range"))
	if asked == "" {
		return view.Day, true
	}
	return asked, slices.Contains(view.Ranges(), asked)
}
