package web

import (
	"fmt"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/record"
)

func TestProbedResults_AreKeptForAWhile(t *testing.T) {
	var p probedResults
	at := time.Now()
	id := p.keep("web/home", record.Record{Duration: 2}, at)
	for name, tt := range map[string]struct {
		of, id string
		now    time.Time
		want   bool
	}{
		"another touchpoint": {"web/search", id, at, false},
		"another result":     {"web/home", id + "x", at, false},
		"soon":               {"web/home", id, at.Add(probedAge - 1), true},
	} {
		if rec, ok := p.find(tt.of, tt.id, tt.now); ok != tt.want || ok && rec.Duration != 2 {
			t.Errorf("%s: %v %v, want %v", name, rec.Duration, ok, tt.want)
		}
	}
	if _, ok := p.find("web/home", id, at.Add(probedAge)); ok || len(p.kept) != 0 {
		t.Errorf("after %s the result is there still, with %d kept", probedAge, len(p.kept))
	}
}

func TestProbedResults_AreFew(t *testing.T) {
	var p probedResults
	at := time.Now()
	first := p.keep("web/0", record.Record{}, at)
	var last string
	for i := range maxProbed {
		last = p.keep(fmt.Sprintf("web/%d", i+1), record.Record{}, at)
	}
	if _, ok := p.find("web/0", first, at); ok || len(p.kept) != maxProbed {
		t.Errorf("%d results are kept, the oldest %v, want %d without it", len(p.kept), ok, maxProbed)
	}
	if _, ok := p.find(fmt.Sprintf("web/%d", maxProbed), last, at); !ok {
		t.Error("the newest result is not kept")
	}
}
