package desk

import (
	"net/http"
	"slices"
	"strings"

	"consigne/portal/vault"
	"consigne/smsd/queue"
)

type peoplePage struct {
	frame
	Query string
	Total int
	Rows  []personRow
}

type personRow struct {
	personLine
	Birth, Phone string
	Words        string // the name as the page's script searches it
	Sick         string // what is wrong with the number
	Stopped      bool   // nothing is, but no messages are wanted there
}

// people lists whom the relay knows, and those whose name matches a search. A
// search is posted, so that no name stands in an address.
func (d *desk) people(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	if err := r.ParseForm(); err != nil {
		d.badForm(w, r, m)
		return nil
	}
	all, err := m.People(r.Context())
	if err != nil {
		return err
	}
	page := peoplePage{Query: strings.TrimSpace(r.PostForm.Get("name")), Total: len(all)}
	if page.frame, err = d.frame(r, m, "Personnes", "people"); err != nil {
		return err
	}
	sick, err := m.SickPhones(r.Context(), page.messages)
	if err != nil {
		return err
	}
	page.Rows = personRows(all, sick, page.Query)
	d.pages.Render(w, r, http.StatusOK, "people", page)
	return nil
}

func personRows(people []vault.Person, sick map[string]queue.Health, query string) []personRow {
	rows := make([]personRow, 0, len(people))
	for _, p := range people {
		if matches(p.Name, query) {
			rows = append(rows, rowPerson(p, sick))
		}
	}
	slices.SortStableFunc(rows, func(a, b personRow) int { return strings.Compare(a.Words, b.Words) })
	return rows
}

func rowPerson(p vault.Person, sick map[string]queue.Health) personRow {
	why := sick[p.ID]
	return personRow{linePerson(p), day(p.Birth), maskedPhone(p.Phone), plainLetters(p.Name), sickWords[why], why == queue.Stopped}
}
