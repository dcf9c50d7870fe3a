// Package session is one person's time at the kiosk: the proxy between the window
// and the portal, and the child process that holds both. What knows a secret dies
// with the child.
//
// The window sees http://127.0.0.1:PORT/TOKEN/… and nothing else. TOKEN is random
// for each child; a request without it, or with another Host, is refused, so that
// no other page or program on the machine can speak in the person's name.
//
//	/TOKEN/k/NAME     forwarded to the portal's /k/NAME, with the device's headers
//	/TOKEN/-/next     waits for a page to go to, for a browser that is not our window
//	/TOKEN/-/enrol    opens the profile that the desk sealed to this kiosk
//	/TOKEN/-/end      the session is over: wipe
//	/TOKEN/-/up       204 when the portal answers again, 503 until then
//	/TOKEN/-/down/…   style, script, pictures and voice of the page for its absence
//
// Cookies stay in the proxy's memory. The portal may tell the proxy about a page
// by three headers, which go no further: Consigne-Scan names where a card shown
// meanwhile is posted ("card", "enrol-card" or "none"), Consigne-Session: ended
// marks the last page, Content-Language the language. Without them the page's
// name and its html element say the same.
package session
