package web

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/record"
)

const (
	probedAge = 10 * time.Minute // for which the result of an extra probe is kept
	maxProbed = 32               // results of extra probes that are kept at one time
)

// probedResults keeps the results of extra probes for a while, so that the page that shows one can be loaded again without
// probing again. It is safe for concurrent use.
type probedResults struct {
	mu   sync.Mutex
	kept []probedResult // oldest first
}

type probedResult struct {
	id     string
	of     string
	at     time.Time
	record record.Record
}

// keep returns the name under which a result can be asked for. Nobody can guess it.
func (p *probedResults) keep(of string, rec record.Record, now time.Time) (id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(now)
	if len(p.kept) == maxProbed {
		p.kept = p.kept[1:]
	}
	id = rand.Text()
	p.kept = append(p.kept, probedResult{id, of, now, rec})
	return id
}

// find returns the result of a touchpoint; false when it is not kept, or no longer.
func (p *probedResults) find(of string, id string, now time.Time) (record.Record, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(now)
	for i := range p.kept {
		if p.kept[i].id == id && p.kept[i].of == of {
			return p.kept[i].record, true
		}
	}
	return record.Record{}, false
}

func (p *probedResults) forget(now time.Time) {
	for len(p.kept) > 0 && now.Sub(p.kept[0].at) >= probedAge {
		p.kept[0] = probedResult{}
		p.kept = p.kept[1:]
	}
}

// addProbed adds the result of the extra probe that a request names.
func (h *handler) addProbed(r *http.Request, page *touchpointPage) {
	id := r.URL.Query().Get(probedKey)
	tp := h.find(page.Channel, page.Name)
	if id == "" || tp == nil {
		return
	}
	rec, ok := h.probed.find(tp.Key(), id, page.Now)
	if !ok {
		page.ProbedGone = true
		return
	}
	row := newResultRow(&rec, &page.frame, false)
	row.Open, row.Visit = true, page.newVisit(&rec, tp.Limits, barsNewest)
	page.Probed = &row
}
