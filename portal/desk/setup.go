package desk

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"consigne/portal/vault"
	"consigne/portal/web"

	"github.com/skip2/go-qrcode"
)

type setupPage struct {
	frame
	QR     template.HTML
	Secret []string // in groups of four, to type
	Form   form
}

func (d *desk) setupForm(w http.ResponseWriter, r *http.Request) {
	d.showSetup(w, r, http.StatusOK, newForm())
}

func (d *desk) showSetup(w http.ResponseWriter, r *http.Request, status int, f form) {
	address, err := d.vault.Setup(r.Context(), web.CookieValue(r, setupCookie))
	if errors.Is(err, vault.ErrSession) {
		d.setupEnded(w, r)
		return
	}
	page := setupPage{frame: frame{Title: "Un code de plus, sur votre téléphone"}, Form: f}
	if err == nil {
		page.QR, err = drawQR(address)
	}
	if err == nil {
		page.Secret, err = secretGroups(address)
	}
	if err != nil {
		d.fail(w, r, nil, err)
		return
	}
	d.pages.Render(w, r, status, "setup", page)
}

// confirm takes the first code of the new member's phone and lets them in.
func (d *desk) confirm(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		d.badForm(w, r, nil)
		return
	}
	f := typedForm(r.PostForm)
	cookie, err := d.vault.Confirm(r.Context(), web.CookieValue(r, setupCookie), plainDigits(f.Value("code")))
	if err == nil {
		d.forget(w, r)
		d.remember(w, r, memberCookie, cookie)
		http.Redirect(w, r, "/desk/", http.StatusSeeOther)
		return
	}
	if errors.Is(err, vault.ErrSession) {
		d.setupEnded(w, r)
		return
	}
	status, ok := f.refuse(err, "code")
	if !ok {
		d.fail(w, r, nil, err)
		return
	}
	d.showSetup(w, r, status, f)
}

func (d *desk) setupEnded(w http.ResponseWriter, r *http.Request) {
	d.forget(w, r)
	d.pages.Render(w, r, http.StatusForbidden, "trouble", troublePage{
		frame: frame{Title: "Cette étape est terminée"},
		Text:  "Elle reste ouverte vingt minutes. Si votre code n’a pas été confirmé, demandez une nouvelle invitation à votre relais.",
	})
}

// drawQR draws a text as a QR code that a phone reads from a screen. One path in
// user units: no style, and sharp at any size.
func drawQR(text string) (template.HTML, error) {
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return "", fmt.Errorf("draw code: %w", err)
	}
	modules := code.Bitmap() // with its quiet zone
	var path strings.Builder
	for y, row := range modules {
		for x, dark := range row {
			if dark {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	return template.HTML(fmt.Sprintf( // digits and letters of our own making only
		`<svg class="qr" viewBox="0 0 %d %d" role="img" aria-label="Code à photographier" shape-rendering="crispEdges"><rect width="%[1]d" height="%[2]d" fill="#fff"/><path d="%s" fill="#000"/></svg>`,
		len(modules), len(modules), path.String())), nil
}

// secretGroups cuts the secret of an otpauth address into groups of four letters.
func secretGroups(address string) ([]string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("setup address: not an address") // the error itself would quote the secret
	}
	secret := u.Query().Get("secret")
	if secret == "" {
		return nil, errors.New("setup address: no secret in it")
	}
	var groups []string
	for len(secret) > 4 {
		groups, secret = append(groups, secret[:4]), secret[4:]
	}
	return append(groups, secret), nil
}

// plainDigits takes out the spaces with which people group a code.
func plainDigits(s string) string { return strings.Join(strings.Fields(s), "") }
