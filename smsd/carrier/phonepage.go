package carrier

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"
)

//go:embed phone
var phoneFiles embed.FS

var phonePage = template.Must(template.ParseFS(phoneFiles, "phone/phone.html"))

// longestAnswer is what a network would take from a phone.
const longestAnswer = 1600

// Pages adds the phone's page to the internal listener's routes.
func (p *Phone) Pages(mux *http.ServeMux) {
	cross := http.NewCrossOriginProtection()
	mux.HandleFunc("GET /{$}", p.show)
	mux.HandleFunc("GET /phone.css", p.style)
	mux.Handle("POST /answer", cross.Handler(http.HandlerFunc(p.answer)))
}

// handset is what the page shows of one number.
type handset struct {
	Number  string
	Bubbles []said
}

type said struct {
	ID, Dir, At string
	Answer      bool
	Parts       []part
}

// part is a stretch of text, or a link.
type part struct{ Text, URL string }

func (p *Phone) show(w http.ResponseWriter, r *http.Request) {
	var page bytes.Buffer
	if err := phonePage.Execute(&page, handsets(p.shown())); err != nil {
		p.log.Error("simulated phone", "error", "page does not render")
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.Write(page.Bytes())
}

func (p *Phone) style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, phoneFiles, "phone/phone.css")
}

// answer takes the form, sends what was typed and shows the page again.
func (p *Phone) answer(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxCall)
	text := strings.TrimSpace(r.PostFormValue("text"))
	if text == "" || len([]rune(text)) > longestAnswer {
		http.Error(w, "Une réponse a de 1 à 1 600 lettres.", http.StatusBadRequest)
		return
	}
	if err := p.Answer(r.PostFormValue("number"), text); err != nil {
		http.Error(w, "Ce téléphone n'a reçu aucun message.", http.StatusNotFound)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// handsets groups by number: the phone that rang last comes first, and in it
// the oldest message, as phones show it.
func handsets(all []bubble) []handset {
	var out []handset
	at := map[string]int{}
	for i := len(all) - 1; i >= 0; i-- {
		b := all[i]
		if _, ok := at[b.number]; !ok {
			at[b.number] = len(out)
			out = append(out, handset{Number: b.number})
		}
	}
	for _, b := range all {
		one := &out[at[b.number]]
		one.Bubbles = append(one.Bubbles, said{
			ID: b.id, Dir: direction(b.text), At: b.at.In(time.Local).Format("02/01 15:04"), Answer: b.answer, Parts: parts(b.text),
		})
	}
	return out
}

// direction is that of the first letter that has one.
func direction(text string) string {
	for _, r := range text {
		if unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko) && unicode.IsLetter(r) {
			return "rtl"
		}
		if unicode.IsLetter(r) {
			return "ltr"
		}
	}
	return "ltr"
}

var link = regexp.MustCompile(`https?://[^\s<>"]*[^\s<>".,;:!?)\]]`)

// parts finds the links of a text, as phones do.
func parts(text string) []part {
	var out []part
	for text != "" {
		at := link.FindStringIndex(text)
		if at == nil {
			return append(out, part{Text: text})
		}
		if at[0] > 0 {
			out = append(out, part{Text: text[:at[0]]})
		}
		url := text[at[0]:at[1]]
		out = append(out, part{Text: url, URL: url})
		text = text[at[1]:]
	}
	return out
}
