package browser

import (
	"github.com/channelwatch/channelwatch/internal/pageload"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// record returns what is kept of a run: the page as it loaded, and where the steps led when that is another page. A run
// without a page leaves nothing. Pictures that may show a secret are left out.
func (p *plan) record(j *judged, published bool) []probe.Visit {
	if j.load == nil {
		return nil
	}
	visits := []probe.Visit{p.describe(j, j.load)}
	if j.end != j.load {
		visits = append(visits, p.describe(j, j.end))
	}
	visits[0].Published = published
	visits[len(visits)-1].Screenshot = j.screenshot
	if j.failed == nil {
		visits[0].Vitals = vitalValues(&j.vitals)
	}
	for i := range visits {
		if !published {
			visits[i].Filmstrip = nil
		}
		if p.shows(j.load) || p.shows(j.end) {
			visits[i].Screenshot, visits[i].Filmstrip = nil, nil
		}
	}
	return visits
}

// describe writes down one load of a page.
func (p *plan) describe(j *judged, load *pageload.Load) probe.Visit {
	return probe.Visit{
		Run:       j.run,
		Start:     load.Start,
		Browser:   j.browser,
		URL:       shownURL(load.URL),
		Status:    load.Status,
		Protocol:  load.Protocol,
		Settled:   load.Settled,
		Largest:   load.Largest,
		Shifts:    load.Shifts,
		Content:   load.Content,
		Requests:  load.Requests,
		Omitted:   load.Omitted,
		Console:   load.Console,
		Filmstrip: load.Filmstrip,
	}
}

// shows reports whether a secret can be read on a page.
func (p *plan) shows(load *pageload.Load) bool {
	for _, text := range []string{load.Text, load.Content.Title, load.Content.Heading} {
		if p.redaction.Text(text) != text {
			return true
		}
	}
	return false
}
