//go:build nohistory

package history_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/history"
)

func TestLeftOut(t *testing.T) {
	if history.Included() {
		t.Error("a build with nohistory says that it includes the history")
	}
	s, err := history.Open(history.Options{Dir: t.TempDir()})
	if s != nil || !errors.Is(err, history.ErrLeftOut) {
		t.Errorf("Open: %v, %v, want %v", s, err, history.ErrLeftOut)
	}
	s = &history.Store{}
	_, atOnce := s.Query(t.Context(), "up", time.Time{})
	_, ranged := s.QueryRange(t.Context(), "up", time.Time{}, time.Time{}, time.Second)
	for name, err := range map[string]error{
		"Run": s.Run(t.Context()), "Query": atOnce, "QueryRange": ranged,
		"CheckAlerting": history.CheckAlerting(history.Block{}), "CheckRemoteWrite": history.CheckRemoteWrite(history.Block{}),
	} {
		if !errors.Is(err, history.ErrLeftOut) {
			t.Errorf("%s: %v, want %v", name, err, history.ErrLeftOut)
		}
	}
	if status := s.Status(); status.State != history.Stopped || !strings.Contains(status.Why, "nohistory") {
		t.Errorf("status %+v, want stopped, because of the tag", status)
	}
	if n := s.Series(); n != 0 {
		t.Errorf("%d series, want none", n)
	}
	if all := s.Readings(); len(all) != 0 {
		t.Errorf("readings %v, want none", all)
	}
	if all := history.Describe(); len(all) != 0 {
		t.Errorf("metrics %v, want none", all)
	}
	w := httptest.NewRecorder()
	s.API().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/query?query=up", http.NoBody))
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "nohistory") {
		t.Errorf("API: %d %q, want 404 and the tag", w.Code, w.Body.String())
	}
}
