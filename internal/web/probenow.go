package web

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// probeNow probes a touchpoint once and shows the result above the page. It counts nowhere.
func (h *handler) probeNow(w http.ResponseWriter, r *http.Request) {
	if err := sameOrigin(r); err != nil {
		plain(w, http.StatusForbidden, err.Error()+"\n")
		return
	}
	tp := h.find(r.PathValue("channel"), r.PathValue("touchpoint"))
	if tp == nil || h.opts.Probe == nil {
		h.problem(w, r, h.frame(w, r, "channels", "", 2), http.StatusNotFound, "This agent cannot probe such a touchpoint.")
		return
	}
	done, wait, ok := h.limiter.allow(tp.Key(), time.Now())
	if !ok {
		seconds := int(math.Ceil(wait.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		h.showProbed(w, r, http.StatusTooManyRequests, nil,
			fmt.Sprintf("Not probed: somebody did so just now. Try again in %d s.", seconds))
		return
	}
	defer done()
	ctx, cancel := context.WithTimeout(r.Context(), tp.Timeout+5*time.Second)
	defer cancel()
	rec, err := h.opts.Probe(ctx, tp.Channel, tp.Name)
	if err != nil {
		h.showProbed(w, r, http.StatusBadGateway, nil, "Not probed: "+err.Error()+".")
		return
	}
	row := newResultRow(rec, time.Now(), false)
	row.Open = true
	h.showProbed(w, r, http.StatusOK, &row, "")
}

func (h *handler) showProbed(w http.ResponseWriter, r *http.Request, status int, probed *resultRow, refused string) {
	page, _ := h.newTouchpointPage(w, r) // the touchpoint was there, and its page is shown whatever is known about it
	page.Probed, page.Refused = probed, refused
	page.Live, page.Refresh = "off", 0 // the reader would lose the result
	h.page(w, r, status, "touchpoint", page)
}
