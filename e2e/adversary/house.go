package adversary

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"consigne/cards"
	"consigne/e2e/stage"
	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/locales"
)

// A house is one that ran: people of the demo and one of our own, whose name,
// number and papers nobody else on this machine knows.
type house struct {
	*stage.House
	desk   *visitor
	device *device
	guest  guest
	loot   Loot
	common []Document // what is no secret although a document may hold it, too
	cookie []*visitor // whose cookies must stay hidden
}

// A guest is a person made up for one run.
type guest struct {
	id, name, phone, place string
	birth                  time.Time
	start                  time.Time
	card                   cards.Card
	pictures               [5]string
	papers                 []Document
	titles                 []string
	letters                string
}

// madeUp is a word that no file holds by chance.
func madeUp(prefix string) string {
	return prefix + strings.ToLower(rand.Text()[:12])
}

func newGuest() (g guest, err error) {
	r := filler(8)
	g = guest{
		name: madeUp("Zénobie "), place: madeUp("Cabinet "), card: cards.New(),
		phone: fmt.Sprintf("+3363998%02d%02d", r[0]%100, r[1]%100),
		birth: time.Date(1930+int(r[2])%70, time.Month(1+r[3]%12), 1+int(r[4])%28, 0, 0, 0, 0, time.UTC),
	}
	g.papers, err = papers()
	for range g.papers {
		g.titles = append(g.titles, madeUp("Courrier "))
	}
	return g, err
}

// live plays one day: a person is entered at the desk, enrolled, gets papers and
// an appointment, opens the vault, and sends a link; somebody mistypes.
func (h *house) live(ctx context.Context) error {
	var err error
	if h.guest, err = newGuest(); err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"mistype", h.mistype}, {"sign in", h.signIn}, {"enrol a device", h.enrolDevice}, {"enter a person", h.enter},
		{"enrol the person", h.enrol}, {"deposit", h.deposit}, {"plan", h.plan}, {"open the vault", h.open}, {"send a link", h.send},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// mistype: what is typed wrongly must stand in no log either.
func (h *house) mistype(ctx context.Context) error {
	v := newVisitor(h.PortalURL)
	staff := h.Demo.Staff[1]
	a, err := v.post(ctx, "/desk/sign-in", url.Values{"email": {staff.Email}, "password": {staff.Password}, "code": {"000000"}})
	if err == nil && a.status == http.StatusSeeOther {
		err = errors.New("a wrong code signed in")
	}
	return err
}

func (h *house) signIn(ctx context.Context) error {
	h.desk = newVisitor(h.PortalURL)
	h.cookie = append(h.cookie, h.desk)
	staff := h.Demo.Staff[0]
	code, err := h.Code(0)
	if err != nil {
		return err
	}
	return h.desk.led(ctx, "/desk/sign-in", url.Values{"email": {staff.Email}, "password": {staff.Password}, "code": {code}}, "/desk/")
}

func (h *house) enrolDevice(ctx context.Context) error {
	code, err := h.Run(ctx, nil, "portal", "device", "code", "--relay", h.Demo.Staff[0].Relay)
	if err != nil {
		return err
	}
	h.device, err = enrolDevice(ctx, h.PortalURL, string(code))
	if err == nil {
		h.loot.key("key of a device", h.device.key.Bytes())
		h.loot.add("token of a device", true, h.device.header.Get("Consigne-Token"))
		h.cookie = append(h.cookie, h.device.visitor)
	}
	return err
}

func (h *house) enter(ctx context.Context) error {
	return h.desk.led(ctx, "/desk/people/new", url.Values{"name": {h.guest.name}, "birth": {h.guest.birth.Format("02/01/2006")},
		"language": {"fr"}, "has_phone": {"own"}, "phone": {h.guest.phone}, "device": {h.device.id}, "once": {rand.Text()}}, "done=enrolled")
}

