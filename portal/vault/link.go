package vault

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"consigne/cards"
	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/locales"
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

// A LinkView is all that a link tells: nothing of the paper, only the card's
// mark and the language.
type LinkView struct {
	State    LinkState
	Language string
	Mark     cards.Mark
	OpenedAt time.Time
}

const (
	linkLetters  = 16
	linkLife     = 24 * time.Hour
	linkSendLife = time.Hour        // a message that could not leave by then is of no use
	linkOpen     = 10 * time.Minute // how long the one browser may read
	base62       = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

type linkRow struct {
	lookup, hint, itemKey, browser []byte
	item, person, message          string
	ends, opened                   int64
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

// SendLink sends the holder's phone a message with a link that opens one paper
// once. The link lives from the first attempt of its message, at most a day.
// It returns [ErrNoPhone], also for a phone that others read, and [ErrRepeated].
func (h *Holder) SendLink(ctx context.Context, paperID, once string) error {
	it, err := h.paper(paperID)
	if err != nil {
		return err
	}
	phone := h.ownPhone()
	if phone == "" {
		return ErrNoPhone
	}
	letters, message := newLetters(), rand.Text()
	text := locales.SMS(h.Language(), "link", locales.Args{"url": h.v.PublicURL + "/l/" + letters})
	return h.v.DB.Write(ctx, func(tx database.Handle) error {
		if err := h.v.once(ctx, tx, "link", once); err != nil {
			return err
		}
		number, err := h.v.SMS.Number(ctx, tx, phone)
		if err != nil {
			return err
		}
		now := h.v.Now()
		if _, err := h.v.SMS.Enqueue(ctx, tx, queue.Message{ID: message, NumberID: number, Text: text, Due: now,
			Expires: now.Add(linkSendLife), Kind: queue.Link}); err != nil {
			return err
		}
		if err := h.insertLink(ctx, tx, letters, it, message); err != nil {
			return err
		}
		return h.v.journal(ctx, tx, h.person, Entry{Verb: VerbLinked, PaperKind: it.record.Paper.Kind, Title: it.record.Paper.Title})
	})
}

func (h *Holder) insertLink(ctx context.Context, tx database.Handle, letters string, it item, message string) error {
	plain, err := json.Marshal(h.body.Hint)
	if err != nil {
		return err
	}
	key, lookup := lettersKey(letters, "key"), linkLookup(letters)
	_, err = tx.Exec(ctx, `INSERT INTO link (lookup, access_id, item_id, person_id, message_id, hint, item_key, ends, opened)
		VALUES (?, '', ?, ?, ?, ?, ?, ?, 0)`, lookup, it.id, h.person, message,
		key.Box(placeLink(lookup, "hint", it.id), plain), key.Box(placeLink(lookup, "item_key", it.id), it.key.Bytes()),
		h.v.Now().Add(linkLife).UnixMilli())
	return err
}

func readLink(ctx context.Context, h database.Handle, letters string) (r linkRow, err error) {
	r.lookup = linkLookup(letters)
	err = h.QueryRow(ctx, "SELECT item_id, person_id, message_id, hint, item_key, ends, opened, browser FROM link WHERE lookup = ?", r.lookup).
		Scan(&r.item, &r.person, &r.message, &r.hint, &r.itemKey, &r.ends, &r.opened, &r.browser)
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
	view := LinkView{Language: hint.Language, Mark: hint.Mark, OpenedAt: timeOf(r.opened)}
	view.State, err = v.linkState(ctx, r)
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
	if errors.Is(err, ErrNotFound) {
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

// burn binds a fresh link to a browser. Of two at once one wins; the other goes
// on only with the same browser's secret, which [Vault.linkItem] checks.
func (v *Vault) burn(ctx context.Context, r *linkRow, letters, browser string) (string, error) {
	if state, err := v.linkState(ctx, *r); err != nil || state != LinkFresh {
		return "", errors.Join(ErrLinkDead, err)
	}
	if raw, err := base64.RawURLEncoding.DecodeString(browser); err != nil || len(raw) != 24 {
		browser = NewBrowser()
	}
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

// linkItem opens the paper behind an opened link, for its one browser.
func (v *Vault) linkItem(ctx context.Context, r linkRow, letters, browser string) (item, error) {
	if r.opened == 0 {
		return item{}, ErrLinkDead
	}
	if browser == "" || !v.Key.VerifyMAC(r.browser, "link browser", r.lookup, []byte(browser)) {
		return item{}, ErrLinkOther
	}
	if v.Now().After(time.UnixMilli(r.opened).Add(linkOpen)) || r.itemKey == nil {
		return item{}, ErrLinkDead
	}
	key, err := lettersKey(letters, "key").OpenKey(placeLink(r.lookup, "item_key", r.item), r.itemKey)
	if err != nil {
		return item{}, err
	}
	var sealed []byte
	if err := v.DB.Read().QueryRow(ctx, "SELECT record FROM item WHERE id = ?", r.item).Scan(&sealed); err != nil {
		return item{}, err
	}
	return openRecord(key, r.item, r.person, sealed)
}

// LinkPage opens a page image of an opened link's paper, for its one browser.
func (v *Vault) LinkPage(ctx context.Context, letters, browser string, page int) (*Content, error) {
	r, err := readLink(ctx, v.DB.Read(), letters)
	if errors.Is(err, ErrNotFound) {
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
