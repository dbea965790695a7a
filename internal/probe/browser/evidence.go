package browser

import (
	"github.com/channelwatch/channelwatch/internal/pageload"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// record returns what is kept of a run: the page as it loaded, and where the steps led when that is another page. A run
// without a page leaves nothing.
func (j *judged) record(published bool) []probe.Visit {
	if j.load == nil {
		return nil
	}
	visits := []probe.Visit{j.describe(j.load)}
	if j.end != j.load {
		visits = append(visits, j.describe(j.end))
	}
	visits[0].Published = published
	visits[0].Screenshot = j.before
	if j.screenshot != nil {
		visits[len(visits)-1].Screenshot = j.screenshot
	}
	if j.failed == nil {
		visits[0].Vitals = vitalValues(&j.vitals)
	}
	for i := range visits {
		if !published {
			visits[i].Filmstrip = nil
		}
	}
	return visits
}

// describe writes down one load of a page.
func (j *judged) describe(load *pageload.Load) probe.Visit {
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
