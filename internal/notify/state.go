package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"
)

// state is what is kept over a restart. Incidents that were not told yet are not: their alerts are reported again.
type state struct {
	Version   int                   `json:"version"`
	Incidents []*incident           `json:"incidents"`
	Queues    map[string]queueState `json:"queues"` // by key of receiver
}

type queueState struct {
	Tasks []*task         `json:"tasks"`
	Told  map[string]bool `json:"told"`
}

const (
	stateVersion = 1
	mostState    = 256 << 20 // bytes of the file; mostAlerts and mostPending of usual size take less than a tenth
)

// load reads the file. What cannot be read is set aside: people are told of a new incident rather than never again.
func (n *Notifier) load(now time.Time) {
	s, err := readState(n.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		n.log.Error("incidents of before are not known", "error", err, "kept_as", n.file+damaged)
		if err := os.Rename(n.file, n.file+damaged); err != nil {
			n.log.Error("damaged file stays and will be overwritten", "error", err)
		}
		return
	}
	open := make(map[string]bool)
	for _, i := range s.Incidents {
		for _, a := range i.Alerts {
			a.seen, a.current = now, a.Started
		}
		n.tracker.incidents[i.Group] = i
		open[i.ID] = true
	}
	for _, q := range n.queues {
		q.restore(s.Queues[q.key], maps.Clone(open), now)
		delete(s.Queues, q.key)
	}
	for key, gone := range s.Queues {
		if len(gone.Tasks) > 0 {
			n.log.Warn("messages of a receiver that is gone are dropped", "receiver", key, "messages", len(gone.Tasks))
		}
	}
}

// damaged is added to the name of a file that cannot be read.
const damaged = ".damaged"

func readState(name string) (*state, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > mostState {
		return nil, fmt.Errorf("%s has %d bytes, want at most %d", name, info.Size(), mostState)
	}
	data, err := io.ReadAll(io.LimitReader(file, mostState))
	if err != nil {
		return nil, err
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return &s, s.check(name)
}

// check looks for what would break the notifier.
func (s *state) check(name string) error {
	if s.Version != stateVersion {
		return fmt.Errorf("%s has version %d, want %d", name, s.Version, stateVersion)
	}
	for _, i := range s.Incidents {
		if i == nil || i.ID == "" || i.Opened.IsZero() || len(i.told()) == 0 {
			return fmt.Errorf("%s holds an incident without identifier, time or alerts", name)
		}
	}
	for key, q := range s.Queues {
		for _, t := range q.Tasks {
			if t == nil || t.Notice.ID == "" || len(t.Notice.Alerts) == 0 {
				return fmt.Errorf("%s holds a message for %s without incident or alerts", name, key)
			}
		}
	}
	return nil
}

// save writes the file when it has to change. A file that cannot be written is tried again with the next change, and at
// every look after it; the messages go out all the same.
func (n *Notifier) save() {
	if !n.dirty {
		return
	}
	err := writeState(n.file, n.state())
	switch {
	case err != nil && !n.unsaved:
		n.log.Error("incidents cannot be written down: a restart would tell of them again", "error", err)
	case err == nil && n.unsaved:
		n.log.Info("incidents are written down again")
	}
	n.unsaved = err != nil
	n.dirty = n.unsaved
}

func (n *Notifier) state() *state {
	s := &state{Version: stateVersion, Queues: make(map[string]queueState)}
	for _, i := range n.tracker.incidents {
		if !i.Opened.IsZero() {
			s.Incidents = append(s.Incidents, i)
		}
	}
	for _, q := range n.queues {
		s.Queues[q.key] = queueState{q.tasks, q.told}
	}
	return s
}

// writeState replaces the file at once: whenever the machine fails, the file is the old or the new one.
func writeState(name string, s *state) (err error) {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, filepath.Base(name)+".*.new") // readable by the owner only
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err = os.Rename(file.Name(), name); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename last.
func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
