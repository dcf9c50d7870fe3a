// Package window is the kiosk's real window: WebKit over the whole monitor,
// without a border, a menu or a way out.
//
// It opens only addresses that begin with one prefix, which is the session's own
// proxy; links elsewhere, new windows, downloads, drags, dialogues, permissions
// and developer tools are refused. Sound plays without a touch, because people
// who do not read must hear the screen first.
//
// GTK lives on the main thread: Open, Run and nothing else belong there, the
// other methods may be called from anywhere.
package window

/*
#cgo pkg-config: gtk+-3.0 webkit2gtk-4.0
#include <stdlib.h>
#include "glue.h"
*/
import "C"

import (
	"errors"
	"os"
	"unsafe"

	webview "github.com/webview/webview_go"
)

// ErrNoDisplay says that there is no screen to open a window on.
var ErrNoDisplay = errors.New("no display")

// Options say what a window shows.
type Options struct {
	Prefix  string // the only addresses that may be opened begin with it
	Beneath bool   // a spare: under the other windows, silent, until Raise
	Cursor  bool   // show the mouse's cursor, which a touch screen has no use for
	Loaded  func() // a page has loaded
	Crashed func() // the view's process is gone
}

// Window is an open window.
type Window struct {
	view   webview.WebView
	native unsafe.Pointer
	events *os.File // kept open for the view to write to
}

// Monitor is what the window covers.
type Monitor struct {
	Width, Height     int     // pixels
	WidthMM, HeightMM int     // millimetres, 0 when the monitor does not say
	Zoom              float64 // pixels of the monitor for one of the page
}

// target is the side of the smallest thing to touch, in pixels of the page, and
// leastMM what a finger needs.
const (
	target  = 80
	leastMM = 20
)

// Small tells that fingers will miss on this monitor: 80 pixels of a page are
// under 20 mm on it. A monitor that does not know its size is not small.
func (m Monitor) Small() bool {
	if m.WidthMM == 0 || m.Width == 0 {
		return false
	}
	return target*m.Zoom*float64(m.WidthMM)/float64(m.Width) < leastMM
}

// Open opens a window that covers the monitor. It returns ErrNoDisplay where
// there is none.
func Open(o Options) (*Window, error) {
	native := C.kiosk_window_new()
	if native == nil {
		return nil, ErrNoDisplay
	}
	view := webview.NewWindow(false, native)
	if view == nil {
		return nil, ErrNoDisplay
	}
	r, events, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	go o.hear(r)
	prefix := C.CString(o.Prefix)
	defer C.free(unsafe.Pointer(prefix))
	C.kiosk_window_dress(native, prefix, C.int(events.Fd()), truth(o.Cursor))
	C.kiosk_window_show(native, truth(o.Beneath))
	return &Window{view, native, events}, nil
}

// hear calls back for what the view writes, one letter each.
func (o Options) hear(events *os.File) {
	var letter [1]byte
	for {
		if _, err := events.Read(letter[:]); err != nil {
			return
		}
		switch letter[0] {
		case C.KIOSK_WINDOW_LOADED:
			o.Loaded()
		case C.KIOSK_WINDOW_CRASHED:
			o.Crashed()
		}
	}
}

// Run turns GTK's loop until Close.
func (w *Window) Run() { w.view.Run() }

// Monitor measures the monitor. It belongs on the main thread.
func (w *Window) Monitor() Monitor {
	m := C.kiosk_window_monitor(w.native)
	return Monitor{int(m.width), int(m.height), int(m.width_mm), int(m.height_mm), float64(m.zoom)}
}

// Navigate opens an address. One outside the prefix is refused in silence.
func (w *Window) Navigate(url string) {
	w.view.Dispatch(func() { w.view.Navigate(url) })
}

// Raise brings a spare to the front and lets it speak.
func (w *Window) Raise() {
	w.view.Dispatch(func() { C.kiosk_window_raise(w.native) })
}

// Answer calls back from GTK's loop: a loop that hangs never does.
func (w *Window) Answer(back func()) { w.view.Dispatch(back) }

// Close ends Run.
func (w *Window) Close() { w.view.Terminate() }

func truth(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
