package desk

import (
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"consigne/cards"
	"consigne/locales"

	"github.com/go-chi/chi/v5"
)

// Signs that only the desk needs. Like all others they are Phosphor icons (MIT, see icons/LICENSE): duotone for
// things, bold for buttons, fill for states.
//
//go:embed icons/*.svg
var iconFiles embed.FS

// icon returns a sign by name and weight, such as "check-bold": one of the
// pictures that all rooms share, else one that only the desk needs. It is
// decoration: the word beside it says the same. An unknown name is an error of
// the template that asks.
func icon(name string) (template.HTML, error) {
	last := strings.LastIndexByte(name, '-')
	if last < 0 {
		return "", errors.New("icon without a weight: " + name)
	}
	svg, ok := locales.Icon(name[:last], name[last+1:])
	if !ok {
		own, err := iconFiles.ReadFile("icons/" + name + ".svg")
		if err != nil {
			return "", errors.New("no icon " + name)
		}
		svg = own
	}
	open := fmt.Sprintf(`<svg class="icon %s" aria-hidden="true" focusable="false" `, name[last+1:])
	return template.HTML(strings.Replace(strings.TrimSpace(string(svg)), "<svg ", open, 1)), nil // our own files
}

// kindIcons are the signs of the kinds of paper.
var kindIcons = map[string]string{
	"residence-permit": "identification-card", "domiciliation": "mailbox", "health-card": "heartbeat", "tax-notice": "bank",
	"pension": "coins", "bank-details": "wallet", "birth-certificate": "baby", "letter": "envelope-simple",
	"identity-card": "identification-badge", "passport": "identification-badge", "payslip": "money", "rent-receipt": "receipt",
}

func kindIcon(kind string) (template.HTML, error) {
	name, ok := kindIcons[kind]
	if !ok {
		name = "file"
	}
	return icon(name + "-duotone")
}

// picture serves the drawing of a place or a relay's badge, and no other: the
// pictures of the code are never seen at a desk.
func (d *desk) picture(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "name")
	svg, ok := locales.Picture(name)
	if !ok || !slices.Contains(locales.Badges, name) {
		http.NotFound(w, r)
		return
	}
	serveSVG(w, svg)
}

// mark serves the mark of a card, by which people know whose page they see.
func (d *desk) mark(w http.ResponseWriter, r *http.Request) {
	svg := cards.Mark{Picture: chi.URLParam(r, "picture"), Colour: chi.URLParam(r, "colour")}.SVG()
	if svg == nil {
		http.NotFound(w, r)
		return
	}
	serveSVG(w, svg)
}

// serveSVG lets a browser keep a drawing for a day: the same few stand on every
// page. Drawings are of the program, not of a person.
func serveSVG(w http.ResponseWriter, svg []byte) {
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "private, max-age=86400")
	_, _ = w.Write(svg) // the visitor went away; there is nobody to tell
}

// pageFuncs are what the templates may call.
func pageFuncs(static func(string) string) template.FuncMap {
	return template.FuncMap{
		"static":   func(name string) string { return "/desk/" + static(name) },
		"icon":     icon,
		"kindIcon": kindIcon,
		"kindName": kindName,
		"day":      day,
		"count":    count,
		"choose":   choose,
		"callOn":   func(word, name, number string, primary bool) callOn { return callOn{word, name, number, primary} },
		"digits":   digits,
		"fresh":    rand.Text, // what makes a second sending of a small form do nothing
		// What the script fills in for a call that comes after the page.
		"emptyCall": func() callView { return callView{} },
	}
}
