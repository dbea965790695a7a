package pictures

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

const (
	indexFile    = "index.json"
	damaged      = ".damaged" // ends the name of an index that cannot be read
	indexVersion = 1
	mostIndex    = 64 << 20 // bytes; a picture takes about 120
)

// index says which pictures are whose. Pictures that it does not name belong to nobody.
type index struct {
	Version     int              `json:"version"`
	Touchpoints map[string]*held `json:"touchpoints"`
}

// restore reads the index, removes files that it does not name and forgets pictures whose files are gone. An index that
// cannot be read is set aside, and the pictures with it are lost.
func (s *Store) restore() error {
	read, err := s.readIndex()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Error("pictures of before are lost", "directory", s.root.Name(), "error", err, "kept_as", indexFile+damaged)
		if err := s.root.Rename(indexFile, indexFile+damaged); err != nil {
			return err
		}
	}
	for key, h := range read.Touchpoints {
		s.adopt(key, h)
	}
	if _, err := s.makeRoom(s.max, true, nil); err != nil {
		return err
	}
	if err := s.sweep(); err != nil {
		return err
	}
	s.changed(nil)
	return s.save() // and so find out now whether the directory can be written
}

func (s *Store) readIndex() (index, error) {
	f, err := s.root.Open(indexFile)
	if err != nil {
		return index{}, err
	}
	data, err := io.ReadAll(io.LimitReader(f, mostIndex+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return index{}, err
	}
	if len(data) > mostIndex {
		return index{}, fmt.Errorf("%s has more than %d bytes", indexFile, mostIndex)
	}
	var read index
	if err := json.Unmarshal(data, &read); err != nil {
		return index{}, fmt.Errorf("reading %s: %w", indexFile, err)
	}
	if err := read.check(); err != nil {
		return index{}, fmt.Errorf("reading %s: %w", indexFile, err)
	}
	return read, nil
}

// check looks for what would break the store.
func (x *index) check() error {
	if x.Version != indexVersion {
		return fmt.Errorf("version %d, want %d", x.Version, indexVersion)
	}
	for key, h := range x.Touchpoints {
		if h == nil {
			return fmt.Errorf("nothing is held of %q", key)
		}
		for _, failed := range []bool{false, true} {
			sets, most := h.of(failed)
			if len(*sets) > most {
				return fmt.Errorf("%d results of %q, want at most %d", len(*sets), key, most)
			}
			for _, set := range *sets {
				if err := set.check(); err != nil {
					return fmt.Errorf("pictures of %q: %w", key, err)
				}
			}
		}
	}
	return nil
}

func (s *set) check() error {
	if s == nil {
		return errors.New("no set")
	}
	seen := make(map[string]bool)
	for _, e := range s.Pictures {
		if !validID(e.ID) || extension(e.Media) == "" || e.Bytes <= 0 || seen[e.ID] {
			return fmt.Errorf("%+v is none, or there twice", e)
		}
		seen[e.ID] = true
	}
	return nil
}

// adopt takes over what was held of a touchpoint, as far as its files are there.
func (s *Store) adopt(key string, h *held) {
	kept := &held{}
	for _, failed := range []bool{false, true} {
		sets, _ := h.of(failed)
		for _, old := range *sets {
			s.next = max(s.next, old.Number+1)
			there := &set{Number: old.Number}
			for _, e := range old.Pictures {
				if s.present(e) {
					there.Pictures = append(there.Pictures, e)
				}
			}
			if len(there.Pictures) > 0 {
				s.hold(there)
				to, _ := kept.of(failed)
				*to = append(*to, there)
			}
		}
	}
	if len(kept.Good)+len(kept.Failed) > 0 {
		s.held[key] = kept
	}
}

// sweep removes the files of pictures that nobody holds. It does not touch what the store did not write.
func (s *Store) sweep() error {
	entries, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return err
	}
	named := make(map[string]bool, len(s.files))
	for _, f := range s.files {
		named[f.name()] = true
	}
	for _, e := range entries {
		if own(e.Name()) && !named[e.Name()] && e.Type().IsRegular() {
			if err := s.remove(e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// save writes the index.
func (s *Store) save() error {
	data, err := json.Marshal(index{indexVersion, s.held})
	if err == nil {
		err = s.write(indexFile, data, true)
	}
	if err != nil {
		return fmt.Errorf("writing the index of pictures: %w", err)
	}
	return nil
}
