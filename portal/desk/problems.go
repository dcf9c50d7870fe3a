package desk

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"consigne/portal/vault"
	"consigne/portal/web"
)

// problem is what a person is told when something was refused: what was wrong,
// what was expected and what to do.
type problem struct {
	status int
	field  string // of the form, or "" for the form as a whole
	title  string // of a page of its own, where no form asked
	text   string
}

// problems is the one table from the vault's errors to answers. Its order matters
// only where an error wraps two of them.
var problems = []struct {
	err error
	problem
}{
	{vault.ErrNotFound, problem{http.StatusNotFound, "", "Introuvable", "Cette page n’existe pas, ou ce dossier n’est pas connu de votre relais. Revenez à la liste des personnes."}},
	{vault.ErrForbidden, problem{http.StatusForbidden, "", "Ce papier nous est fermé", "La personne ne l’a pas partagé avec votre relais, ou le partage est terminé. Elle seule peut le rouvrir, à la borne."}},
	{vault.ErrSignIn, problem{http.StatusUnprocessableEntity, "", "", "L’adresse, le mot de passe ou le code ne vont pas ensemble. Vérifiez les trois. Le code change toutes les 30 secondes."}},
	{vault.ErrCode, problem{http.StatusUnprocessableEntity, "code", "", "Ce code n’est pas bon, ou il est trop vieux. Attendez que l’application en montre un nouveau, puis écrivez-le."}},
	{vault.ErrBusy, problem{http.StatusServiceUnavailable, "", "Un instant", "Le serveur est très occupé. Rien n’a été fait. Attendez quelques secondes, puis recommencez."}},
	{vault.ErrFull, problem{http.StatusInsufficientStorage, "", "Le disque est plein", "Le serveur n’a plus de place : rien n’a été enregistré. Prévenez l’association qui héberge Consigne, puis recommencez."}},
	{vault.ErrPast, problem{http.StatusUnprocessableEntity, "hour", "", "Ce moment est déjà passé. Choisissez un jour et une heure à venir."}},
	{vault.ErrNoPhone, problem{http.StatusUnprocessableEntity, "phone", "", "Il n’y a pas de téléphone dans ce dossier. Ajoutez d’abord un numéro."}},
	{vault.ErrTooLarge, problem{http.StatusRequestEntityTooLarge, "file", "", "Ce fichier est trop lourd : 25 Mo au plus. Numérisez en 200 points par pouce, ou envoyez les pages en plusieurs papiers."}},
	{vault.ErrFileEmpty, problem{http.StatusUnprocessableEntity, "file", "", "Ce fichier est vide. Numérisez la feuille de nouveau, ouvrez le fichier pour vérifier qu’on la voit, puis déposez-le."}},
	{vault.ErrFileType, problem{http.StatusUnsupportedMediaType, "file", "", "Ce fichier n’est ni une photo JPEG ou PNG, ni un PDF, quel que soit son nom. Enregistrez-le dans un de ces trois formats."}},
	{vault.ErrFileCut, problem{http.StatusUnprocessableEntity, "file", "", "Ce fichier est coupé : la fin manque. Copiez-le ou numérisez-le de nouveau, jusqu’au bout, puis déposez-le."}},
	{vault.ErrFileDamaged, problem{http.StatusUnprocessableEntity, "file", "", "Ce fichier est abîmé : ses pages ne s’affichent pas. Ouvrez-le pour vérifier, ou numérisez la feuille de nouveau."}},
	{vault.ErrFilePassword, problem{http.StatusUnprocessableEntity, "file", "", "Ce PDF demande un mot de passe. Ouvrez-le avec son mot de passe, imprimez-le en PDF sans mot de passe, puis déposez cette copie."}},
	{vault.ErrFilePages, problem{http.StatusUnprocessableEntity, "file", "", "Ce PDF a trop de pages. Gardez les pages utiles, ou déposez-le en plusieurs papiers."}},
}

// explain finds what to tell about an error. ok is false for an error that no
// visitor caused and none can mend.
func explain(err error) (p problem, ok bool) {
	var invalid *vault.Invalid
	if errors.As(err, &invalid) {
		text, known := invalids[invalid.Field+" "+invalid.Reason]
		if !known {
			text, known = invalids[invalid.Field]
		}
		if !known {
			text = "Une réponse ne va pas. Corrigez-la, puis recommencez."
		}
		return problem{status: http.StatusUnprocessableEntity, field: invalid.Field, text: text}, true
	}
	for _, row := range problems {
		if errors.Is(err, row.err) {
			return row.problem, true
		}
	}
	return problem{}, false
}

