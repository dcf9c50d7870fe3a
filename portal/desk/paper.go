package desk

import (
	"errors"
	"net/http"
	"strconv"

	"consigne/portal/vault"

	"github.com/go-chi/chi/v5"
)

type paperPage struct {
	frame
	ID, Kind, KindName, Validity, Deposited string
	Pages                                   []int
	Owner                                   *personLine // to go back to, when the link said whose paper it is
}

// paper shows a paper that was shared with the relay, page by page.
func (d *desk) paper(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	p, err := m.Paper(r.Context(), chi.URLParam(r, "paper"))
	if err != nil {
		return err
	}
	page := paperPage{ID: p.ID, Kind: p.Kind, KindName: kindName(p.Kind), Validity: validity(p, vault.DateOf(d.nowAt(m.Relay()))), Deposited: day(p.Deposited)}
	if page.frame, err = d.frame(r, m, paperTitle(p), "people"); err != nil {
		return err
	}
	if owner, err := m.Person(r.Context(), r.URL.Query().Get("of")); err == nil {
		line := linePerson(owner)
		page.Owner = &line
	} else if !errors.Is(err, vault.ErrNotFound) {
		return err
	}
	for n := range p.Pages {
		page.Pages = append(page.Pages, n+1)
	}
	d.pages.Render(w, r, http.StatusOK, "paper", page)
	return nil
}

// paperPage sends the picture of one page. The vault writes the reading into the
// person's journal before it hands out a byte.
func (d *desk) paperPage(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	n, err := strconv.Atoi(chi.URLParam(r, "page"))
	if err != nil || n < 1 {
		return vault.ErrNotFound
	}
	content, err := m.OpenPage(r.Context(), chi.URLParam(r, "paper"), n)
	if err != nil {
		return err
	}
	return d.send(w, r, content)
}