// enrol opens the profile that waits, consents, shows a card and learns.
func (h *house) enrol(ctx context.Context) error {
	profile, id, err := h.waiting(ctx)
	if err != nil {
		return err
	}
	a, err := h.device.do(ctx, http.MethodPost, "/device/enrolments/"+id, "application/json", bytes.NewReader(profile))
	if err != nil || a.status != http.StatusNoContent {
		return errors.Join(fmt.Errorf("enrolment: status %d", a.status), err)
	}
	if err := h.device.led(ctx, "/k/consent", nil, "enrol"); err != nil {
		return err
	}
	if err := h.device.led(ctx, "/k/enrol-card", url.Values{"card": {h.guest.card.Text()}}, "enrol"); err != nil {
		return err
	}
	for i := range h.guest.pictures {
		a, err := h.device.get(ctx, fmt.Sprintf("/k/enrol?n=%d", i+1))
		if err != nil {
			return err
		}
		if h.guest.pictures[i], err = pictureOn(a.body, i); err != nil {
			return err
		}
	}
	if err := h.device.led(ctx, "/k/learnt", nil, "enrol"); err != nil {
		return err
	}
	for _, to := range []string{"enrol", "enrol", "welcome"} {
		if err := h.device.led(ctx, "/k/practise", picked(h.guest.pictures), to); err != nil {
			return err
		}
	}
	return nil
}

// waiting opens the profile that was left for the device.
func (h *house) waiting(ctx context.Context) (profile []byte, id string, err error) {
	a, err := h.device.get(ctx, "/device/state")
	if err != nil {
		return nil, "", err
	}
	var state struct {
		Enrolments []struct {
			ID     string
			Sealed []byte
		}
	}
	if err := json.Unmarshal(a.body, &state); err != nil || len(state.Enrolments) != 1 {
		return nil, "", fmt.Errorf("state: %s: %w", cut(a.body), err)
	}
	e := state.Enrolments[0]
	profile, err = h.device.key.Identity().Open(seal.Place{Table: "enrolment", Row: e.ID, Column: "profile", Reader: h.device.id}, e.Sealed)
	return profile, e.ID, err
}

// pictureOn tells which picture of a set a page shows.
func pictureOn(page []byte, set int) (string, error) {
	for _, name := range locales.CodeSets[set] {
		svg, ok := locales.Picture(name)
		if !ok {
			return "", fmt.Errorf("no picture %s", name)
		}
		_, drawn, _ := strings.Cut(string(svg), ">")
		if strings.Contains(string(page), strings.TrimSpace(drawn)) {
			return name, nil
		}
	}
	return "", fmt.Errorf("no picture of set %d on the page", set+1)
}

// deposit leaves the papers at the desk, as a browser does.
func (h *house) deposit(ctx context.Context) error {
	a, err := h.desk.get(ctx, "/desk/people")
	if err != nil {
		return err
	}
	for _, m := range regexp.MustCompile(`/desk/people/([A-Z2-7]{26})`).FindAllSubmatch(a.body, -1) {
		page, err := h.desk.get(ctx, "/desk/people/"+string(m[1]))
		if err != nil {
			return err
		}
		if bytes.Contains(page.body, []byte(h.guest.name)) {
			h.guest.id = string(m[1])
		}
	}
	for i, paper := range h.guest.papers {
		kind, body, err := depositForm(h.guest.titles[i], paper)
		if err != nil {
			return err
		}
		a, err := h.desk.do(ctx, http.MethodPost, "/desk/people/"+h.guest.id+"/deposit", kind, body)
		if err != nil || a.status != http.StatusSeeOther {
			return errors.Join(fmt.Errorf("%s: status %d\n%s", paper.Name, a.status, cut(a.body)), err)
		}
	}
	return nil
}

func (h *house) plan(ctx context.Context) error {
	loc, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return err
	}
	day := h.Now().In(loc).AddDate(0, 0, 4)
	h.guest.start = time.Date(day.Year(), day.Month(), day.Day(), 14, 35, 0, 0, loc)
	return h.desk.led(ctx, "/desk/people/"+h.guest.id+"/appointments/new", url.Values{"day": {day.Format("02/01/2006")}, "hour": {"14:35"},
		"place": {h.guest.place}, "picture": {"hospital"}, "bring": {"identity-card"}, "once": {rand.Text()}}, "done=planned")
}

