package agent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// looker is a kind that takes a picture with every probe: that of the letter it is at.
type looker struct{ letter atomic.Int32 }

type lookerConfig struct{}

func (l *looker) kind() probe.Kind {
	return probe.Define(probe.Kind{
		Name: "look", Summary: "A look.", Every: time.Second, Timeout: time.Second,
		Checks: []probe.Check{{ID: "look_failed", Dimension: probe.Reachable, Cap: probe.Unknown, Title: "no look", Marketing: "m", IT: "i"}},
	}, func(probe.ChannelType) lookerConfig { return lookerConfig{} },
		func(lookerConfig, probe.Setup) (probe.Built, error) { return probe.Built{Prober: l}, nil })
}

// Probe sees the letters a and b; at any other it is the agent that fails.
func (l *looker) Probe(context.Context) (probe.Result, error) {
	letter := byte(l.letter.Load())
	r := probe.Result{Start: time.Now(), Duration: time.Millisecond, Evidence: &probe.Evidence{Visits: []probe.Visit{{
		Run: 1, Screenshot: &probe.Picture{Media: "image/png", Data: bytes.Repeat([]byte{letter}, 1000)},
	}}}}
	if letter > 'b' {
		r.Reason = "look_failed"
	}
	return r, nil
}

const looking = `
agent: {listen: "127.0.0.1:0", location: here}
host: {enabled: false}
control: {enabled: false}
history: {enabled: false}
evidence: {dir: DIR}
channels:
  - name: web
    type: desktop_web
    touchpoints:
      - {name: home, kind: look, every: 1s, with: {}}
`

// screenshot returns the identifier of the screenshot of the last result; "" when there is none.
func (r *running) screenshot() string {
	r.t.Helper()
	_, body := r.get(http.MethodGet, "/api/v1/results?channel=web&touchpoint=home")
	var answer struct {
		Results []struct {
			Evidence struct {
				Visits []struct {
					Screenshot struct{ ID string }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		r.t.Fatal(err)
	}
	if len(answer.Results) == 0 || len(answer.Results[0].Evidence.Visits) == 0 {
		return ""
	}
	return answer.Results[0].Evidence.Visits[0].Screenshot.ID
}

// TestAgent_KeepsPictures: what a page looked like is on the disk, and on the page of its touchpoint.
func TestAgent_KeepsPictures(t *testing.T) {
	l, dir := new(looker), filepath.Join(t.TempDir(), "pictures")
	l.letter.Store('a')
	r := startWith(t, []probe.Kind{l.kind()}, strings.ReplaceAll(looking, "DIR", dir))
	first := ""
	r.eventually("a picture", func() bool {
		first = r.screenshot()
		return first != ""
	})
	at := "/touchpoints/web/home/pictures/"
	if status, body := r.get(http.MethodGet, at+first); status != http.StatusOK || body != strings.Repeat("a", 1000) {
		t.Errorf("status %d and %d bytes, want the picture", status, len(body))
	}
	r.eventually("one picture to be kept", func() bool {
		return r.series("evidence_picture_bytes") == "1000" && r.series("evidence_pictures") == "1"
	})

	l.letter.Store('c')
	r.eventually("the agent to fail", func() bool { return r.series("touchpoint_rating", `"home"`) == "0" })
	if id := r.screenshot(); id != "" {
		t.Errorf("a result that says nothing has picture %s", id)
	}
	if status, _ := r.get(http.MethodGet, at+first); status != http.StatusOK {
		t.Errorf("status %d of the picture of before, want it kept", status)
	}

	l.letter.Store('b')
	second := ""
	r.eventually("another picture", func() bool {
		second = r.screenshot()
		return second != "" && second != first
	})
	if status, _ := r.get(http.MethodGet, at+first); status != http.StatusNotFound {
		t.Errorf("status %d of a picture of no result, want 404", status)
	}

	r.write(strings.NewReplacer("DIR", dir, "name: home", "name: start").Replace(looking))
	r.eventually("the picture to go with its touchpoint", func() bool {
		status, _ := r.get(http.MethodGet, at+second)
		return status == http.StatusNotFound
	})
}

// TestAgent_GoesOnWithoutPictures: a directory that cannot be used costs the pictures, and is said once.
func TestAgent_GoesOnWithoutPictures(t *testing.T) {
	l, dir := new(looker), filepath.Join(t.TempDir(), "pictures")
	l.letter.Store('a')
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := startWith(t, []probe.Kind{l.kind()}, strings.ReplaceAll(looking, "DIR", dir))
	r.eventually("three results", func() bool { return number(t, r.series("experience_total", `rating="excellent"`)) >= 3 })
	if n := strings.Count(r.log.String(), "pictures of pages are not kept"); n != 1 {
		t.Errorf("said %d times, want once:\n%s", n, r.log)
	}
	if err := os.Remove(dir); err != nil { // the disk is there again
		t.Fatal(err)
	}
	r.eventually("a picture", func() bool { return r.screenshot() != "" })
}

// TestAgent_LeavesPicturesOfOthersAlone: who takes no pictures does not keep another agent from its directory.
func TestAgent_LeavesPicturesOfOthersAlone(t *testing.T) {
	dir, v := t.TempDir(), new(visits)
	for _, tt := range []struct {
		name string
		yaml string
		want int // entries of the directory
	}{
		{"without visits", yaml("home http://127.0.0.1:1/"), 0},
		{"with visits", visitingWith("1", "6s"), 2}, // its lock and its index
	} {
		r := startWith(t, append(kinds.All(), v.kind()), tt.yaml+"evidence: {dir: "+dir+"}\n")
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != tt.want {
			t.Errorf("%s: %v, %v in the directory, want %d entries", tt.name, entries, err, tt.want)
		}
	}
}
