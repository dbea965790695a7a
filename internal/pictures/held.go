package pictures

import (
	"errors"
	"fmt"
	"slices"
)

// held is what is kept of one touchpoint, oldest first.
type held struct {
	Good   []*set `json:"good,omitempty"`
	Failed []*set `json:"failed,omitempty"`
}

// of returns the sets of failures or of good results, and how many there can be.
func (h *held) of(failed bool) (sets *[]*set, most int) {
	if failed {
		return &h.Failed, MaxFailures
	}
	return &h.Good, 1
}

// set is the pictures of one result, each once.
type set struct {
	Number   uint64  `json:"number"` // counts results, so that the oldest is known whatever the clock does
	Pictures []entry `json:"pictures"`
}

type entry struct {
	ID    string `json:"id"`
	Media string `json:"media"`
	Bytes int64  `json:"bytes"`
}

// file is a picture on the disk, which more than one set may hold.
type file struct {
	entry
	sets int
}

// keep stores the pictures of a result. New files are written before those that they replace go, so that a full disk
// costs nothing that was there; for that moment the store holds one result more.
func (s *Store) keep(key string, failed bool, pictures []fresh) error {
	added, data, err := s.gather(pictures)
	if err != nil {
		return fmt.Errorf("pictures of %s: %w", key, err)
	}
	h := s.held[key]
	if h == nil {
		h = &held{}
	}
	sets, most := h.of(failed)
	var replaced *set
	if len(*sets) == most {
		replaced = (*sets)[0]
	}
	s.hold(added)
	room, err := s.makeRoom(s.max+s.sole(replaced), failed, replaced)
	if err == nil && room {
		err = s.writeAll(added, data)
	}
	if err != nil || !room {
		return errors.Join(err, s.release(added))
	}
	*sets = append(*sets, added)
	s.held[key] = h // anew when the last of its sets went to make room
	return errors.Join(s.forget(key, replaced), s.save())
}

// gather makes the set of pictures and says what its files hold.
func (s *Store) gather(pictures []fresh) (*set, map[string][]byte, error) {
	added, data, total := &set{Number: s.next}, make(map[string][]byte, len(pictures)), int64(0)
	for _, f := range pictures {
		if extension(f.picture.Media) == "" {
			return nil, nil, fmt.Errorf("media type %q, want one of %q", f.picture.Media, medias())
		}
		if data[f.id] == nil {
			data[f.id] = f.data
			total += int64(len(f.data))
			added.Pictures = append(added.Pictures, entry{f.id, f.picture.Media, int64(len(f.data))})
		}
	}
	if total > s.max {
		return nil, nil, fmt.Errorf("%d bytes, want at most the %d that all pictures may take", total, s.max)
	}
	s.next++
	return added, data, nil
}

// makeRoom forgets sets, oldest first, until all files take at most so many bytes: those of good results, then, for a
// failure, those of failures. It spares one set. It says whether there is room now.
func (s *Store) makeRoom(limit int64, failed bool, spared *set) (bool, error) {
	var errs []error
	for s.used > limit {
		key, oldest := s.oldest(false, spared)
		if oldest == nil && failed {
			key, oldest = s.oldest(true, spared)
		}
		if oldest == nil {
			break
		}
		errs = append(errs, s.forget(key, oldest))
	}
	return s.used <= limit, errors.Join(errs...)
}

// oldest returns the oldest set of failures, or of good results, but for one.
func (s *Store) oldest(failed bool, spared *set) (key string, oldest *set) {
	for k, h := range s.held {
		sets, _ := h.of(failed)
		for _, candidate := range *sets {
			if candidate != spared && (oldest == nil || candidate.Number < oldest.Number) {
				key, oldest = k, candidate
			}
		}
	}
	return key, oldest
}

// forget takes a set off a touchpoint and removes the files that no other set holds. No set is fine.
func (s *Store) forget(key string, gone *set) error {
	if gone == nil {
		return nil
	}
	h := s.held[key]
	is := func(other *set) bool { return other == gone }
	h.Good, h.Failed = slices.DeleteFunc(h.Good, is), slices.DeleteFunc(h.Failed, is)
	if len(h.Good)+len(h.Failed) == 0 {
		delete(s.held, key)
	}
	return s.release(gone)
}

// hold counts a set as one that holds its files.
func (s *Store) hold(added *set) {
	for i, e := range added.Pictures {
		f := s.files[e.ID]
		if f == nil {
			f = &file{entry: e}
			s.files[e.ID] = f
			s.used += e.Bytes
		}
		f.sets++
		added.Pictures[i] = f.entry // whatever type was claimed
	}
}

// release undoes hold, and removes the files that no other set holds.
func (s *Store) release(gone *set) error {
	var errs []error
	for _, e := range gone.Pictures {
		f := s.files[e.ID]
		if f.sets--; f.sets > 0 {
			continue
		}
		delete(s.files, e.ID)
		s.used -= e.Bytes
		errs = append(errs, s.remove(e.name()))
	}
	return errors.Join(errs...)
}

// sole returns how many bytes only this set holds.
func (s *Store) sole(held *set) (bytes int64) {
	if held == nil {
		return 0
	}
	for _, e := range held.Pictures {
		if s.files[e.ID].sets == 1 {
			bytes += e.Bytes
		}
	}
	return bytes
}