// open shows the card, touches wrong pictures first, and looks at everything.
func (h *house) open(ctx context.Context) error {
	d := h.device
	if err := d.led(ctx, "/k/card", url.Values{"card": {h.guest.card.Text()}}, "code"); err != nil {
		return err
	}
	wrong := h.guest.pictures
	wrong[0] = locales.CodeSets[0][0]
	if wrong == h.guest.pictures {
		wrong[0] = locales.CodeSets[0][1]
	}
	if err := d.led(ctx, "/k/unlock", picked(wrong), "wrong"); err != nil {
		return err
	}
	if err := d.led(ctx, "/k/unlock", picked(h.guest.pictures), "home"); err != nil {
		return err
	}
	return lookAround(ctx, d.visitor, "/k/")
}

var paperLink = regexp.MustCompile(`paper\?id=([A-Z2-7]{26})`)

// lookAround opens every paper and every page of it.
func lookAround(ctx context.Context, v *visitor, prefix string) error {
	list, err := v.get(ctx, prefix+"papers")
	if err != nil {
		return err
	}
	ids := paperLink.FindAllSubmatch(list.body, -1)
	if len(ids) == 0 {
		return fmt.Errorf("no papers: status %d %s", list.status, list.location)
	}
	for _, id := range ids {
		for _, page := range []string{"paper?id=%s", "page-image?id=%s&n=1", "page-image?id=%s&n=2", "enlarge?id=%s&n=1"} {
			if _, err := v.get(ctx, prefix+fmt.Sprintf(page, id[1])); err != nil {
				return err
			}
		}
	}
	for _, page := range []string{"home", "who", "appointments"} {
		if _, err := v.get(ctx, prefix+page); err != nil {
			return err
		}
	}
	return nil
}

// send sends a link to the simulated phone and reads its letters there.
func (h *house) send(ctx context.Context) error {
	list, err := h.device.get(ctx, "/k/papers")
	if err != nil {
		return err
	}
	id := paperLink.FindSubmatch(list.body)
	if id == nil {
		return errors.New("no paper to send")
	}
	if err := h.device.led(ctx, "/k/send", url.Values{"id": {string(id[1])}, "once": {rand.Text()}}, "sent"); err != nil {
		return err
	}
	letters := regexp.MustCompile(`/l/([0-9A-Za-z]{16})`)
	phone := newVisitor(h.PhoneURL)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err = stage.Until(ctx, func() (bool, error) {
		a, err := phone.get(ctx, "/")
		if m := letters.FindSubmatch(a.body); m != nil {
			h.guest.letters = string(m[1])
		}
		return h.guest.letters != "", err
	})
	if err != nil {
		return fmt.Errorf("message: %w", err)
	}
	browser := newVisitor(h.PortalURL)
	h.cookie = append(h.cookie, browser)
	for _, ask := range []func() (answer, error){
		func() (answer, error) { return browser.get(ctx, "/l/"+h.guest.letters) },
		func() (answer, error) { return browser.post(ctx, "/l/"+h.guest.letters, nil) },
		func() (answer, error) { return browser.get(ctx, "/l/"+h.guest.letters+"/1") },
	} {
		if _, err := ask(); err != nil {
			return err
		}
	}
	return nil
}

// secrets gathers, with the keys, all that must stay hidden without them. It
// also tells the pepper.
func (h *house) secrets(ctx context.Context) (seal.Key, error) {
	pepper, err := h.keys()
	if err != nil {
		return pepper, err
	}
	db, err := database.Open(ctx, "sqlite:"+filepath.Join(h.Data(), databaseFile))
	if err != nil {
		return pepper, err
	}
	defer db.Close()
	if err := h.clearVoices(ctx, db); err != nil {
		return pepper, err
	}
	for _, p := range h.people() {
		if err := h.control(ctx, db, p, pepper); err != nil {
			return pepper, err
		}
	}
	staff, err := h.Run(ctx, nil, "portal", "staff", "list")
	if err != nil {
		return pepper, err
	}
	h.staff(string(staff))
	h.loot.add("letters of a link", true, h.guest.letters)
	h.loot.Docs = append(h.loot.Docs, h.guest.papers...)
	h.cookies()
	return pepper, nil
}

