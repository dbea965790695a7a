package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
)

//go:embed assets
var embedded embed.FS

// asset is a file that pages load, ready to be sent.
type asset struct {
	contentType string
	plain       []byte
	gzip        []byte
	etag        string
}

// assets are the files that pages load, by their names without folders.
type assets struct {
	files   map[string]asset
	version string // of all together; part of every URL, so that a browser keeps them for good
}

func newAssets() (*assets, error) {
	a := &assets{files: make(map[string]asset)}
	all := sha256.New()
	for _, folder := range []string{"assets/static", "assets/vendor/uplot"} {
		entries, err := fs.ReadDir(embedded, folder)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			content, err := fs.ReadFile(embedded, path.Join(folder, entry.Name()))
			if err != nil {
				return nil, err
			}
			_, _ = fmt.Fprintf(all, "%s %d\n", entry.Name(), len(content))
			_, _ = all.Write(content)
			if a.files[entry.Name()], err = newAsset(entry.Name(), content); err != nil {
				return nil, err
			}
		}
	}
	a.version = hex.EncodeToString(all.Sum(nil))[:12]
	return a, nil
}

func newAsset(name string, content []byte) (asset, error) {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return asset{}, err
	}
	if _, err := w.Write(content); err != nil {
		return asset{}, err
	}
	if err := w.Close(); err != nil {
		return asset{}, err
	}
	contentType := mime.TypeByExtension(path.Ext(name))
	if contentType == "" {
		contentType = "text/plain; charset=utf-8"
	}
	sum := sha256.Sum256(content)
	return asset{contentType, content, packed.Bytes(), `"` + hex.EncodeToString(sum[:8]) + `"`}, nil
}

// ServeHTTP sends the file {file} of the version {version}. Of another version, a page that is still open asks for what is
// there now; that must not be kept.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, ok := a.files[r.PathValue("file")]
	if !ok {
		plain(w, http.StatusNotFound, "no such file\n")
		return
	}
	header := w.Header()
	header.Set("Cache-Control", "no-cache")
	if r.PathValue("version") == a.version {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	header.Set("ETag", file.etag)
	header.Set("Vary", "Accept-Encoding")
	header.Set("Content-Type", file.contentType)
	if r.Header.Get("If-None-Match") == file.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := file.plain
	if acceptsGzip(r) {
		header.Set("Content-Encoding", "gzip")
		body = file.gzip
	}
	_, _ = w.Write(body) // the reader may have gone
}

// acceptsGzip reports whether a reader takes gzip; one that names it with a weight of 0 does not.
func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			return !strings.HasPrefix(strings.TrimSpace(weight), "q=0") || strings.Trim(strings.TrimSpace(weight), "q=0.") != ""
		}
	}
	return false
}
