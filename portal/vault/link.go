package vault

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"consigne/cards"
	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/locales"
	"consigne/portal/plan"
	"consigne/smsd/queue"
)

// LinkState is what a phone may be told of a link before anything is opened.
type LinkState int

// The states of a link.
const (
	LinkGone   LinkState = iota // unknown here, or erased
	LinkNotYet                  // its message has not left
	LinkFresh                   // one touch opens it
	LinkUsed                    // it was opened
	LinkExpired
)

// A LinkPurpose is what a link is for. Each purpose has its life.
type LinkPurpose string

// The purposes of a link.
const (
	ToPaper       LinkPurpose = "paper"       // opens it once, within 24 hours
	ToAppointment LinkPurpose = "appointment" // says once whether one comes, until its hour, at most seven days
)

// A LinkView is all that a link tells: nothing of the paper, only the card's mark
// and the language, and of an appointment, while the link may be used, day and
// hour, which the message had, too.
type LinkView struct {
	State    LinkState
	Purpose  LinkPurpose
	Language string
	Mark     cards.Mark
	OpenedAt time.Time
	Start    time.Time // of the appointment, in its zone; zero once the link is over
}

const (
	linkLetters  = 16
	linkLife     = 24 * time.Hour
	answerLife   = 7 * 24 * time.Hour
	linksADay    = 10               // to papers, of one person
	linkSendLife = time.Hour        // a message that could not leave by then is of no use
	linkOpen     = 10 * time.Minute // how long the one browser may read
	base62       = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

type linkRow struct {
	lookup, hint, itemKey, browser, answer []byte
	item, person, message                  string
	purpose                                LinkPurpose
	ends, opened                           int64
}

// newLetters draws the 16 letters of a link or an invitation: 95 bits.
func newLetters() string {
	out := make([]byte, linkLetters)
	for i := range out {
		out[i] = base62[uniform(len(base62))]
	}
	return string(out)
}

func lettersKey(letters, name string) seal.Key {
	var root seal.Key
	return seal.Key(root.MAC("letters "+name, []byte(letters)))
}

func linkLookup(letters string) []byte { return lettersKey(letters, "lookup").Bytes()[:16] }

// LinkFits tells whether links under this address leave a message room for day and
// hour in every language (see [plan.FitsURL]).
func LinkFits(url string) bool {
	return plan.FitsURL(strings.TrimSuffix(url, "/") + "/l/" + strings.Repeat("A", linkLetters))
}

// linkAddress is where a link leads.
func (v *Vault) linkAddress(letters string) string { return v.LinkURL + "/l/" + letters }

// SendLink sends the holder's phone a message with a link that opens one paper
// once. The link lives from the first attempt of its message, at most a day.
// It returns [ErrNoPhone], also for a phone that others read, [ErrSick] for one
// that messages no longer reach, [ErrStopped] for one that wants none, [ErrEnough] after ten in a day and [ErrRepeated].
func (h *Holder) SendLink(ctx context.Context, paperID, once string) error {
	it, err := h.paper(paperID)
	if err != nil {
		return err
	}
	phone := h.ownPhone()
	if phone == "" {
		return ErrNoPhone
	}
	health, err := h.PhoneHealth(ctx)
	if err != nil {
		return err
	}
	switch health {
	case "":
	case queue.Stopped:
		return ErrStopped
	default:
		return ErrSick
	}
	now := h.v.Now()
	letters := newLetters()
	msg := queue.Message{ID: rand.Text(), Text: plan.Paper(h.Language(), h.v.linkAddress(letters)), Due: now,
		Expires: now.Add(linkSendLife), Kind: queue.Link, Linked: true}
	return h.v.DB.Write(ctx, func(tx database.Handle) error {
		if err := h.v.once(ctx, tx, "link", once); err != nil {
			return err
		}
		if msg.NumberID, err = h.v.SMS.Number(ctx, tx, phone); err != nil {
			return err
		}
		if _, err := h.v.SMS.Enqueue(ctx, tx, msg); err != nil {
			return err
		}
		l := newLink{letters, ToPaper, msg.ID, h.body.Hint, now.Add(linkLife)}
		if err := insertLink(ctx, tx, it, l); err != nil {
			return err
		}
		// The journal locks the person: two at once are counted one after the other.
		if err := h.v.journal(ctx, tx, h.person, Entry{Verb: VerbLinked, PaperKind: it.record.Paper.Kind, Title: it.record.Paper.Title}); err != nil {
			return err
		}
		return h.enough(ctx, tx)
	})
}

// enough refuses one link to a paper more than ten within a day.
func (h *Holder) enough(ctx context.Context, tx database.Handle) error {
	var n int
	err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM link WHERE person_id = ? AND purpose = ? AND ends > ?", h.person, ToPaper, h.v.millis()).Scan(&n)
	if err == nil && n > linksADay {
		return ErrEnough
	}
	return err
}

// A newLink is a link that is about to be written.
type newLink struct {
	letters string
	purpose LinkPurpose
	message string
	hint    Hint
	ends    time.Time
}

// insertLink wraps an item's key under the letters.
func insertLink(ctx context.Context, tx database.Handle, it item, l newLink) error {
	plain, err := json.Marshal(l.hint)
	if err != nil {
		return err
	}
	key, lookup := lettersKey(l.letters, "key"), linkLookup(l.letters)
	_, err = tx.Exec(ctx, `INSERT INTO link (lookup, access_id, item_id, person_id, message_id, purpose, hint, item_key, ends, opened)
		VALUES (?, '', ?, ?, ?, ?, ?, ?, ?, 0)`, lookup, it.id, it.person, l.message, l.purpose,
		key.Box(placeLink(lookup, "hint", it.id), plain), key.Box(placeLink(lookup, "item_key", it.id), it.key.Bytes()), l.ends.UnixMilli())
	return err
}

func readLink(ctx context.Context, h database.Handle, letters string) (r linkRow, err error) {
	r.lookup = linkLookup(letters)
	err = h.QueryRow(ctx, `SELECT item_id, person_id, message_id, purpose, hint, item_key, ends, opened, browser, answer
		FROM link WHERE lookup = ?`, r.lookup).
		Scan(&r.item, &r.person, &r.message, &r.purpose, &r.hint, &r.itemKey, &r.ends, &r.opened, &r.browser, &r.answer)
	return r, err
}

// Link tells how a link stands. It changes nothing, however often it is asked.
func (v *Vault) Link(ctx context.Context, letters string) (LinkView, error) {
	r, err := readLink(ctx, v.DB.Read(), letters)
	if errors.Is(err, ErrNotFound) {
		return LinkView{State: LinkGone, Language: locales.Fallback}, nil
	}
	if err != nil {
		return LinkView{}, err
	}
	plain, err := lettersKey(letters, "key").Open(placeLink(r.lookup, "hint", r.item), r.hint)
	if err != nil {
		return LinkView{}, err
	}
	var hint Hint
	if err := json.Unmarshal(plain, &hint); err != nil {
		return LinkView{}, err
	}
	view := LinkView{Purpose: r.purpose, Language: hint.Language, Mark: hint.Mark, OpenedAt: timeOf(r.opened)}
	if view.State, err = v.linkState(ctx, r); err == nil && view.State == LinkFresh && r.purpose == ToAppointment {
		view.Start, err = v.linkStart(ctx, r, letters)
	}
	return view, err
}

func (v *Vault) linkState(ctx context.Context, r linkRow) (LinkState, error) {
	switch {
	case r.opened != 0:
		return LinkUsed, nil
	case v.millis() >= r.ends:
		return LinkExpired, nil
	}
	left, err := queue.Attempted(ctx, v.DB.Read(), r.message)
	if err != nil {
		return LinkGone, err
	}
	if !left {
		return LinkNotYet, nil
	}
	return LinkFresh, nil
}

// OpenLink opens a link for one browser: its cookie reads for ten minutes, so
// that a line lost on the way loses nothing. browser is that browser's cookie,
// empty at first. It returns [ErrLinkDead] and [ErrLinkOther].
func (v *Vault) OpenLink(ctx context.Context, letters, browser string) (newBrowser string, p Paper, until time.Time, err error) {
	r, err := readLink(ctx, v.DB.Read(), letters)
	if errors.Is(err, ErrNotFound) || err == nil && r.purpose != ToPaper {
		return "", p, until, ErrLinkDead
	}
	if err != nil {
		return "", p, until, err
	}
	if r.opened == 0 {
		if browser, err = v.burn(ctx, &r, letters, browser); err != nil {
			return "", p, until, err
		}
	}
	it, err := v.linkItem(ctx, r, letters, browser)
	if err != nil {
		return "", p, until, err
	}
	return browser, it.paper(), time.UnixMilli(r.opened).Add(linkOpen), nil
}

// NewBrowser draws the secret by which a link knows its one browser: 32 letters
// for a cookie, given before the link is opened, so that a cut line or a double
// touch loses nothing.
func NewBrowser() string {
	var raw [24]byte
	rand.Read(raw[:])
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// browserOr gives back a browser's secret, or a new one for what is none.
func browserOr(browser string) string {
	if raw, err := base64.RawURLEncoding.DecodeString(browser); err != nil || len(raw) != 24 {
		return NewBrowser()
	}
	return browser
}

// burn binds a fresh link to a browser. Of two at once one wins; the other goes
// on only with the same browser's secret, which [Vault.linkItem] checks.
func (v *Vault) burn(ctx context.Context, r *linkRow, letters, browser string) (string, error) {
	if state, err := v.linkState(ctx, *r); err != nil || state != LinkFresh {
		return "", errors.Join(ErrLinkDead, err)
	}
	browser = browserOr(browser)
	r.opened, r.browser = v.millis(), v.browserMAC(r.lookup, browser)
	it, err := v.linkItem(ctx, *r, letters, browser)
	if err != nil {
		return "", err
	}
	err = v.DB.Write(ctx, func(tx database.Handle) error {
		n, err := tx.Exec(ctx, "UPDATE link SET opened = ?, browser = ? WHERE lookup = ? AND opened = 0", r.opened, r.browser, r.lookup)
		if err == nil && n == 0 {
			return errTwice
		}
		if err != nil {
			return err
		}
		return v.journal(ctx, tx, r.person, Entry{Verb: VerbLinkOpened, PaperKind: it.record.Paper.Kind, Title: it.record.Paper.Title})
	})
	if errors.Is(err, errTwice) {
		*r, err = readLink(ctx, v.DB.Read(), letters)
	}
	return browser, err
}

var errTwice = errors.New("link was opened in the same moment")

func (v *Vault) browserMAC(lookup []byte, browser string) []byte {
	return v.Key.MAC("link browser", lookup, []byte(browser))
}

// linkItem opens what is behind an opened link, for its one browser.
func (v *Vault) linkItem(ctx context.Context, r linkRow, letters, browser string) (item, error) {
	if err := v.ownLink(r, browser); err != nil {
		return item{}, err
	}
	return behind(ctx, v.DB.Read(), r, letters)
}

// ownLink tells whether an opened link is still open, and for this browser.
func (v *Vault) ownLink(r linkRow, browser string) error {
	if r.opened == 0 {
		return ErrLinkDead
	}
	if browser == "" || !v.Key.VerifyMAC(r.browser, "link browser", r.lookup, []byte(browser)) {
		return ErrLinkOther
	}
	if v.Now().After(time.UnixMilli(r.opened).Add(linkOpen)) || r.itemKey == nil {
		return ErrLinkDead
	}
	return nil
}

// behind opens the item behind a link.
func behind(ctx context.Context, h database.Handle, r linkRow, letters string) (item, error) {
	key, err := lettersKey(letters, "key").OpenKey(placeLink(r.lookup, "item_key", r.item), r.itemKey)
	if err != nil {
		return item{}, err
	}
	return readItem(ctx, h, key, r.item, r.person)
}

// LinkPage opens a page image of an opened link's paper, for its one browser.
func (v *Vault) LinkPage(ctx context.Context, letters, browser string, page int) (*Content, error) {
	r, err := readLink(ctx, v.DB.Read(), letters)
	if errors.Is(err, ErrNotFound) || err == nil && r.purpose != ToPaper {
		return nil, ErrLinkDead
	}
	if err != nil {
		return nil, err
	}
	it, err := v.linkItem(ctx, r, letters, browser)
	if err != nil {
		return nil, err
	}
	return v.openPage(ctx, it, page)
}
