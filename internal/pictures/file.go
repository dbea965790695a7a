package pictures

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// lockFile keeps other processes out of the directory; partial ends the name of a file that is being written.
const (
	lockFile = "lock"
	partial  = ".new"
)

// medias returns the types of pictures that are kept.
func medias() []string { return []string{"image/png", "image/jpeg"} }

// extension returns the end of the name of a file of the type; empty when such pictures are not kept.
func extension(media string) string {
	switch media {
	case "image/png":
		return ".png"
	case "image/jpeg":
		return ".jpg"
	}
	return ""
}

func (e entry) name() string { return e.ID + extension(e.Media) }

// validID says whether a text is a SHA-256 in lower-case hexadecimal, and so can be part of a file name.
func validID(id string) bool {
	return len(id) == 2*sha256.Size && strings.Trim(id, "0123456789abcdef") == ""
}

func identify(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// own says whether a name is one that the store gives to pictures, finished or not.
func own(name string) bool {
	name = strings.TrimSuffix(name, partial)
	for _, media := range medias() {
		if id, ok := strings.CutSuffix(name, extension(media)); ok && validID(id) {
			return true
		}
	}
	return false
}

// fresh is a picture on its way into the store.
type fresh struct {
	picture *probe.Picture
	id      string
	data    []byte
}

// take takes the pictures out of evidence.
func take(ev *probe.Evidence) []fresh {
	var out []fresh
	for p := range ev.Pictures {
		if len(p.Data) > 0 {
			out = append(out, fresh{p, identify(p.Data), p.Data})
			p.Bytes, p.Data = int64(len(p.Data)), nil
		}
	}
	return out
}

// enter keeps other processes out of the directory until the file is closed.
func enter(root *os.Root, dir string) (*os.File, error) {
	lock, err := root.OpenFile(lockFile, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil:
		return lock, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = fmt.Errorf("%s is in use by another process: give each agent a directory of its own for its pictures", dir)
	default:
		err = fmt.Errorf("locking %s: %w", dir, err)
	}
	return nil, errors.Join(err, lock.Close())
}

// writeAll writes the files of a set that are not there as they should be. A page that did not change has written them
// before.
func (s *Store) writeAll(added *set, data map[string][]byte) error {
	for _, e := range added.Pictures {
		if _, err := s.read(e); err == nil {
			continue
		}
		if err := s.write(e.name(), data[e.ID], false); err != nil {
			return fmt.Errorf("writing a picture: %w", err)
		}
	}
	return nil
}

// present says whether a file is there that may be the picture, without reading it.
func (s *Store) present(e entry) bool {
	info, err := s.root.Lstat(e.name())
	return err == nil && info.Size() == e.Bytes
}

// write writes a file at once: it is the old one or the new one whenever the process ends. With sync the same holds
// when the machine fails.
func (s *Store) write(name string, data []byte, sync bool) (err error) {
	f, err := s.root.OpenFile(name+partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && sync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.root.Rename(name+partial, name)
	}
	if err != nil {
		return errors.Join(err, s.remove(name+partial))
	}
	return nil
}

// remove removes a file. That it is gone already is fine.
func (s *Store) remove(name string) error {
	if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a picture: %w", err)
	}
	return nil
}

// read returns a picture that is what its name says: a machine that failed may have left another.
func (s *Store) read(e entry) ([]byte, error) {
	f, err := s.root.Open(e.name())
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, s.max+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if identify(data) != e.ID {
		return nil, fmt.Errorf("%s holds something else", e.name())
	}
	return data, nil
}
