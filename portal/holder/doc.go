// Package holder is what the people who own the vaults touch: the pages of the
// kiosk, the pages that a link opens on a phone, and the few calls by which a
// kiosk's own program talks to the portal.
//
// Kiosk pages lie flat under /k/ and use relative addresses only, since the kiosk
// shows them behind a random path of its own. Every page is a struct of what it
// shows (its view) and a template; each action has a file of its own, and
// routes.go shows all of them. What is said and what is shown come from one
// sentence of the locales room. Nothing here decides who may read what: that is
// the vault's.
package holder
