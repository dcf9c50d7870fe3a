// What the kiosk asks of GTK and WebKit beyond webview_go: a window that covers
// the monitor and a view that goes nowhere but to the session's own proxy.
#ifndef KIOSK_WINDOW_GLUE_H
#define KIOSK_WINDOW_GLUE_H

// Makes the window, without a view in it and not yet on the screen. Returns NULL
// where there is no display.
void *kiosk_window_new(void);

// Binds the view that webview_go put into the window: only addresses that begin
// with prefix may be opened, sound plays untouched, menus, downloads, new
// windows, permissions and the developer tools are off. One of the letters below
// is written to the descriptor events whenever such a thing happens.
void kiosk_window_dress(void *window, const char *prefix, int events, int cursor);

#define KIOSK_WINDOW_LOADED 'l'  // a page is there
#define KIOSK_WINDOW_CRASHED 'c' // the view's process is gone

// Puts the window on the screen, beneath all others if beneath is not 0.
void kiosk_window_show(void *window, int beneath);

// Brings a window that lay beneath to the front and lets it speak.
void kiosk_window_raise(void *window);

// What the monitor is: its size in pixels, in millimetres (0 when unknown), and
// the zoom at which a page is at least 1280 x 720.
typedef struct {
	int width, height, width_mm, height_mm;
	double zoom;
} kiosk_monitor;
kiosk_monitor kiosk_window_monitor(void *window);

#endif
