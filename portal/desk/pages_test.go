package desk_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"consigne/portal/vault"
	"consigne/smsd/queue"

	"golang.org/x/net/html"
)

// everyPage opens each page of the desk with something on it.
func everyPage(w *world) map[string]answer {
	w.t.Helper()
	s := w.enrol(andrei)
	paper := w.deposit(s, "domiciliation", "")
	_, err := w.holder(s).Share(w.t.Context(), paper, w.relay.ID, vault.UntilStopped, w.once())
	must(w.t, err)
	planned, err := w.member(w.cookie).Plan(w.t.Context(), s.id, vault.NewAppointment{
		Day: vault.Date{Year: 2026, Month: 11, Day: 23}, Hour: 14, Place: "Mairie", Picture: "bank", Bring: []string{"letter"}, Once: w.once()})
	must(w.t, err)
	w.setState(w.planned(s).Messages[0].MessageID, queue.Held, "timeout")
	w.setState(w.planned(s).Messages[0].MessageID, queue.Failed, "30007")
	w.tell(w.relay, queue.Answer{Meaning: queue.Words, Text: "oui", Person: s.id, Item: planned.ID, By: "sms"})
	w.tell(w.relay, queue.Answer{Meaning: queue.WrongOne, By: "sms"})
	pages := map[string]answer{}
	for _, path := range []string{
		"/desk/", "/desk/people", "/desk/people/new", "/desk/people/" + s.id, "/desk/people/" + s.id + "/appointments/new",
		"/desk/people/" + s.id + "/appointments/" + planned.ID + "/move", "/desk/people/" + s.id + "/phone",
		"/desk/paper/" + paper, "/desk/messages", "/desk/team", "/desk/sign-in", "/desk/nowhere",
		"/desk/invitation/" + w.invite(w.relay, "jules@example.org", "Jules Fabre"),
	} {
		pages[path] = w.get(path)
	}
	pages["refused"] = w.post("/desk/people/new", "once", "1")
	pages["code"] = w.post("/desk/team/device-code")
	return pages
}

// TestPages_accessible checks on every page what a screen reader, a keyboard and
// the content policy need.
func TestPages_accessible(t *testing.T) {
	w := newWorld(t)
	for path, a := range everyPage(w) {
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %s", path, a.status, a.header.Get("Content-Type"))
			continue
		}
		root, err := html.Parse(strings.NewReader(a.body))
		must(t, err)
		for _, fault := range faults(root) {
			t.Errorf("%s: %s", path, fault)
		}
	}
}

// faults lists what would keep somebody from using a page.
func faults(root *html.Node) (found []string) {
	ids, labelled, headings, last := map[string]bool{}, map[string]bool{}, 0, 0
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				found = append(found, "two elements are called "+id)
			}
			ids[id] = true
		}
		if n.Data == "label" {
			labelled[attr(n, "for")] = true
		}
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if level := strings.Index("123456", strings.TrimPrefix(n.Data, "h")); len(n.Data) == 2 && n.Data[0] == 'h' && level >= 0 {
			if n.Data == "h1" {
				headings++
			}
			if level > last+1 {
				found = append(found, "heading "+n.Data+" skips a level")
			}
			last = level
		}
		found = append(found, faultsOf(n, ids, labelled)...)
	}
	if headings != 1 {
		found = append(found, "not one first heading")
	}
	return found
}

func faultsOf(n *html.Node, ids, labelled map[string]bool) (found []string) {
	for _, a := range n.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			found = append(found, "inline "+a.Key+" on "+n.Data)
		}
	}
	for _, id := range strings.Fields(attr(n, "aria-labelledby") + " " + attr(n, "for")) {
		if !ids[id] {
			found = append(found, "nothing is called "+id)
		}
	}
	switch n.Data {
	case "style":
		found = append(found, "inline style sheet")
	case "script":
		if attr(n, "src") == "" {
			found = append(found, "inline script")
		}
	case "img":
		if !has(n, "alt") {
			found = append(found, "picture without alternative "+attr(n, "src"))
		}
	case "button", "a":
		if strings.TrimSpace(text(n)) == "" {
			found = append(found, n.Data+" without words")
		}
	case "html":
		if attr(n, "lang") != "fr" {
			found = append(found, "language is not told")
		}
	case "input", "select":
		if attr(n, "type") != "hidden" && !labelled[attr(n, "id")] && !within(n, "label") {
			found = append(found, "field "+attr(n, "name")+" has no label")
		}
	}
	return found
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func within(n *html.Node, name string) bool {
	for p := range n.Ancestors() {
		if p.Data == name {
			return true
		}
	}
	return false
}

func text(n *html.Node) string {
	var out strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			out.WriteString(c.Data)
		}
	}
	return out.String()
}

func TestPages_noNameInTitles(t *testing.T) {
	w := newWorld(t)
	for path, a := range everyPage(w) {
		_, rest, _ := strings.Cut(a.body, "<title>")
		title, _, _ := strings.Cut(rest, "</title>")
		if title == "" || strings.Contains(title, "Munteanu") {
			t.Errorf("%s: a browser's history keeps %q", path, title)
		}
	}
}

func TestTrouble_unknownFaultGetsAnIDAndNoDetails(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	s := w.enrol(andrei)
	must(t, w.db.Close())
	a := w.get("/desk/people/" + s.id)
	a.says(t, 500, "Quelque chose n’a pas marché")
	_, rest, _ := strings.Cut(a.body, `<b class="num">`)
	id, _, _ := strings.Cut(rest, "</b>")
	if len(id) != 8 || !strings.Contains(log.String(), id) {
		t.Errorf("id %q is not in the log", id)
	}
	for _, secret := range []string{"Munteanu", s.id, w.cookie, "39981042", "database is closed"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q: %s", secret, log.String())
		}
	}
	if !strings.Contains(log.String(), `"cause":"*errors.errorString"`) {
		t.Errorf("the log does not tell the error's type: %s", log.String())
	}
	if strings.Contains(a.body, "closed") {
		t.Error("the page tells the error's own text")
	}
}
