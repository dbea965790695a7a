// Package pictures keeps what customers saw: the screenshots and filmstrips of the last good result and of the last
// failures of each touchpoint, as files in a directory of its own.
//
// It is bounded in bytes over all touchpoints. Under pressure the oldest pictures of good results go first, then the
// oldest ones of failures; a good result never takes the place of a failure. A file is named by the SHA-256 of what is in
// it, so that a page that always looks the same takes the room of one picture, and a damaged file is never shown. Links
// to pictures hold over a restart. A directory that cannot be written costs the pictures and nothing else.
//
// The package imports the domain, and metrics for the form of what it has to tell. It neither takes pictures nor knows what is on them.
package pictures

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// MaxFailures is of how many failures of one touchpoint pictures are kept at most.
const MaxFailures = 3

// Store keeps pictures. A nil Store keeps none: its methods can be called. All methods are safe for concurrent use, and
// Get and the figures never wait for a disk that others write to.
type Store struct {
	max  int64
	log  *slog.Logger
	root *os.Root
	lock *os.File // held while the store is open

	mu      sync.Mutex // guards everything below, and every change of the directory
	closed  bool
	failing bool             // the last change went wrong
	next    uint64           // number of the next set
	held    map[string]*held // by key of touchpoint
	files   map[string]*file // by identifier
	used    int64            // bytes of files

	bytes, count atomic.Int64 // used and the number of files, after a change
	errors       atomic.Uint64
}

// Open opens the store in a directory, which is made if need be, and sweeps out of it what belongs to no result. It holds
// at most maxBytes of pictures. Files that are not the store's are left alone. An error says why the directory cannot be
// used, such as that another agent uses it.
func Open(dir string, maxBytes int64, log *slog.Logger) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory for pictures: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the directory for pictures: %w", err)
	}
	lock, err := enter(root, dir)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	s := &Store{max: maxBytes, log: log, root: root, lock: lock, held: make(map[string]*held), files: make(map[string]*file)}
	if err := s.restore(); err != nil {
		return nil, errors.Join(fmt.Errorf("reading pictures of before in %s: %w", dir, err), s.Close())
	}
	return s, nil
}

// Close lets another process use the directory. After it Keep keeps nothing. It may be called more than once.
func (s *Store) Close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return errors.Join(s.lock.Close(), s.root.Close())
}

// Keep takes the pictures of the newest result of a touchpoint out of its evidence, which nobody else must use
// meanwhile: those that are stored get their ID, and none has Data any more, whatever happens. They take the place of
// those of the good result before, or of the oldest failure beyond MaxFailures. A result without pictures changes
// nothing; one for which there is no room is not kept.
func (s *Store) Keep(key string, failed bool, ev *probe.Evidence) {
	fresh := take(ev)
	if s == nil || len(fresh) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.changed(s.keep(key, failed, fresh))
	for _, f := range fresh {
		if s.files[f.id] != nil {
			f.picture.ID = f.id
		}
	}
}

// Get returns a picture and its media type; false when there is none. An id can be any text.
func (s *Store) Get(id string) (media string, data []byte, ok bool) {
	if s == nil || !validID(id) {
		return "", nil, false
	}
	for _, media := range medias() {
		if data, err := s.read(entry{ID: id, Media: media}); err == nil {
			return media, data, true
		}
	}
	return "", nil, false
}

// Drop forgets the pictures of a touchpoint.
func (s *Store) Drop(key string) { s.DropUnless(func(k string) bool { return k != key }) }

// DropUnless forgets the pictures of all touchpoints that are not known any more, such as those that went while the agent
// was not running.
func (s *Store) DropUnless(known func(key string) bool) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	var errs []error
	dropped := false
	for key, h := range s.held {
		if known(key) {
			continue
		}
		dropped = true
		for _, set := range slices.Concat(h.Good, h.Failed) {
			errs = append(errs, s.forget(key, set))
		}
	}
	if dropped {
		s.changed(errors.Join(append(errs, s.save())...))
	}
}

// Bytes returns the size of all pictures that are kept.
func (s *Store) Bytes() int64 {
	if s == nil {
		return 0
	}
	return s.bytes.Load()
}

// Files returns how many files they are.
func (s *Store) Files() int {
	if s == nil {
		return 0
	}
	return int(s.count.Load())
}

// Errors returns how many times pictures could not be kept or removed, since the store was opened.
func (s *Store) Errors() uint64 {
	if s == nil {
		return 0
	}
	return s.errors.Load()
}

// changed ends a change: it tells the figures, counts what went wrong, and says so when it begins and when it is over.
func (s *Store) changed(err error) {
	s.bytes.Store(s.used)
	s.count.Store(int64(len(s.files)))
	switch {
	case err != nil:
		s.errors.Add(1)
		if !s.failing {
			s.log.Error("pictures cannot be kept", "directory", s.root.Name(), "error", err)
		}
	case s.failing:
		s.log.Info("pictures are kept again", "directory", s.root.Name())
	}
	s.failing = err != nil
}
