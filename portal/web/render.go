package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Renderer holds every page of a room, parsed once at start.
type Renderer struct {
	pages   map[string]*template.Template
	buffers sync.Pool
}

// NewRenderer parses the pages of a room. In files, "NAME.html" at the top is the
// page NAME, and everything under "parts/" is shared by all of them; a page may
// define what the parts call, for each page has its own copy of the parts. Every
// page must be named in pages and every name must have its file: a page that was
// forgotten on either side is an error at start, not at its first visit.
func NewRenderer(files fs.FS, pages []string, funcs template.FuncMap) (*Renderer, error) {
	found, err := fs.Glob(files, "*.html")
	if err != nil {
		return nil, fmt.Errorf("list pages: %w", err)
	}
	for _, file := range found {
		if name := strings.TrimSuffix(file, ".html"); !slices.Contains(pages, name) {
			return nil, fmt.Errorf("page %q: has a file but is not declared", name)
		}
	}
	parts, err := parseParts(files, funcs)
	if err != nil {
		return nil, err
	}
	r := &Renderer{pages: make(map[string]*template.Template, len(pages))}
	r.buffers.New = func() any { return new(bytes.Buffer) }
	for _, name := range pages {
		page, err := parts.Clone()
		if err != nil {
			return nil, fmt.Errorf("page %q: %w", name, err)
		}
		if page, err = page.ParseFS(files, name+".html"); err != nil {
			return nil, fmt.Errorf("page %q: %w", name, err)
		}
		r.pages[name] = page.Lookup(name + ".html")
	}
	return r, nil
}

// parseParts reads the shared templates, which take their names from their
// define actions.
func parseParts(files fs.FS, funcs template.FuncMap) (*template.Template, error) {
	parts := template.New("parts").Option("missingkey=error").Funcs(funcs)
	err := fs.WalkDir(files, "parts", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".html" {
			return err
		}
		_, err = parts.ParseFS(files, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("parse shared templates: %w", err)
	}
	return parts, nil
}

func (r *Renderer) execute(buf *bytes.Buffer, name string, data any) error {
	page, ok := r.pages[name]
	if !ok {
		return fmt.Errorf("render %q: no such page", name)
	}
	if err := page.Execute(buf, data); err != nil {
		return fmt.Errorf("render %q: %w", name, err)
	}
	return nil
}

// Render answers with the page called name. The page is made in memory first, so
// that a visitor gets all of it or a plain 500, never half. HEAD gets the same
// headers and no body.
func (r *Renderer) Render(w http.ResponseWriter, req *http.Request, status int, name string, data any) {
	buf := r.buffers.Get().(*bytes.Buffer)
	defer r.buffers.Put(buf)
	buf.Reset()
	if err := r.execute(buf, name, data); err != nil {
		// The error names fields and lines of our own templates, no values.
		slog.ErrorContext(req.Context(), "page not rendered", "page", name, "error", err.Error())
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(buf.Len()))
	w.WriteHeader(status)
	if req.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(buf.Bytes()) // the visitor went away; there is nobody to tell
}
