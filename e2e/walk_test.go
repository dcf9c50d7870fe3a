// Package e2e walks the whole path with the real programs, the real window and
// a real browser: card, kiosk, vault, appointment, message, link.
package e2e

import (
	"context"
	"flag"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"consigne/e2e/browser"
	"consigne/e2e/screen"
	"consigne/e2e/stage"
	"consigne/locales"
)

var shots = flag.String("shots", "", "write every screen as PNG into this folder")

// bin is where the programs were built, once for all tests.
var bin string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "consigne-e2e-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := stage.Build(context.Background(), dir, "testclock", "./e2e/theft"); err != nil {
		os.Stderr.WriteString(err.Error())
		return 1
	}
	bin = dir
	return m.Run()
}

// A walk is one person's way through the house, in their language.
type walk struct {
	t         *testing.T
	ctx       context.Context
	screen    *screen.Screen
	house     *stage.House
	desk      *browser.Browser
	language  *locales.Locale
	lang      string
	shot      int
	reminders int
}

func newWalk(t *testing.T, lang string) *walk {
	t.Helper()
	w := &walk{t: t, ctx: t.Context(), lang: lang, language: locales.Must(lang)}
	// Sockets have short names: not in the test's long folder.
	dir, err := os.MkdirTemp("", "s")
	w.must(err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	w.screen, err = screen.Open(context.WithoutCancel(w.ctx), dir, 1280, 800)
	w.must(err)
	t.Cleanup(func() { w.closed(w.screen.Close()) })
	w.house, err = stage.Open(w.ctx, stage.Options{Bin: bin, Dir: t.TempDir(), Env: w.screen.Env()})
	w.must(err)
	t.Cleanup(func() {
		w.closed(w.house.Close())
		if t.Failed() {
			t.Logf("kiosk:\n%s\nportal:\n%s\nsmsd:\n%s", w.house.Kiosk.Said(), w.house.Portal.Said(), w.house.SMS.Said())
		}
	})
	w.desk, err = browser.Open(w.ctx, 1366, 768, 1)
	w.must(err)
	t.Cleanup(w.desk.Close)
	return w
}

func (w *walk) closed(err error) {
	if err != nil {
		w.t.Errorf("closing: %v", err)
	}
}

func (w *walk) must(err error) {
	w.t.Helper()
	if err != nil {
		w.photograph("failed")
		w.t.Fatal(err)
	}
}

// says is a message of the catalogue in the person's language.
func (w *walk) says(key string, args ...any) string {
	values := locales.Args{}
	for i := 0; i+1 < len(args); i += 2 {
		values[args[i].(string)] = args[i+1]
	}
	return w.language.Text(key, values)
}

// reads waits until the window in front shows a message of the catalogue.
func (w *walk) reads(key string, args ...any) screen.Page {
	w.t.Helper()
	page := w.see(w.says(key, args...))
	w.photograph(key)
	return page
}

// see waits until the window in front shows the words.
func (w *walk) see(words string) screen.Page {
	w.t.Helper()
	page, err := w.screen.Wait(w.ctx, words, func(p screen.Page) bool { return strings.Contains(p.Text(), words) })
	w.must(err)
	return page
}

// heard waits until the voice has spoken to its end.
func (w *walk) heard() {
	w.t.Helper()
	_, err := w.screen.Wait(w.ctx, "the end of the voice", screen.Page.Heard)
	w.must(err)
}

// touch touches once what is called so.
func (w *walk) touch(name string) {
	w.t.Helper()
	w.must(w.screen.Touch(w.ctx, w.find(name)))
}

func (w *walk) find(name string) (found screen.Node) {
	w.t.Helper()
	_, err := w.screen.Wait(w.ctx, "something called "+name, func(p screen.Page) (ok bool) {
		found, ok = p.Find(name)
		return ok
	})
	w.must(err)
	return found
}

// open touches twice: the first touch speaks, the second acts.
func (w *walk) open(name string) {
	w.t.Helper()
	n := w.find(name)
	w.must(w.screen.Touch(w.ctx, n))
	w.must(w.screen.Touch(w.ctx, n))
}

// keys are the nine pictures on the screen.
func keys(p screen.Page) (found []screen.Node) {
	for _, n := range p {
		if n.Role == screen.Button && n.Dx() > 150 && n.Dx() < 200 && n.Dy() > 140 && n.Min.X > 340 && n.Max.X < 940 {
			found = append(found, n)
		}
	}
	return found
}

// inset keeps clear of a key's outline and lower edge.
func inset(r image.Rectangle) image.Rectangle {
	return image.Rect(r.Min.X+12, r.Min.Y+12, r.Max.X-12, r.Max.Y-16)
}

// pick touches five pictures, found by how they look.
func (w *walk) pick(pictures [5]string) {
	w.t.Helper()
	for step, wanted := range pictures {
		w.pickOne(step, wanted)
	}
}

func (w *walk) pickOne(step int, wanted string) {
	w.t.Helper()
	_, err := w.screen.Wait(w.ctx, "the picture "+wanted, func(p screen.Page) bool {
		pads := keys(p)
		if len(pads) != 9 {
			return false
		}
		shot, err := w.screen.Shot(w.ctx)
		if err != nil {
			return false
		}
		for _, key := range pads {
			if name, err := screen.Recognise(shot, inset(key.Rectangle), locales.CodeSets[step][:]); err == nil && name == wanted {
				return w.screen.Touch(w.ctx, key) == nil
			}
		}
		return false
	})
	w.must(err)
}

// photograph keeps the screen where somebody wants to look at it.
func (w *walk) photograph(name string) {
	if *shots == "" || w.screen == nil {
		return
	}
	if err := w.screen.Save(w.ctx, w.shotFile("kiosk-"+name)); err != nil {
		w.t.Logf("photograph: %v", err)
	}
}

// snap keeps a browser's page likewise.
func (w *walk) snap(b *browser.Browser, name string) {
	if *shots == "" {
		return
	}
	if err := b.Save(w.shotFile(name)); err != nil {
		w.t.Logf("photograph: %v", err)
	}
}

func (w *walk) shotFile(name string) string {
	w.shot++
	return filepath.Join(*shots, fmt.Sprintf("walk-%s-%02d-%s.png", w.lang, w.shot, name))
}
