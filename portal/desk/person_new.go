package desk

import (
	"errors"
	"net/http"

	"consigne/portal/vault"
)

type personNewPage struct {
	frame
	Form      form
	Languages []choice
	Kiosks    []choice
}

func (d *desk) personForm(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	return d.showPersonForm(w, r, m, http.StatusOK, newForm())
}

func (d *desk) showPersonForm(w http.ResponseWriter, r *http.Request, m *vault.Member, status int, f form) error {
	devices, err := m.Devices(r.Context())
	if err != nil {
		return err
	}
	page := personNewPage{Form: f, Languages: languages(f.Value("language"))}
	if page.frame, err = d.frame(r, m, "Nouvelle personne", "people"); err != nil {
		return err
	}
	for i, dev := range devices {
		chosen := f.Value("device") == dev.ID || f.Value("device") == "" && i == 0
		page.Kiosks = append(page.Kiosks, choice{dev.ID, dev.Name, chosen})
	}
	d.pages.Render(w, r, status, "person-new", page)
	return nil
}

// enrol leaves a profile, sealed, at the kiosk to which the person goes now. The
// person exists only once they have practised their pictures there.
func (d *desk) enrol(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	if err := r.ParseForm(); err != nil {
		d.badForm(w, r, m)
		return nil
	}
	f := typedForm(r.PostForm)
	profile := readProfile(&f)
	if !f.OK() {
		return d.showPersonForm(w, r, m, http.StatusUnprocessableEntity, f)
	}
	err := m.Enrol(r.Context(), profile, f.Value("device"), f.Once)
	if err != nil && !errors.Is(err, vault.ErrRepeated) {
		status, ok := f.refuse(err, "name", "birth", "language", "phone", "device")
		if !ok {
			return err
		}
		return d.showPersonForm(w, r, m, status, f)
	}
	http.Redirect(w, r, "/desk/people?done=enrolled", http.StatusSeeOther)
	return nil
}

// readProfile reads the form of a new person and marks what is wrong in it.
func readProfile(f *form) vault.Profile {
	p := vault.Profile{Name: f.Value("name"), Language: f.Value("language")}
	if p.Name == "" {
		f.mark("name")
	}
	birth, ok := parseDay(f.Value("birth"))
	if !ok {
		f.mark("birth")
	}
	p.Birth = birth
	if p.Language == "" {
		f.mark("language")
	}
	if f.Value("device") == "" {
		f.mark("device")
	}
	p.Phone, p.Shared = readPhone(f)
	return p
}
