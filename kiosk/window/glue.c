#include "glue.h"

#include <gdk/gdkx.h>
#include <gtk/gtk.h>
#include <unistd.h>
#include <webkit2/webkit2.h>

// The page is drawn for 1280 pixels of width and holds from 720 of height.
#define PAGE_WIDTH 1280.0
#define PAGE_HEIGHT 720.0

static const char KEY_PREFIX[] = "kiosk-prefix";
static const char KEY_EVENTS[] = "kiosk-events";

static WebKitWebView *view_of(GtkWidget *window) {
	return WEBKIT_WEB_VIEW(gtk_bin_get_child(GTK_BIN(window)));
}

// A pipe that nobody reads any more belongs to a window that is closing.
static void tell(gpointer view, char event) {
	ssize_t written = write(GPOINTER_TO_INT(g_object_get_data(G_OBJECT(view), KEY_EVENTS)), &event, 1);
	(void)written;
}

// Signals that are answered with "done" are switched off.
static gboolean refuse(void) { return TRUE; }

// A window without a manager keeps whatever size it asked for: full-screen is
// only a wish that nobody hears.
static gboolean managed(GtkWidget *window) {
	GdkScreen *screen = gtk_widget_get_screen(window);
	if (!GDK_IS_X11_SCREEN(screen))
		return TRUE;
	return gdk_x11_screen_supports_net_wm_hint(
		screen, gdk_atom_intern_static_string("_NET_WM_STATE_FULLSCREEN"));
}

static GdkMonitor *monitor_of(GtkWidget *window) {
	GdkDisplay *display = gtk_widget_get_display(window);
	GdkMonitor *monitor = gdk_display_get_primary_monitor(display);
	return monitor ? monitor : gdk_display_get_monitor(display, 0);
}

kiosk_monitor kiosk_window_monitor(void *window) {
	kiosk_monitor m = {1280, 800, 0, 0, 1};
	GdkMonitor *monitor = monitor_of(window);
	if (monitor) {
		GdkRectangle r;
		gdk_monitor_get_geometry(monitor, &r);
		m.width = r.width;
		m.height = r.height;
		m.width_mm = gdk_monitor_get_width_mm(monitor);
		m.height_mm = gdk_monitor_get_height_mm(monitor);
	}
	m.zoom = MIN(m.width / PAGE_WIDTH, m.height / PAGE_HEIGHT);
	return m;
}

// Sizes window and page to the monitor; again whenever the monitor changes.
static void fit(GtkWidget *window) {
	GdkRectangle r = {0, 0, 1280, 800};
	GdkMonitor *monitor = monitor_of(window);
	if (monitor)
		gdk_monitor_get_geometry(monitor, &r);
	gtk_window_move(GTK_WINDOW(window), r.x, r.y);
	gtk_window_resize(GTK_WINDOW(window), r.width, r.height);
	if (gtk_bin_get_child(GTK_BIN(window)))
		webkit_web_view_set_zoom_level(view_of(window), kiosk_window_monitor(window).zoom);
}

static void on_screen_changed(GdkScreen *screen, gpointer window) {
	(void)screen;
	fit(window);
}

void *kiosk_window_new(void) {
	if (!gtk_init_check(NULL, NULL))
		return NULL;
	GtkWidget *window = gtk_window_new(GTK_WINDOW_TOPLEVEL);
	gtk_window_set_title(GTK_WINDOW(window), "kiosk");
	gtk_window_set_decorated(GTK_WINDOW(window), FALSE);
	// Alt+F4 and a manager's close button leave the window where it is.
	g_signal_connect(window, "delete-event", G_CALLBACK(refuse), NULL);
	g_signal_connect(gtk_widget_get_screen(window), "size-changed",
		G_CALLBACK(on_screen_changed), window);
	return window;
}

static gboolean ours(gpointer view, const char *uri) {
	const char *prefix = g_object_get_data(G_OBJECT(view), KEY_PREFIX);
	return uri && (g_str_has_prefix(uri, prefix) || g_str_equal(uri, "about:blank"));
}