// invalids says, for each field of a form, what was expected of it; where one
// reason needs other words, they stand under field and reason.
var invalids = map[string]string{
	"name":        "Écrivez le nom et le prénom, en 200 lettres au plus.",
	"title":       "Écrivez un titre plus court : 100 lettres au plus.",
	"birth":       "Écrivez une date qui existe, dans le passé : jour, mois, année, par exemple 14/03/1951.",
	"language":    "Choisissez une langue de la liste.",
	"phone":       "Écrivez un numéro de téléphone, par exemple 06 12 34 56 78, ou choisissez « Aucun téléphone ».",
	"phone fixed": "C’est un téléphone fixe : il ne reçoit pas de messages. Écrivez un numéro de portable, ou choisissez « Aucun téléphone ».",
	"device":      "Choisissez la borne à laquelle la personne va commencer.",
	"day":         "Choisissez un jour qui existe, dans les treize mois à venir.",
	"hour":        "Écrivez une heure entre 00:00 et 23:59, par exemple 14:30.",
	"hour gap":    "Cette heure n’existe pas ce jour-là : la nuit où l’on avance les montres, on passe de 2 h à 3 h. Choisissez-en une autre.",
	"quiet_from":  "Écrivez une heure entre 00:00 et 23:59, par exemple 21:00.",
	"quiet_until": "Écrivez une heure entre 00:00 et 23:59, par exemple 08:30.",
	"quiet":       "Laissez au moins deux heures par jour pendant lesquelles un rappel peut partir.",
	"place":       "Écrivez où le rendez-vous a lieu, en 40 lettres au plus.",
	"picture":     "Choisissez une image pour reconnaître le lieu.",
	"bring":       "Choisissez les papiers dans la liste.",
	"kind":        "Choisissez de quel papier il s’agit.",
	"valid_from":  "Écrivez une date qui existe, par exemple 01/09/2026, ou laissez vide.",
	"valid_until": "Écrivez une date qui existe et qui vient après le début, par exemple 01/09/2027, ou laissez vide.",
	"file":        "Choisissez un fichier : une photo JPEG ou PNG, ou un PDF.",
	"password":    "Choisissez un mot de passe de 12 lettres et chiffres au moins.",
	"again":       "Les deux mots de passe ne sont pas les mêmes. Écrivez-les de nouveau.",
	"email taken": "Quelqu’un travaille déjà ici avec cette adresse. Entrez avec votre mot de passe, ou demandez une invitation pour une autre adresse.",
	"day far":     "C’est trop loin : un rendez-vous se donne jusqu’à treize mois à l’avance.",
	"email":       "Écrivez une adresse e-mail entière, par exemple prenom@relais.fr.",
	"code":        "Écrivez les six chiffres que montre votre application.",
}

// troublePage is the page for what no form can show.
type troublePage struct {
	frame
	Text string
	ID   string // to tell whoever hosts the service; also in the log
}

// fail answers an error with a page of its own. What nobody expected gets an id
// under which the log tells more; the visitor never sees the error's own text.
func (d *desk) fail(w http.ResponseWriter, r *http.Request, m *vault.Member, err error) {
	if r.Context().Err() != nil {
		return // the visitor has gone, and that was the fault
	}
	p, ok := explain(err)
	page := troublePage{frame: frame{Title: p.title}, Text: p.text}
	if !ok {
		p.status = http.StatusInternalServerError
		page.Title, page.ID = "Quelque chose n’a pas marché", rand.Text()[:8]
		page.Text = "Le travail en cours n’a peut-être pas été enregistré. Revenez en arrière et vérifiez. Si cela se répète, donnez ce numéro à l’association qui héberge Consigne :"
		// The error's own text may quote a visitor; its type may not.
		slog.ErrorContext(r.Context(), "desk action failed", "id", page.ID, "cause", web.RootType(err))
	}
	if page.Title == "" {
		page.Title = "Ce n’est pas possible"
	}
	if wantsJSON(r) {
		answerJSON(w, p.status, map[string]string{"field": p.field, "message": strings.TrimSpace(page.Text + " " + page.ID)})
		return
	}
	if m != nil {
		page.Member, page.Relay = m.Name(), m.Relay()
	}
	d.pages.Render(w, r, p.status, "trouble", page)
}

func (d *desk) notFound(w http.ResponseWriter, r *http.Request) {
	d.fail(w, r, nil, vault.ErrNotFound)
}

func (d *desk) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	d.pages.Render(w, r, http.StatusMethodNotAllowed, "trouble", troublePage{
		frame: frame{Title: "Ce n’est pas possible"}, Text: "Cette adresse ne s’utilise pas ainsi. Revenez à la page d’accueil.",
	})
}

// wantsJSON tells our own script's requests from a browser's.
func wantsJSON(r *http.Request) bool { return r.Header.Get("Accept") == "application/json" }

func answerJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text) // the visitor went away; there is nobody to tell
}
