package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// minGzip is the size of an answer in bytes from which packing it saves a packet.
const minGzip = 1400

// sender sends answers that are in memory as a whole, packed where the reader takes that. A reader never gets half a page
// of one and half of an error.
type sender struct{ packers sync.Pool }

func newSender() *sender {
	return &sender{packers: sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level exists
		return w
	}}}
}

func (s *sender) send(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Add("Vary", "Accept-Encoding")
	if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", "no-store")
	}
	if len(body) >= minGzip && acceptsGzip(r) {
		header.Set("Content-Encoding", "gzip")
		body = s.pack(body)
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the reader may have gone
}

func (s *sender) pack(body []byte) []byte {
	packer, _ := s.packers.Get().(*gzip.Writer)
	defer s.packers.Put(packer)
	var out bytes.Buffer
	packer.Reset(&out)
	_, _ = packer.Write(body) // memory takes everything
	_ = packer.Close()
	return out.Bytes()
}

func (s *sender) json(w http.ResponseWriter, r *http.Request, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		s.fail(w, r, http.StatusInternalServerError, "encoding the answer: "+err.Error())
		return
	}
	s.send(w, r, status, "application/json", append(body, '\n'))
}

// fail answers a program with what is wrong.
func (s *sender) fail(w http.ResponseWriter, r *http.Request, status int, text string) {
	s.json(w, r, status, struct {
		Error string `json:"error"`
	}{text})
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // the reader may have gone
}