static gboolean decide_navigation(WebKitWebView *view, WebKitPolicyDecision *decision) {
	WebKitNavigationAction *action = webkit_navigation_policy_decision_get_navigation_action(
		WEBKIT_NAVIGATION_POLICY_DECISION(decision));
	const char *uri = webkit_uri_request_get_uri(webkit_navigation_action_get_request(action));
	if (!ours(view, uri)) {
		webkit_policy_decision_ignore(decision);
		return TRUE;
	}
	// Sound without a touch is allowed per navigation, nowhere else.
	WebKitWebsitePolicies *policies = webkit_website_policies_new_with_policies(
		"autoplay", WEBKIT_AUTOPLAY_ALLOW, NULL);
	webkit_policy_decision_use_with_policies(decision, policies);
	g_object_unref(policies);
	return TRUE;
}

static gboolean on_decide_policy(WebKitWebView *view, WebKitPolicyDecision *decision,
	WebKitPolicyDecisionType type, gpointer data) {
	(void)data;
	switch (type) {
	case WEBKIT_POLICY_DECISION_TYPE_NAVIGATION_ACTION:
		return decide_navigation(view, decision);
	case WEBKIT_POLICY_DECISION_TYPE_NEW_WINDOW_ACTION:
		webkit_policy_decision_ignore(decision);
		return TRUE;
	case WEBKIT_POLICY_DECISION_TYPE_RESPONSE:
		// What cannot be shown would become a download.
		if (webkit_response_policy_decision_is_mime_type_supported(
				WEBKIT_RESPONSE_POLICY_DECISION(decision)))
			return FALSE;
		webkit_policy_decision_ignore(decision);
		return TRUE;
	}
	return FALSE;
}

static GtkWidget *on_create(void) { return NULL; }

static gboolean on_permission(WebKitWebView *view, WebKitPermissionRequest *request, gpointer data) {
	(void)view;
	(void)data;
	webkit_permission_request_deny(request);
	return TRUE;
}

static void on_download(WebKitWebContext *context, WebKitDownload *download, gpointer data) {
	(void)context;
	(void)data;
	webkit_download_cancel(download);
}

static void on_drag(GtkWidget *view, GdkDragContext *context, gpointer data) {
	(void)view;
	(void)data;
	gtk_drag_cancel(context);
}

static void on_load(WebKitWebView *view, WebKitLoadEvent event, gpointer data) {
	(void)data;
	if (event == WEBKIT_LOAD_FINISHED)
		tell(view, KIOSK_WINDOW_LOADED);
}

static void on_crash(WebKitWebView *view, WebKitWebProcessTerminationReason reason, gpointer data) {
	(void)reason;
	(void)data;
	tell(view, KIOSK_WINDOW_CRASHED);
}

static void set_up(WebKitWebView *view) {
	WebKitSettings *s = webkit_web_view_get_settings(view);
	webkit_settings_set_enable_developer_extras(s, FALSE);
	webkit_settings_set_javascript_can_access_clipboard(s, FALSE);
	webkit_settings_set_javascript_can_open_windows_automatically(s, FALSE);
	webkit_settings_set_media_playback_requires_user_gesture(s, FALSE);
	webkit_settings_set_enable_html5_local_storage(s, FALSE);
	webkit_settings_set_enable_html5_database(s, FALSE);
	webkit_settings_set_enable_page_cache(s, FALSE);
	webkit_settings_set_enable_webgl(s, FALSE);
	webkit_settings_set_enable_media_stream(s, FALSE);
	webkit_settings_set_enable_back_forward_navigation_gestures(s, FALSE);
	// Nothing is kept of a page that was left.
	webkit_web_context_set_cache_model(webkit_web_view_get_context(view),
		WEBKIT_CACHE_MODEL_DOCUMENT_VIEWER);
}

