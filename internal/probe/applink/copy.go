package applink

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"reflect"
	"sync"
	"time"
)

// appleDay is within what Apple fetches a changed file.
const appleDay = 24 * time.Hour

// sight remembers since when the site says what it says. The zero value has seen nothing. It is safe for concurrent use.
type sight struct {
	mu      sync.Mutex
	sum     [sha256.Size]byte
	since   time.Time // zero: nothing was seen
	changed bool      // something else was seen before
}

// age returns how old a file is at least: since when it was seen, or as its Last-Modified says. That is not believed
// when the file was seen to change, because files are often put in place with the time at which they were made.
func (s *sight) age(body []byte, header http.Header, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sum := sha256.Sum256(body); s.since.IsZero() || sum != s.sum {
		s.sum, s.changed, s.since = sum, !s.since.IsZero(), now
	}
	age := now.Sub(s.since)
	if modified, err := http.ParseTime(header.Get("Last-Modified")); err == nil && !s.changed {
		age = max(age, now.Sub(modified))
	}
	return age
}

// sameJSON reports whether two documents say the same.
func sameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var one, other any
	return json.Unmarshal(a, &one) == nil && json.Unmarshal(b, &other) == nil && reflect.DeepEqual(one, other)
}
