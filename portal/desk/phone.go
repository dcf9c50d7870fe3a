package desk

import (
	"errors"
	"net/http"

	"consigne/portal/vault"
	"consigne/smsd/queue"

	"github.com/go-chi/chi/v5"
)

// sickWords say what is wrong with a number.
var sickWords = map[queue.Health]string{
	queue.Dead:  "Ce téléphone ne répond plus",
	queue.NotMe: "Quelqu’un d’autre lit ce numéro",

	queue.Stopped: "Ne veut plus de messages",
}

type phonePage struct {
	frame
	Form   form
	Person personRow
}

func (d *desk) phoneForm(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	return d.showPhoneForm(w, r, m, http.StatusOK, newForm())
}

func (d *desk) showPhoneForm(w http.ResponseWriter, r *http.Request, m *vault.Member, status int, f form) error {
	person, err := m.Person(r.Context(), chi.URLParam(r, "person"))
	if err != nil {
		return err
	}
	page := phonePage{Form: f}
	if page.frame, err = d.frame(r, m, "Changer le numéro", "people"); err != nil {
		return err
	}
	sick, err := m.SickPhones(r.Context(), page.messages)
	if err != nil {
		return err
	}
	page.Person = rowPerson(person, sick)
	d.pages.Render(w, r, status, "phone", page)
	return nil
}

// setPhone writes down a person's new number, or that they have none.
func (d *desk) setPhone(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	if err := r.ParseForm(); err != nil {
		d.badForm(w, r, m)
		return nil
	}
	f := typedForm(r.PostForm)
	phone, shared := readPhone(&f)
	if !f.OK() {
		return d.showPhoneForm(w, r, m, http.StatusUnprocessableEntity, f)
	}
	id, done := chi.URLParam(r, "person"), "phone"
	if phone == "" {
		done = "phone-none"
	}
	err := m.SetPhone(r.Context(), id, phone, shared, f.Once)
	if err != nil && !errors.Is(err, vault.ErrRepeated) {
		status, ok := f.refuse(err, "phone")
		if !ok || status == http.StatusNotFound {
			return err
		}
		return d.showPhoneForm(w, r, m, status, f)
	}
	http.Redirect(w, r, "/desk/people/"+id+"?done="+done, http.StatusSeeOther)
	return nil
}

// readPhone reads whether there is a phone, whose and which, and marks what is
// wrong in it.
func readPhone(f *form) (phone string, shared bool) {
	switch f.Value("has_phone") {
	case "own", "shared":
		if phone = f.Value("phone"); phone == "" {
			f.mark("phone")
		}
		return phone, f.Value("has_phone") == "shared"
	case "none":
	default:
		f.problems["has_phone"] = "Dites si la personne a un téléphone."
	}
	return "", false
}

// confirmPhone notes that the person says that the number is theirs still, or that
// they want messages there again.
func (d *desk) confirmPhone(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	if err := r.ParseForm(); err != nil {
		d.badForm(w, r, m)
		return nil
	}
	id, note, done := chi.URLParam(r, "person"), m.ConfirmPhone, "phone-confirmed"
	if r.PostForm.Get("resume") == "1" {
		note, done = m.ResumePhone, "phone-resumed"
	}
	err := note(r.Context(), id, r.PostForm.Get("once"))
	if err != nil && !errors.Is(err, vault.ErrRepeated) {
		return err
	}
	http.Redirect(w, r, "/desk/people/"+id+"?done="+done, http.StatusSeeOther)
	return nil
}
