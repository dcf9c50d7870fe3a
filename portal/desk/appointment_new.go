package desk

import (
	"errors"
	"net/http"

	"consigne/locales"
	"consigne/portal/vault"

	"github.com/go-chi/chi/v5"
)

type appointmentNewPage struct {
	frame
	Moves    bool // another hour or place for an appointment that is there
	Quiet    [2]string
	Preview  []previewLine // what would leave, when somebody asked for it
	Form     form
	Person   personRow
	Pictures []choice
	Kinds    []choice
}

// placePictures are what a place can be known by, for somebody who does not read.
var placePictures = []choice{
	{Value: "hospital", Label: "Hôpital"}, {Value: "bank", Label: "Administration"}, {Value: "school", Label: "École"},
	{Value: "house", Label: "Maison"}, {Value: "locomotive", Label: "Gare"}, {Value: "deciduous-tree", Label: "Arbre"},
	{Value: "books", Label: "Bibliothèque"}, {Value: "umbrella", Label: "Parapluie"},
}

func (d *desk) appointmentForm(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	return d.showAppointmentForm(w, r, m, http.StatusOK, newForm())
}

func (d *desk) showAppointmentForm(w http.ResponseWriter, r *http.Request, m *vault.Member, status int, f form, preview ...previewLine) error {
	person, err := m.Person(r.Context(), chi.URLParam(r, "person"))
	if err != nil {
		return err
	}
	page := appointmentNewPage{Form: f, Preview: preview, Moves: chi.URLParam(r, "appointment") != ""}
	page.Person = rowPerson(person, nil)
	title := "Nouveau rendez-vous"
	if page.Moves {
		title = "Changer le rendez-vous"
	}
	if page.frame, err = d.frame(r, m, title, "people"); err != nil {
		return err
	}
	quiet, err := m.Quiet(r.Context())
	if err != nil {
		return err
	}
	page.Quiet = [2]string{clock(quiet.From), clock(quiet.Until)}
	for _, p := range placePictures {
		p.Chosen = f.Value("picture") == p.Value
		page.Pictures = append(page.Pictures, p)
	}
	for _, kind := range locales.PaperKinds {
		page.Kinds = append(page.Kinds, choice{kind, kindName(kind), f.Chosen("bring", kind)})
	}
	d.pages.Render(w, r, status, "appointment-new", page)
	return nil
}

// plan keeps an appointment and queues its reminders.
func (d *desk) plan(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	if err := r.ParseForm(); err != nil {
		d.badForm(w, r, m)
		return nil
	}
	f := typedForm(r.PostForm)
	wanted := readAppointment(&f)
	if !f.OK() {
		return d.showAppointmentForm(w, r, m, http.StatusUnprocessableEntity, f)
	}
	if f.Value("preview") != "" {
		return d.preview(w, r, m, f, wanted)
	}
	id := chi.URLParam(r, "person")
	planned, err := m.Plan(r.Context(), id, wanted)
	done := "planned"
	switch {
	case errors.Is(err, vault.ErrRepeated):
	case err != nil:
		status, ok := f.refuse(err, "day", "hour", "place", "picture", "bring")
		if !ok || status == http.StatusNotFound {
			return err
		}
		return d.showAppointmentForm(w, r, m, status, f)
	case len(planned.Messages) == 0:
		done = "planned-no"
	}
	http.Redirect(w, r, "/desk/people/"+id+"?done="+done, http.StatusSeeOther)
	return nil
}

// readAppointment reads the form and marks what is wrong in it.
func readAppointment(f *form) vault.NewAppointment {
	n := vault.NewAppointment{Place: f.Value("place"), Picture: f.Value("picture"), Bring: f.values["bring"], Once: f.Once}
	var ok bool
	if n.Day, ok = parseDay(f.Value("day")); !ok {
		f.mark("day")
	}
	if n.Hour, n.Minute, ok = parseHour(f.Value("hour")); !ok {
		f.mark("hour")
	}
	if n.Place == "" {
		f.mark("place")
	}
	if n.Picture == "" {
		f.mark("picture")
	}
	return n
}
