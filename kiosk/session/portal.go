package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"consigne/kiosk/reader"
)

// Pages of the portal to which the proxy itself leads.
const (
	pageUnread  = "problem?what=unread"
	pageNotCard = "problem?what=notcard"
	pageEnrol   = "enrol"
	pageNoEnrol = "problem?what=enrol"
	pageFailed  = "problem?what=error"
)

// maxState is more than the portal says about a device: a waiting profile is
// some 2 KB.
const maxState = 1 << 20

// Scan says where the window goes after a code was held in front of the scanner,
// "" for nowhere. A card is posted where the page in the window asks for one; on
// all others the scanner is deaf.
func (p *Proxy) Scan(ctx context.Context, c reader.Code) string {
	p.mu.Lock()
	now := p.page
	p.mu.Unlock()
	switch {
	case now.scan != scanCard && now.scan != scanEnrol:
		return ""
	case c.Kind == reader.Unread:
		return pageUnread
	case c.Kind == reader.NotCard:
		return pageNotCard
	}
	form := url.Values{"card": {c.Card.Text()}}.Encode()
	to, err := p.postCard(ctx, now.scan, form)
	switch {
	case errors.Is(err, errGone):
		p.Log.Warn("portal does not answer", "code", codeOf(err))
		return now.name // which says so
	case err != nil:
		p.Log.Error("card not taken", "code", codeOf(err))
		return pageFailed
	}
	return to
}

// postCard posts a card and gives the page that the portal leads to. A card that
// the portal knows begins the session, even if it opens nothing: the portal sets a
// cookie then, were it only the language of the card, which is the next person's
// no more.
func (p *Proxy) postCard(ctx context.Context, route, form string) (string, error) {
	response, err := p.ask(ctx, http.MethodPost, "/k/"+route, "application/x-www-form-urlencoded", []byte(form))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if len(response.Cookies()) > 0 {
		p.open(false)
	}
	return p.follow(response.Request.URL, response.Header.Get("Location"))
}

// open begins the session.
func (p *Proxy) open(enrolling bool) {
	p.begin.Do(func() { close(p.begun) })
	p.mu.Lock()
	p.enrolling = p.enrolling || enrolling
	p.mu.Unlock()
}

// ask sends a request of the kiosk's own. It returns errGone when nobody answers
// for the portal; any answer of the portal's is none.
func (p *Proxy) ask(ctx context.Context, method, path, kind string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, p.Portal.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	p.sign(request.Header)
	response, err := p.client.Do(request)
	if err != nil {
		return nil, errors.Join(errGone, err)
	}
	if absent(response) {
		response.Body.Close()
		return nil, errGone
	}
	return response, nil
}

// headerReader tells the portal on which side of the screen the scanner is.
const headerReader = "Consigne-Reader"

func (p *Proxy) sign(h http.Header) {
	p.Device.Sign(h)
	h.Del(headerReader)
	if p.Reader != "" {
		h.Set(headerReader, p.Reader)
	}
}

// state is what the portal has for this kiosk.
type state struct {
	Enrolments []struct {
		ID     string `json:"id"`
		Sealed []byte `json:"sealed"`
	} `json:"enrolments"`
	Phone string `json:"phone"`
}

// Learn asks the portal what it has for this kiosk, and keeps the relay's number
// for the time when the portal is gone.
func (p *Proxy) Learn(ctx context.Context) (err error) {
	_, err = p.state(ctx)
	return err
}

func (p *Proxy) state(ctx context.Context) (state, error) {
	response, err := p.ask(ctx, http.MethodGet, "/device/state", "", nil)
	if err != nil {
		return state{}, err
	}
	defer response.Body.Close()
	var s state
	if err := answered(response); err != nil {
		return state{}, err
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxState)).Decode(&s); err != nil {
		return state{}, errAnswer
	}
	if s.Phone != "" {
		p.mu.Lock()
		p.phone = s.Phone
		p.mu.Unlock()
	}
	return s, nil
}

// answered is what a status means to the kiosk's own requests: errFault for one
// that may be another the next time, errAnswer for a refusal.
func answered(r *http.Response) error {
	switch r.StatusCode / 100 {
	case 2:
		return nil
	case 5:
		return errFault
	}
	return errAnswer
}

// passing tells a failure that is worth asking again.
func passing(err error) bool { return errors.Is(err, errGone) || errors.Is(err, errFault) }

// enrol opens the profile that waits for this kiosk and hands it to the portal,
// which may know it only while its person stands here. Nobody stands in front of
// a spare: its page stays and asks again. While the portal fails, the page that
// says so comes, and from there the same again.
func (p *Proxy) enrol(w http.ResponseWriter, r *http.Request) {
	if !p.isActive() {
		refuse(w, http.StatusNoContent)
		return
	}
	to, err := p.openFirst(r.Context())
	switch {
	case passing(err):
		p.failed(w, r, err)
	case err != nil:
		p.Log.Error("no enrolment", "code", codeOf(err))
		redirect(w, r, p.Page(pageNoEnrol))
	default:
		redirect(w, r, p.Page(to))
	}
}

// openFirst opens the first profile that can be opened, and gives the page that
// comes then. The next one is another person's: it is not taken because the
// portal would not take the first.
func (p *Proxy) openFirst(ctx context.Context) (string, error) {
	s, err := p.state(ctx)
	if err != nil {
		return "", err
	}
	if len(s.Enrolments) == 0 {
		return restPage, nil
	}
	for _, e := range s.Enrolments {
		profile, err := p.openProfile(e.ID, e.Sealed)
		if err != nil {
			p.Log.Error("profile not opened", "enrolment", e.ID)
			continue
		}
		err = p.postProfile(ctx, e.ID, profile)
		clear(profile)
		if err != nil {
			return "", err
		}
		p.open(true)
		return pageEnrol, nil
	}
	return pageNoEnrol, nil
}

// openProfile refuses an id that would name another route: it is letters and
// digits.
func (p *Proxy) openProfile(id string, sealed []byte) ([]byte, error) {
	if strings.ContainsAny(id, "/?#%.") {
		return nil, errAnswer
	}
	return p.Device.OpenProfile(id, sealed)
}

func (p *Proxy) postProfile(ctx context.Context, id string, profile []byte) error {
	response, err := p.ask(ctx, http.MethodPost, "/device/enrolments/"+id, "application/json", profile)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return answered(response)
}
