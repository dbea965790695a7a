//go:build !nohistory

package history

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"runtime"
	"slices"
	"strconv"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// prometheusVersion is the version of the Prometheus server whose parts answer. Readers choose by it what they may ask for.
const prometheusVersion = "3.13.5"

// metadata answers with type, help and unit of the families that were recorded; recorded results of rules have none.
func (a *api) metadata(_ context.Context, p params, answer answer) error {
	limit := -1
	if text := p.Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil {
			return badData(errors.New("limit must be a number"))
		}
	}
	metric := p.Get("metric")
	families := slices.DeleteFunc(a.families(), func(f metrics.Family) bool { return metric != "" && f.Name != metric })
	slices.SortFunc(families, func(a, b metrics.Family) int { return cmp.Compare(a.Name, b.Name) })
	if limit >= 0 && len(families) > limit {
		families = families[:limit]
	}
	answer(func(w *jsonWriter) {
		w.raw("{")
		for i := range families {
			if !w.more(i) {
				return
			}
			f := &families[i]
			w.string(f.Name)
			w.raw(`:[{"type":`)
			w.string(string(f.Type))
			w.raw(`,"unit":`)
			w.string(f.Unit)
			w.raw(`,"help":`)
			w.string(f.Help)
			w.raw("}]")
		}
		w.raw("}")
	}, notes{})
	return nil
}

func (a *api) buildInfo(_ context.Context, _ params, answer answer) error {
	answer(func(w *jsonWriter) {
		w.any(struct {
			Version   string `json:"version"`
			Revision  string `json:"revision"`
			Branch    string `json:"branch"`
			BuildUser string `json:"buildUser"`
			BuildDate string `json:"buildDate"`
			GoVersion string `json:"goVersion"`
		}{Version: prometheusVersion, BuildUser: "channelwatch", GoVersion: runtime.Version()})
	}, notes{})
	return nil
}

// alertmanager is an address that alerts are sent to.
type alertmanager struct {
	URL string `json:"url"`
}

func (a *api) alertmanagers(_ context.Context, _ params, answer answer) error {
	found := struct {
		Active  []alertmanager `json:"activeAlertmanagers"`
		Dropped []alertmanager `json:"droppedAlertmanagers"`
	}{[]alertmanager{}, []alertmanager{}}
	if source := a.ruler(); source != nil {
		found.Active = addresses(source.Alertmanagers())
		found.Dropped = addresses(source.DroppedAlertmanagers())
	}
	answer(func(w *jsonWriter) { w.any(found) }, notes{})
	return nil
}

func addresses(of []*url.URL) []alertmanager {
	all := make([]alertmanager, len(of))
	for i, u := range of {
		all[i] = alertmanager{u.Redacted()}
	}
	return all
}