// databaseFile is the SQLite store within the data folder.
const databaseFile = "consigne.db"

func (h *house) keys() (pepper seal.Key, err error) {
	for _, name := range []string{"smsd", "kiosk", "portal"} {
		pepper, err = seal.LoadKeyFile(filepath.Join(h.Keys(), name+".key"), name)
		if errors.Is(err, os.ErrNotExist) && name == "kiosk" {
			continue
		}
		if err != nil {
			return pepper, err
		}
		h.loot.key(name+".key", pepper.Bytes())
		h.loot.add(name+".key", true, base64.RawURLEncoding.EncodeToString(pepper.Bytes()))
	}
	return pepper, nil
}

// clearVoices gathers the spoken names of relays, which are in clear as the names
// are: all clips share the frames of their silence.
func (h *house) clearVoices(ctx context.Context, db *database.DB) error {
	rows, err := db.Read().Query(ctx, "SELECT clip FROM relay_voice")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		clip := Document{Name: "name of a relay"}
		if err := rows.Scan(&clip.Content); err != nil {
			return err
		}
		h.common = append(h.common, clip)
	}
	return rows.Err()
}

// people are the demo's and ours.
func (h *house) people() []stage.Person {
	return append(append([]stage.Person{}, h.Demo.People...),
		stage.Person{ID: h.guest.id, Name: h.guest.name, Lang: "fr", Phone: h.guest.phone, Card: h.guest.card.Text(), Pictures: h.guest.pictures})
}

// control opens a vault as its person would: card, pictures and portal's key.
func (h *house) control(ctx context.Context, db *database.DB, p stage.Person, pepper seal.Key) error {
	card, err := findCard(ctx, db, p.Card)
	if err != nil {
		return fmt.Errorf("card of %s: %w", p.ID, err)
	}
	seed, err := card.try(p.Pictures, pepper)
	if err != nil {
		return fmt.Errorf("vault of %s: %w", p.ID, err)
	}
	h.loot.add("card of "+p.ID, true, p.Card, cutWords(p.Card))
	h.loot.add("pictures of "+p.ID, true, strings.Join(p.Pictures[:], "/"), strings.Join(p.Pictures[:], `","`), strings.Join(p.Pictures[:], ", "))
	return vault{&h.loot, filepath.Join(h.Data(), "blobs"), p.Lang, p.ID == h.guest.id}.open(ctx, db, p.ID, seed)
}

// cutWords is a card's text as people write it down.
func cutWords(text string) string {
	var out []string
	for ; len(text) > 4; text = text[4:] {
		out = append(out, text[:4])
	}
	return strings.Join(append(out, text), " ")
}

// staff are the e-mail addresses, names, passwords and authenticators' secrets.
// list is what `portal staff list` prints: id, relay, name, e-mail.
func (h *house) staff(list string) {
	for line := range strings.Lines(list) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 4 {
			h.loot.add("name of staff", false, f[2])
		}
	}
	for _, s := range h.Demo.Staff {
		h.loot.add("e-mail of staff", false, s.Email)
		h.loot.add("password of staff", true, s.Password)
		h.loot.add("authenticator of staff", true, s.TOTPSecret)
		if raw, err := totpBytes(s.TOTPSecret); err == nil {
			h.loot.key("authenticator of staff", raw)
		}
	}
}

// cookies are those of all visitors, as sent and as the bytes they stand for.
func (h *house) cookies() {
	for _, v := range h.cookie {
		for _, path := range []string{"/desk/", "/k/", "/l/"} {
			at, err := url.Parse(v.base + path)
			if err != nil {
				continue
			}
			for _, c := range v.client.Jar.Cookies(at) {
				h.loot.add("cookie "+c.Name, true, c.Value)
				if raw, err := base64.RawURLEncoding.DecodeString(c.Value); err == nil {
					h.loot.key("cookie "+c.Name, raw)
				}
			}
		}
	}
}
