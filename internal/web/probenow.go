package web

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// probedKey names a result of an extra probe in the address of the page that shows it.
const probedKey = "probed"

// busyFor is about how long a visit takes, in seconds.
const busyFor = 10

// ErrBusy is what Options.Probe returns while other probes run that the touchpoint's must not disturb.
var ErrBusy = errors.New("other pages are being looked at, which a visit now would disturb")

// probeNow probes a touchpoint once and sends the reader to a page that shows the result. It counts nowhere.
func (h *handler) probeNow(w http.ResponseWriter, r *http.Request) {
	if err := sameOrigin(r); err != nil {
		plain(w, http.StatusForbidden, err.Error()+"\n")
		return
	}
	tp := h.find(r.PathValue("channel"), r.PathValue("touchpoint"))
	if tp == nil || h.opts.Probe == nil {
		h.notThere(w, r, h.frame(w, r, "channels", "", 2), "This agent cannot probe such a touchpoint.")
		return
	}
	if tp.OnlyWhenDue {
		h.refuseProbe(w, r, http.StatusConflict, "Not probed: this touchpoint is probed when it is due only.")
		return
	}
	done, wait, ok := h.limiter.allow(tp.ProbedAs(), time.Now())
	if !ok {
		seconds := int(math.Ceil(wait.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		h.refuseProbe(w, r, http.StatusTooManyRequests,
			fmt.Sprintf("Not probed: somebody did so just now. Try again in %d s.", seconds))
		return
	}
	defer done()
	ctx, cancel := context.WithTimeout(r.Context(), tp.Timeout+5*time.Second)
	defer cancel()
	rec, err := h.opts.Probe(ctx, tp.Channel, tp.Name)
	switch {
	case errors.Is(err, ErrBusy):
		h.limiter.forget(tp.ProbedAs()) // nothing was probed
		w.Header().Set("Retry-After", strconv.Itoa(busyFor))
		h.refuseProbe(w, r, http.StatusServiceUnavailable, fmt.Sprintf("Not probed: %v. Try again in %d s.", ErrBusy, busyFor))
		return
	case err != nil:
		h.refuseProbe(w, r, http.StatusBadGateway, "Not probed: "+err.Error()+".")
		return
	}
	query := r.URL.Query()
	query.Set(probedKey, h.probed.keep(tp.Key(), rec, time.Now()))
	w.Header().Set("Location", "./"+url.PathEscape(tp.Name)+"?"+query.Encode()+"#"+probedKey) // holds behind every proxy
	w.WriteHeader(http.StatusSeeOther)
}

func (h *handler) refuseProbe(w http.ResponseWriter, r *http.Request, status int, why string) {
	page, _ := h.newTouchpointPage(w, r) // the touchpoint was there, and its page is shown whatever is known about it
	page.Refused = why
	page.Live, page.Refresh = "off", 0 // the reader would lose the sentence
	h.page(w, r, status, "touchpoint", page)
}
