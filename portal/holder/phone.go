package holder

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"consigne/cards"
	"consigne/locales"
	"consigne/portal/vault"
	"consigne/portal/web"
	"consigne/smsd/queue"
)

// cookieLink binds an opened link to its browser. It lies on the link's own path,
// and a browser has it before it opens anything: so both touches of a double one
// carry it, and an answer that is lost on the way leaves it where it was.
const cookieLink = "link"

// unopenedAge is how long the cookie of a link that is not open yet stays: as long
// as the link can wait.
var unopenedAge = map[vault.LinkPurpose]time.Duration{vault.ToPaper: 24 * time.Hour, vault.ToAppointment: 7 * 24 * time.Hour}

// phoneView is a page on a phone: no script, the phone's own letters, and before
// a link is opened nothing but the card's mark, a sentence and a button.
type phoneView struct {
	Title    string
	Line     said
	Mark     cards.Mark
	Letters  string // only in the addresses of an opened paper's own pages
	Drawing  string
	Opened   *openedAt
	Question string // "it was not you?"
	Kind     string
	Pages    []int
	When     *stripView // of an appointment: day and hour in pictures
	Said     string     // what was answered, or would be
	Sign     sign       // of what would be
	Call     phoneCall

	locale *locales.Locale
}

// sign is an icon by its name and weight.
type sign struct{ Icon, Weight string }

// phoneCall is the relay's number, to be dialled and to be read.
type phoneCall struct {
	Dial  template.URL
	Shown string
}

// openedAt is when a link was opened, as a picture and digits.
type openedAt struct {
	Day         bool
	Date, Clock string
}

// Lang and Dir are the page's language and direction.
func (v phoneView) Lang() string { return v.locale.Tag() }

// Dir is "ltr" or "rtl".
func (v phoneView) Dir() string { return v.locale.Dir() }

// Heading is the page's name in the phone's list of pages.
func (v phoneView) Heading() string { return cmp.Or(v.Title, v.T("link.title")) }

// T gives the words of a message without arguments.
func (v phoneView) T(key string) string { return v.locale.Text(key, nil) }

var lettersPattern = regexp.MustCompile(`^[0-9A-Za-z]{16}$`)

// link shows how a link stands. However often it is asked, by GET or HEAD, it
// changes nothing; the one browser that opened the link sees its paper again.
func (s *server) link(w http.ResponseWriter, r *http.Request) {
	letters := chi.URLParam(r, "letters")
	if !lettersPattern.MatchString(letters) {
		s.showClosed(w, r, vault.LinkView{State: vault.LinkGone}, nil)
		return
	}
	view, err := s.vault.Link(r.Context(), letters)
	if err != nil {
		s.failPlain(w, r, err)
		return
	}
	switch browser := web.CookieValue(r, cookieLink); {
	case view.State == vault.LinkFresh:
		s.showFresh(w, r, view, letters)
	case view.State == vault.LinkUsed && browser != "" && view.Purpose == vault.ToAppointment:
		s.showAnswered(w, r, view, letters, browser)
	case view.State == vault.LinkUsed && browser != "":
		s.showPaper(w, r, view, letters, browser)
	default:
		s.showClosed(w, r, view, nil)
	}
}

// openLink opens a link for the browser that posts, and for no other. To one
// without the cookie the vault gives one.
func (s *server) openLink(w http.ResponseWriter, r *http.Request) {
	letters := chi.URLParam(r, "letters")
	if !lettersPattern.MatchString(letters) {
		s.showClosed(w, r, vault.LinkView{State: vault.LinkGone}, nil)
		return
	}
	if said := queue.Meaning(r.PostFormValue("say")); endsAs[said].key != "" && r.PostFormValue("sure") != "1" {
		s.askSure(w, r, letters, said)
		return
	}
	browser, until, err := s.use(r, letters)
	if errors.Is(err, vault.ErrLinkDead) || errors.Is(err, vault.ErrLinkOther) {
		s.closedAfter(w, r, letters, err)
		return
	}
	if err != nil {
		s.failPlain(w, r, err)
		return
	}
	setLinkCookie(w, r, letters, browser, until.Sub(s.now()))
	http.Redirect(w, r, "/l/"+letters, http.StatusSeeOther)
}

