package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

func TestSmoke(t *testing.T) {
	cat, err := probe.NewCatalogue([]probe.Kind{{Name: "page", Metrics: probe.CertificateMetrics()}})
	if err != nil {
		t.Fatal(err)
	}
	m := metrics.New(metrics.Options{Catalogue: cat, Version: "1", Location: "x"})
	tp := &probe.Touchpoint{Channel: "c", Name: "t", Kind: "page", Weight: 1, Every: time.Second, Built: probe.Built{Profile: probe.Profile{Target: "a:80", Phases: []probe.Phase{probe.Wait}, Metrics: []string{probe.CertificateNotAfter}}}}
	m.Apply([]*probe.Channel{{Name: "c", Touchpoints: []*probe.Touchpoint{tp}}}, []string{"c"})
	r := probe.Result{Duration: time.Second, Start: time.Unix(1, 0)}
	m.Record(tp, &r, quality.Rate(cat, probe.Limits{}, &r))
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	t.Log(w.Body.String())
}