// webview_go leaves a door from the page to the program, which has no use here.
static void close_doors(WebKitWebView *view, int cursor) {
	WebKitUserContentManager *m = webkit_web_view_get_user_content_manager(view);
	webkit_user_content_manager_unregister_script_message_handler(m, "external");
	webkit_user_content_manager_remove_all_scripts(m);
	const char *css = cursor ? "*{-webkit-user-drag:none!important}"
		: "*{-webkit-user-drag:none!important;cursor:none!important}";
	WebKitUserStyleSheet *sheet = webkit_user_style_sheet_new(css,
		WEBKIT_USER_CONTENT_INJECT_ALL_FRAMES, WEBKIT_USER_STYLE_LEVEL_USER, NULL, NULL);
	webkit_user_content_manager_add_style_sheet(m, sheet);
	webkit_user_style_sheet_unref(sheet);
	gtk_drag_dest_unset(GTK_WIDGET(view));
}

void kiosk_window_dress(void *window, const char *prefix, int events, int cursor) {
	WebKitWebView *view = view_of(window);
	g_object_set_data_full(G_OBJECT(view), KEY_PREFIX, g_strdup(prefix), g_free);
	g_object_set_data(G_OBJECT(view), KEY_EVENTS, GINT_TO_POINTER(events));
	set_up(view);
	close_doors(view, cursor);
	g_signal_connect(view, "decide-policy", G_CALLBACK(on_decide_policy), NULL);
	g_signal_connect(view, "create", G_CALLBACK(on_create), NULL);
	g_signal_connect(view, "permission-request", G_CALLBACK(on_permission), NULL);
	g_signal_connect(view, "context-menu", G_CALLBACK(refuse), NULL);
	g_signal_connect(view, "script-dialog", G_CALLBACK(refuse), NULL);
	g_signal_connect(view, "print", G_CALLBACK(refuse), NULL);
	g_signal_connect(view, "run-file-chooser", G_CALLBACK(refuse), NULL);
	g_signal_connect(view, "enter-fullscreen", G_CALLBACK(refuse), NULL);
	g_signal_connect(view, "drag-begin", G_CALLBACK(on_drag), NULL);
	g_signal_connect(view, "load-changed", G_CALLBACK(on_load), NULL);
	g_signal_connect(view, "web-process-terminated", G_CALLBACK(on_crash), NULL);
	g_signal_connect(webkit_web_view_get_context(view), "download-started",
		G_CALLBACK(on_download), NULL);
}

// Without a manager a window that appears is on top of all others. It appears
// outside the monitor, is lowered there, and only then moves into its place.
static void show_beneath(GtkWidget *window) {
	GdkRectangle r;
	gdk_monitor_get_geometry(monitor_of(window), &r);
	gtk_window_move(GTK_WINDOW(window), r.x, r.y + 2 * r.height);
	gtk_widget_show_all(window);
	gdk_window_lower(gtk_widget_get_window(window));
	gtk_window_move(GTK_WINDOW(window), r.x, r.y);
}

void kiosk_window_show(void *w, int beneath) {
	GtkWidget *window = w;
	fit(window);
	webkit_web_view_set_is_muted(view_of(window), beneath);
	gtk_window_set_focus_on_map(GTK_WINDOW(window), !beneath);
	gtk_window_set_keep_below(GTK_WINDOW(window), beneath);
	gtk_window_fullscreen(GTK_WINDOW(window));
	if (beneath && !managed(window))
		show_beneath(window);
	else
		gtk_widget_show_all(window);
	gtk_widget_grab_focus(GTK_WIDGET(view_of(window)));
}

void kiosk_window_raise(void *w) {
	GtkWidget *window = w;
	guint32 now = GDK_CURRENT_TIME;
	GdkWindow *native = gtk_widget_get_window(window);
	if (GDK_IS_X11_WINDOW(native))
		now = gdk_x11_get_server_time(native);
	gtk_window_set_keep_below(GTK_WINDOW(window), FALSE);
	gtk_window_fullscreen(GTK_WINDOW(window));
	gtk_window_present_with_time(GTK_WINDOW(window), now);
	fit(window);
	webkit_web_view_set_is_muted(view_of(window), FALSE);
}
