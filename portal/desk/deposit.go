package desk

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"

	"consigne/portal/vault"

	"github.com/go-chi/chi/v5"
)

// The form around a paper: its typed fields, and the lines between its parts.
const (
	maxField    = 4 << 10
	maxEnvelope = 64 << 10
)

// errForm says that a form was not made by our page.
var errForm = errors.New("form is not of this page")

// deposit streams a paper into a person's vault. Nothing of it is kept here: the
// fields come before the file, and the file goes straight on to be sealed.
func (d *desk) deposit(w http.ResponseWriter, r *http.Request, m *vault.Member) error {
	if r.ContentLength > vault.MaxUpload+maxEnvelope {
		// Answered before the first byte of the file is read. The connection
		// closes: reading the rest would make the sender wait for a "no".
		w.Header().Set("Connection", "close")
		return d.refuseDeposit(w, r, m, newForm(), vault.ErrTooLarge)
	}
	r.Body = http.MaxBytesReader(w, r.Body, vault.MaxUpload+maxEnvelope)
	f, file, err := readDeposit(r)
	if err != nil {
		return d.refuseDeposit(w, r, m, f, err)
	}
	paper := readPaper(&f)
	if file == nil || file.FileName() == "" {
		f.mark("file")
	}
	if !f.OK() {
		return d.refuseDeposit(w, r, m, f, nil)
	}
	err = m.Deposit(r.Context(), chi.URLParam(r, "person"), paper, file)
	if err != nil && !errors.Is(err, vault.ErrRepeated) {
		return d.refuseDeposit(w, r, m, f, cutShort(err))
	}
	next := "/desk/people/" + chi.URLParam(r, "person") + "?done=deposited"
	if wantsJSON(r) {
		answerJSON(w, http.StatusOK, map[string]string{"next": next})
		return nil
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// readDeposit reads the typed fields up to the file, which it leaves unread.
func readDeposit(r *http.Request) (form, *multipart.Part, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return newForm(), nil, errForm
	}
	values := url.Values{}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return typedForm(values), nil, nil
		}
		if err != nil {
			return typedForm(values), nil, misread(err)
		}
		if part.FormName() == "file" {
			return typedForm(values), part, nil
		}
		text, err := io.ReadAll(io.LimitReader(part, maxField+1))
		if err != nil {
			return typedForm(values), nil, misread(err)
		}
		if len(text) > maxField || len(values) > 16 {
			return typedForm(values), nil, errForm
		}
		values.Add(part.FormName(), string(text))
	}
}

// misread names what went wrong between a form's parts. Besides what is too long
// or cut, that is a form that is none: the reader's own error quotes it.
func misread(err error) error {
	err = cutShort(err)
	if errors.Is(err, vault.ErrTooLarge) || errors.Is(err, vault.ErrFileCut) {
		return err
	}
	return errForm
}

// cutShort gives the names of the vault to faults of the way there.
func cutShort(err error) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return vault.ErrTooLarge
	case errors.Is(err, io.ErrUnexpectedEOF):
		return vault.ErrFileCut
	}
	return err
}

// readPaper reads what was typed about a paper and marks what is wrong in it.
func readPaper(f *form) vault.Deposit {
	d := vault.Deposit{Kind: f.Value("kind"), Title: f.Value("title"), Once: f.Once}
	if d.Kind == "" {
		f.mark("kind")
	}
	d.ValidFrom = optionalDay(f, "valid_from")
	d.ValidUntil = optionalDay(f, "valid_until")
	return d
}

func optionalDay(f *form, name string) vault.Date {
	if f.Value(name) == "" {
		return vault.Date{}
	}
	day, ok := parseDay(f.Value(name))
	if !ok {
		f.mark(name)
	}
	return day
}

// refuseDeposit shows the form again with what was wrong, or tells it to the
// script that sends the file. err is nil when the form is marked already.
func (d *desk) refuseDeposit(w http.ResponseWriter, r *http.Request, m *vault.Member, f form, err error) error {
	status := http.StatusUnprocessableEntity
	switch {
	case errors.Is(err, errForm):
		d.badForm(w, r, m)
		return nil
	case err != nil:
		var ok bool
		if status, ok = f.refuse(err, "kind", "title", "valid_from", "valid_until", "file"); !ok || status == http.StatusNotFound || status == http.StatusForbidden {
			return err
		}
	}
	if wantsJSON(r) {
		answerJSON(w, status, map[string]any{"problems": f.problems, "message": f.Top})
		return nil
	}
	return d.showPerson(w, r, m, status, f)
}

// badForm answers a form that no page of ours made.
func (d *desk) badForm(w http.ResponseWriter, r *http.Request, m *vault.Member) {
	page := troublePage{
		frame: frame{Title: "Ce formulaire ne va pas"}, Text: "Il est arrivé incomplet ou trop long. Rien n’a été fait. Revenez à la page et recommencez.",
	}
	if wantsJSON(r) {
		answerJSON(w, http.StatusBadRequest, map[string]string{"message": page.Text})
		return
	}
	if m != nil {
		page.Member, page.Relay = m.Name(), m.Relay()
	}
	d.pages.Render(w, r, http.StatusBadRequest, "trouble", page)
}
