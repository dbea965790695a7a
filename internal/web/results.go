package web

import (
	"net/http"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/recent"
	"github.com/channelwatch/channelwatch/internal/record"
)

// answerResults is a list of records as JSON.
type answerResults struct {
	Results []record.Record `json:"results"`
}

// results answers with the last record of every touchpoint; ?channel= and ?touchpoint= narrow it. With both, the
// failures that are still kept follow, newest first.
func (h *handler) results(w http.ResponseWriter, r *http.Request) {
	channel, touchpoint := r.FormValue("channel"), r.FormValue("touchpoint")
	records := []record.Record{}
	for _, c := range h.opts.Source.Channels() {
		if channel != "" && channel != c.Name {
			continue
		}
		for _, tp := range c.Touchpoints {
			if touchpoint == "" || touchpoint == tp.Name {
				records = append(records, h.records(tp, channel != "" && touchpoint != "")...)
			}
		}
	}
	h.json(w, r, http.StatusOK, answerResults{records})
}

// apiResults answers with the last record of one touchpoint and the failures that are still kept, newest first.
func (h *handler) apiResults(w http.ResponseWriter, r *http.Request) {
	tp := h.find(r.PathValue("channel"), r.PathValue("touchpoint"))
	if tp == nil {
		h.fail(w, r, http.StatusNotFound, "no such touchpoint on this agent")
		return
	}
	h.json(w, r, http.StatusOK, answerResults{append([]record.Record{}, h.records(tp, true)...)})
}

// records returns the last record of a touchpoint, and with failures also those that are kept.
func (h *handler) records(tp *probe.Touchpoint, failures bool) []record.Record {
	last, ok := h.opts.Recent.Last(tp.Key())
	if !ok {
		return nil
	}
	entries := []recent.Entry{last}
	if failures {
		for _, e := range h.opts.Recent.Failures(tp.Key()) {
			if !e.Result.Start.Equal(last.Result.Start) {
				entries = append(entries, e)
			}
		}
	}
	records := make([]record.Record, len(entries))
	for i := range entries {
		records[i] = record.New(h.opts.Catalogue, tp, &entries[i].Result, entries[i].Verdict, entries[i].Err)
	}
	return records
}

func (h *handler) find(channel, name string) *probe.Touchpoint {
	for _, c := range h.opts.Source.Channels() {
		if c.Name != channel {
			continue
		}
		for _, tp := range c.Touchpoints {
			if tp.Name == name {
				return tp
			}
		}
	}
	return nil
}

func (h *handler) config(w http.ResponseWriter, r *http.Request) {
	h.json(w, r, http.StatusOK, h.opts.Source.ConfigView())
}
