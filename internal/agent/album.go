package agent

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/pictures"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// album is the store of pictures of an agent. Its directory is made with the first picture: most agents never take one.
// Its methods are safe for concurrent use.
type album struct {
	dir string
	max int64
	log *slog.Logger

	mu     sync.Mutex      // guards the fields below
	failed bool            // whether the last try to open it failed
	store  *pictures.Store // nil: none yet, or none that can be opened
}

// newAlbum opens the store where there is one of before, which may hold what belongs to nobody any more. An agent that
// visits no pages leaves it alone: it may be that of another one.
func newAlbum(cfg *config.Evidence, visits bool, log *slog.Logger) *album {
	a := &album{dir: cfg.Dir, max: cfg.MaxBytes, log: log}
	if _, err := os.Stat(a.dir); err == nil && visits {
		a.open()
	}
	return a
}

// open returns the store, which is opened when it is not. One that cannot be opened is said once and tried again with the
// next picture: until then an agent does all else that it does.
func (a *album) open() *pictures.Store {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.store != nil {
		return a.store
	}
	store, err := pictures.Open(a.dir, a.max, a.log)
	if err != nil {
		if !a.failed {
			a.log.Error("pictures of pages are not kept", "error", fmt.Sprintf("evidence.dir: %v", err))
		}
		a.failed = true
		return nil
	}
	if a.failed {
		a.log.Info("pictures of pages are kept again")
	}
	a.store, a.failed = store, false
	return store
}

// current returns the store as it is: nil before the first picture.
func (a *album) current() *pictures.Store {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.store
}

// probed marks the key of pictures of a probe that a reader asked for, so that they take the place of no result's.
const probed = " probed"

// keep moves the pictures of evidence to the disk. Those of a result that says nothing of the channel are thrown away:
// they must not take the place of what it looked like.
func (a *album) keep(key string, rating probe.Rating, ev *probe.Evidence) {
	has := false
	ev.Pictures(func(p *probe.Picture) bool {
		has = has || len(p.Data) > 0
		return !has
	})
	var store *pictures.Store
	if has && rating != probe.Unknown {
		store = a.open()
	}
	store.Keep(key, rating < probe.Good, ev)
}

// keepOnly forgets the pictures of touchpoints that are not probed any more.
func (a *album) keepOnly(touchpoints []*probe.Touchpoint) {
	store := a.current()
	if store == nil {
		return
	}
	known := make(map[string]bool, len(touchpoints))
	for _, tp := range touchpoints {
		known[tp.Key()] = true
	}
	store.DropUnless(func(key string) bool { return known[strings.TrimSuffix(key, probed)] })
}

// get returns a picture by its identifier, which can be any text.
func (a *album) get(id string) (media string, data []byte, ok bool) { return a.current().Get(id) }

func (a *album) close() error { return a.current().Close() }
