package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

type asset struct {
	kind   string
	plain  []byte
	zipped []byte // nil where gzip gains nothing
}

// Static serves the files of a room under names that hold a hash of their
// content ("kiosk.1f0c9a2b7d.css"), so that browsers may keep them for ever. The
// handler wants the hashed name alone as path: strip the prefix. url turns a file's
// own name ("kiosk.css") into the relative address "static/HASHED"; it panics for a
// name that has no file, which a template reports as its error.
//
// Static panics when files cannot be read: they are embedded in the program.
func Static(files fs.FS) (handler http.Handler, url func(name string) string) {
	assets, names := make(map[string]asset), make(map[string]string)
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		hashed := hashedName(name, content)
		names[name] = hashed
		assets[hashed], err = newAsset(name, content)
		return err
	})
	if err != nil {
		panic(fmt.Sprintf("read static files: %v", err))
	}
	url = func(name string) string {
		hashed, ok := names[name]
		if !ok {
			panic(fmt.Sprintf("static file %q does not exist", name))
		}
		return "static/" + hashed
	}
	return serveAssets(assets), url
}

func hashedName(name string, content []byte) string {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:5]) + ext
}

func newAsset(name string, content []byte) (asset, error) {
	a := asset{kind: mime.TypeByExtension(path.Ext(name)), plain: content}
	if a.kind == "" {
		return asset{}, fmt.Errorf("%s: unknown type of file", name)
	}
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return asset{}, err
	}
	if _, err := z.Write(content); err != nil {
		return asset{}, err
	}
	if err := z.Close(); err != nil {
		return asset{}, err
	}
	if buf.Len() < len(content)*9/10 {
		a.zipped = buf.Bytes()
	}
	return a, nil
}

func serveAssets(assets map[string]asset) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := assets[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		h, body := w.Header(), a.plain
		h.Set("Content-Type", a.kind)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		if a.zipped != nil {
			h.Set("Vary", "Accept-Encoding")
			if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				h.Set("Content-Encoding", "gzip")
				body = a.zipped
			}
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(body)
		}
	})
}