// use opens a link's paper, or answers by an appointment's link. A form without an
// answer answers nothing.
func (s *server) use(r *http.Request, letters string) (browser string, until time.Time, err error) {
	browser = web.CookieValue(r, cookieLink)
	if said := r.PostFormValue("say"); said != "" {
		var answer vault.LinkAnswer
		browser, answer, err = s.vault.AnswerLink(r.Context(), letters, browser, queue.Meaning(said))
		if invalid := (&vault.Invalid{}); errors.As(err, &invalid) {
			err = vault.ErrLinkDead
		}
		return browser, answer.Until, err
	}
	browser, _, until, err = s.vault.OpenLink(r.Context(), letters, browser)
	return browser, until, err
}

func setLinkCookie(w http.ResponseWriter, r *http.Request, letters, browser string, age time.Duration) {
	cookie := web.Cookie(r, cookieLink, browser, "/l/"+letters, age)
	// The message's program leads here again: that must find the open paper.
	cookie.SameSite = http.SameSiteLaxMode
	http.SetCookie(w, cookie)
}

func (s *server) closedAfter(w http.ResponseWriter, r *http.Request, letters string, cause error) {
	view, err := s.vault.Link(r.Context(), letters)
	if err != nil {
		s.failPlain(w, r, err)
		return
	}
	if view.State == vault.LinkFresh { // a form that was not this page's: nothing is burnt
		s.showFresh(w, r, view, letters)
		return
	}
	s.showClosed(w, r, view, cause)
}

// handOut gives a browser that has none the cookie of a fresh link, known to this
// browser alone until the link is used.
func handOut(w http.ResponseWriter, r *http.Request, view vault.LinkView, letters string) {
	if web.CookieValue(r, cookieLink) == "" {
		setLinkCookie(w, r, letters, vault.NewBrowser(), unopenedAge[view.Purpose])
	}
}

// showFresh asks for the touch that uses the link.
func (s *server) showFresh(w http.ResponseWriter, r *http.Request, view vault.LinkView, letters string) {
	handOut(w, r, view, letters)
	l := locales.Must(view.Language)
	if view.Purpose == vault.ToAppointment {
		s.showAsk(w, r, view, l)
		return
	}
	s.phone.Render(w, r, http.StatusOK, "open", phoneView{
		locale: l, Line: saidOf(l.Say("link.voice", nil)), Mark: view.Mark,
	})
}

func (s *server) showPaper(w http.ResponseWriter, r *http.Request, view vault.LinkView, letters, browser string) {
	_, p, _, err := s.vault.OpenLink(r.Context(), letters, browser)
	if errors.Is(err, vault.ErrLinkDead) || errors.Is(err, vault.ErrLinkOther) {
		s.showClosed(w, r, view, err)
		return
	}
	if err != nil {
		s.failPlain(w, r, err)
		return
	}
	l := locales.Must(view.Language)
	v := phoneView{locale: l, Line: saidOf(l.Say("link.paper", nil)), Mark: view.Mark, Letters: letters, Kind: l.Text("kind."+p.Kind+".name", nil)}
	for n := range p.Pages {
		v.Pages = append(v.Pages, n+1)
	}
	s.phone.Render(w, r, http.StatusOK, "paper", v)
}

