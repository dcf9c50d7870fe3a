package holder

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"consigne/locales"
	"consigne/portal/vault"
)

type paperView struct {
	frame
	ID, Label, NextPage string
	Number, Pages       int
	Sign, Life          string
	Days                int // to be drawn one by one; 0 for none
	Full                said
	HasPhone            bool
	Once                string
}

// mostDays is how many days are drawn one by one.
const mostDays = 30

// paper shows one paper: its scan, how long it is valid, what can be done.
func (s *server) paper(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	p, err := h.Paper(r.URL.Query().Get("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	today := vault.DateOf(s.today(r))
	v := paperView{frame: s.inside(w, r, h, "paper", "papers", kindIcon(p.Kind)),
		ID: p.ID, Label: "", Number: min(number(r, "n"), max(p.Pages, 1)), Pages: p.Pages,
		Sign: signOf(p, today), HasPhone: h.HasPhone(), Once: rand.Text()}
	v.Back, v.Label, v.Full = "papers", v.kindName(p.Kind), v.fully(p, today)
	v.Line = v.say("paper.voice", locales.Args{"paper": locales.Kind(p.Kind), "validity": v.validity(p, today)})
	v.Life, v.Days = v.life(p, today)
	if p.Pages > 1 {
		v.NextPage = paperPage("paper", p.ID, v.Number%p.Pages+1)
		if v.Number > 1 {
			v.Line = v.say("paper.page", locales.Args{"page": v.Number, "pages": p.Pages})
		}
	}
	s.kiosk.Render(w, r, http.StatusOK, "paper", v)
}

func paperPage(page, id string, n int) string {
	return page + "?" + url.Values{"id": {id}, "n": {strconv.Itoa(n)}}.Encode()
}

// life is the little box beside the scan: a word, and the days when they are few.
func (f frame) life(p vault.Paper, today vault.Date) (words string, days int) {
	switch p.Validity(today) {
	case vault.Unlimited:
		return f.T("valid.unlimited"), 0
	case vault.Expired:
		return f.T("valid.expired"), 0
	case vault.Soon:
		left := p.DaysLeft(today)
		return f.locale.Text("paper.days", locales.Args{"n": left}), min(left, mostDays)
	}
	return f.T("valid.ok"), 0
}

// fully says all there is to say of a paper: kind, validity, pages, when it came.
func (f frame) fully(p vault.Paper, today vault.Date) said {
	sentences := []locales.Sentence{
		f.locale.Say("hear.whole", locales.Args{"paper": locales.Kind(p.Kind), "validity": f.validity(p, today)}),
		f.locale.Say("paper.deposited", locales.Args{"t": p.Deposited.In(time.UTC)}),
	}
	if p.Pages > 1 {
		sentences = append(sentences, f.locale.Say("paper.pages", locales.Args{"n": p.Pages}))
	}
	return saidOf(sentences...)
}

// enlargeParts is how many views of a page there are, from top to bottom.
const enlargeParts = 3

type enlargeView struct {
	frame
	ID, Label    string
	Number, Part int
	Up, Down     string
}

// enlarge shows a page as wide as the screen, part by part.
func (s *server) enlarge(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	p, err := h.Paper(r.URL.Query().Get("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v := enlargeView{frame: s.inside(w, r, h, "enlarge", "papers", kindIcon(p.Kind)), ID: p.ID,
		Number: min(number(r, "n"), max(p.Pages, 1)), Part: min(number(r, "part"), enlargeParts)}
	v.Label, v.Back = v.kindName(p.Kind), paperPage("paper", p.ID, v.Number)
	v.Line = v.say("paper.page", locales.Args{"page": v.Number, "pages": max(p.Pages, 1)})
	here := paperPage("enlarge", p.ID, v.Number)
	if v.Part > 1 {
		v.Up = fmt.Sprintf("%s&part=%d", here, v.Part-1)
	}
	if v.Part < enlargeParts {
		v.Down = fmt.Sprintf("%s&part=%d", here, v.Part+1)
	}
	s.kiosk.Render(w, r, http.StatusOK, "enlarge", v)
}

// pageImage is the scan itself.
func (s *server) pageImage(w http.ResponseWriter, r *http.Request, h *vault.Holder) {
	c, err := h.OpenPage(r.Context(), r.URL.Query().Get("id"), number(r, "n"))
	if err != nil {
		noPicture(w, r, err)
		return
	}
	sendContent(w, r, c)
}

// sendContent sends a page image. Only its end proves that it was whole: what
// fails before cuts the connection, so that no half picture passes for one. A
// browser that went away is no fault; a picture that cannot be read is.
func sendContent(w http.ResponseWriter, r *http.Request, c *vault.Content) {
	defer c.Close()
	w.Header().Set("Content-Type", c.Type)
	w.Header().Set("Content-Length", strconv.FormatInt(c.Size, 10))
	source := &watched{Reader: c}
	if _, err := io.Copy(w, source); err != nil {
		if source.err != nil && r.Context().Err() == nil {
			logFault(r, source.err)
		}
		panic(http.ErrAbortHandler)
	}
}

// watched keeps the error of reading apart from that of sending.
type watched struct {
	io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}