// linkPage is a page image of an opened paper, for its one browser.
func (s *server) linkPage(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(chi.URLParam(r, "page"))
	letters := chi.URLParam(r, "letters")
	if err != nil || !lettersPattern.MatchString(letters) {
		http.NotFound(w, r)
		return
	}
	c, err := s.vault.LinkPage(r.Context(), letters, web.CookieValue(r, cookieLink), n)
	if err != nil {
		noPicture(w, r, err) // not even that there is such a paper
		return
	}
	sendContent(w, r, c)
}

// closedPages are what a link that does not open says: sentence, drawing, status.
var closedPages = map[vault.LinkState]struct {
	key, drawing string
	status       int
}{
	vault.LinkGone:    {"link.gone", "link-gone", http.StatusNotFound},
	vault.LinkNotYet:  {"link.not_yet", "link-wait", http.StatusForbidden},
	vault.LinkUsed:    {"link.used", "link-used", http.StatusGone},
	vault.LinkExpired: {"link.expired", "link-expired", http.StatusGone},
}

// showClosed says why a link does not open. Whoever tries many is slowed down; the
// browser that opened a link may look at it again when its ten minutes are over.
func (s *server) showClosed(w http.ResponseWriter, r *http.Request, view vault.LinkView, cause error) {
	page := closedPages[view.State]
	v := phoneView{locale: acceptedLocale(r), Mark: view.Mark, Drawing: page.drawing}
	if view.Purpose == vault.ToAppointment && view.State == vault.LinkUsed {
		v.Drawing = "link-answered"
	}
	if view.State != vault.LinkGone {
		v.locale = locales.Must(view.Language)
	}
	v.Line = saidOf(v.locale.Say(page.key, nil))
	if view.State == vault.LinkUsed {
		s.tellUsed(&v, view, cause)
	}
	status := page.status
	own := view.State == vault.LinkUsed && errors.Is(cause, vault.ErrLinkDead)
	if view.State != vault.LinkNotYet && !own {
		if s.dead.Take(web.ClientNetwork(r)) > 0 {
			status, v.Line = http.StatusTooManyRequests, saidOf(v.locale.Say("link.not_yet", nil))
			v.Drawing, v.Opened, v.Question = "link-wait", nil, ""
			w.Header().Set("Retry-After", strconv.Itoa(int(tokenEvery.Seconds())))
		}
	}
	s.phone.Render(w, r, status, "closed", v)
}

// tellUsed says when a link was opened, and asks whether it was this person.
func (s *server) tellUsed(v *phoneView, view vault.LinkView, cause error) {
	at := view.OpenedAt.In(phoneZone())
	v.Opened = &openedAt{Day: hourOf(at).Day, Date: v.locale.Date(at).Caption, Clock: at.Format("15:04")}
	key := "link.used_at"
	if view.Purpose == vault.ToAppointment {
		key = "answer.used_at"
	}
	line := v.locale.Say(key, locales.Args{"t": at})
	notYou := v.locale.Say("link.not_you", nil)
	v.Question = notYou.Caption
	if view.Purpose == vault.ToPaper && errors.Is(cause, vault.ErrLinkOther) && s.now().Sub(view.OpenedAt) < 10*time.Minute {
		line = v.locale.Say("link.elsewhere", nil)
	}
	v.Line = said{Caption: line.Caption, Voice: saidOf(line, notYou).Voice}
}

// phoneZone is the hour of a phone's page, which may not tell the relay.
func phoneZone() *time.Location {
	loc, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return time.UTC
	}
	return loc
}

// acceptedLocale is the first language of the browser's that is spoken here, for
// links of which nothing is known.
func acceptedLocale(r *http.Request) *locales.Locale {
	for _, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		for _, t := range []string{tag, strings.SplitN(tag, "-", 2)[0]} {
			if l, ok := locales.Get(t); ok {
				return l
			}
		}
	}
	return locales.Must(locales.Fallback)
}

// phoneVoice plays the sentences of these pages; there are no names in them.
func (s *server) phoneVoice(w http.ResponseWriter, r *http.Request) {
	s.sendVoice(w, r, clipsOf(r))
}
