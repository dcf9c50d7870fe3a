package vault

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	mrand "math/rand/v2"
	"slices"
	"strings"

	"consigne/cards"
	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/locales"
)

// maxTries is how often the pictures may be wrong before a card is blocked.
const maxTries = 5

// A Hint is what a card tells before the pictures: the language to speak and
// the mark to show.
type Hint struct {
	Language string     `json:"language"`
	Mark     cards.Mark `json:"mark"`
}

// A CardSession is a card that was shown and waits for its five pictures.
type CardSession struct {
	Hint
	Steps [5][9]string // picture names, shuffled
}

type cardBody struct {
	Text  string
	Hint  Hint
	Steps [5][9]string
}

type cardRow struct {
	id, person, state string
	lookup            []byte
	hint, seed, salt  []byte
	params            seal.Params
	mac               []byte
	tries             int
	made              Date
}

func lookupOf(secret []byte) []byte { return cardKey(secret, "lookup").Bytes()[:16] }

// cardKey derives a key of the card's secret alone.
func cardKey(secret []byte, name string) seal.Key {
	var root seal.Key
	return seal.Key(root.MAC("card "+name, secret))
}

// readCard finds the row of a card text. It returns [ErrCardText],
// [ErrCardUnknown], [ErrCardStopped] or [ErrCardBlocked]; with the last two the
// row is given too, so that the answer can be in the holder's language.
func (v *Vault) readCard(ctx context.Context, h database.Handle, text string) (cards.Card, cardRow, error) {
	card, err := cards.Parse(text)
	if err != nil {
		return card, cardRow{}, ErrCardText
	}
	r := cardRow{lookup: lookupOf(card.Secret()), params: seal.Params{Threads: 1}}
	err = h.QueryRow(ctx, "SELECT id, person_id, state, hint, seed, salt, memory, passes, mac, tries FROM card WHERE lookup = ?", r.lookup).
		Scan(&r.id, &r.person, &r.state, &r.hint, &r.seed, &r.salt, &r.params.Memory, &r.params.Time, &r.mac, &r.tries)
	switch {
	case errors.Is(err, ErrNotFound):
		return card, r, ErrCardUnknown
	case err != nil:
		return card, r, err
	case !v.Key.VerifyMAC(r.mac, "card", r.macParts()...):
		return card, r, errors.New("vault: card row " + r.id + " is not ours")
	case r.state != "active":
		return card, r, ErrCardStopped
	case r.tries >= maxTries:
		return card, r, ErrCardBlocked
	}
	return card, r, nil
}

// macParts are what must not change in a card row.
func (r cardRow) macParts() [][]byte {
	costs, err := json.Marshal(r.params)
	if err != nil {
		panic(err) // three numbers always marshal
	}
	return [][]byte{[]byte(r.id), r.lookup, []byte(r.person), r.salt, costs}
}

func (r cardRow) openHint(secret []byte) (h Hint, err error) {
	plain, err := cardKey(secret, "hint").Open(placeCard(r.id, "hint", ""), r.hint)
	if err != nil {
		return h, err
	}
	err = json.Unmarshal(plain, &h)
	return h, err
}

func boxHint(id string, secret []byte, h Hint) ([]byte, error) {
	plain, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	return cardKey(secret, "hint").Box(placeCard(id, "hint", ""), plain), nil
}

// ShowCard takes a card shown at a kiosk and starts the five pictures. Besides
// the errors of a card, with [ErrCardStopped] and [ErrCardBlocked] the hint is
// given, so that the answer can be spoken in the holder's language.
func (v *Vault) ShowCard(ctx context.Context, dev Device, cardText string) (cookie string, h Hint, err error) {
	card, row, err := v.readCard(ctx, v.DB.Read(), cardText)
	if errors.Is(err, ErrCardStopped) || errors.Is(err, ErrCardBlocked) {
		h, hintErr := row.openHint(card.Secret())
		return "", h, errors.Join(err, hintErr)
	}
	if err != nil {
		return "", Hint{}, err
	}
	if h, err = row.openHint(card.Secret()); err != nil {
		return "", Hint{}, err
	}
	err = v.DB.Write(ctx, func(tx database.Handle) (err error) {
		cookie, err = v.startSession(ctx, tx, "card", row.person, dev.ID, cardBody{card.Text(), h, shuffledSteps()})
		return err
	})
	return cookie, h, err
}

// CardSession gives the card that waits for its pictures.
func (v *Vault) CardSession(ctx context.Context, dev Device, cookie string) (CardSession, error) {
	var body cardBody
	_, err := v.openSession(ctx, "card", dev.ID, cookie, &body)
	return CardSession{body.Hint, body.Steps}, err
}

// Unlock opens the vault of the card that was shown. It returns
// *[WrongPictures] with the tries left, or [ErrCardBlocked] once there are none.
// The try is counted before the slow key is made, so that trying in parallel
// gains nothing.
func (v *Vault) Unlock(ctx context.Context, dev Device, cookie string, picks [5]string) (holderCookie string, err error) {
	var body cardBody
	s, err := v.openSession(ctx, "card", dev.ID, cookie, &body)
	if err != nil {
		return "", err
	}
	if !validPicks(picks) {
		return "", &Invalid{"picks", "unknown"} // not a person's doing: no try is taken
	}
	card, row, err := v.readCard(ctx, v.DB.Read(), body.Text)
	if err != nil {
		return "", err
	}
	left, err := v.countTry(ctx, row.id)
	if err != nil {
		return "", err
	}
	seed, err := v.openSeed(ctx, card.Secret(), row, picks)
	if errors.Is(err, seal.ErrSealed) {
		return "", v.wrongPictures(ctx, s, body, left)
	}
	if err != nil {
		return "", err
	}
	return v.enter(ctx, dev, s, row, body.Hint, seed)
}

// countTry takes one of the card's tries and tells how many are left then.
func (v *Vault) countTry(ctx context.Context, id string) (left int, err error) {
	err = v.DB.Write(ctx, func(tx database.Handle) error {
		n, err := tx.Exec(ctx, "UPDATE card SET tries = tries + 1 WHERE id = ? AND tries < ? AND state = 'active'", id, maxTries)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrCardBlocked
		}
		var tries int
		err = tx.QueryRow(ctx, "SELECT tries FROM card WHERE id = ?", id).Scan(&tries)
		left = maxTries - tries
		return err
	})
	return left, err
}

func (v *Vault) wrongPictures(ctx context.Context, s session, body cardBody, left int) error {
	err := v.DB.Write(ctx, func(tx database.Handle) error {
		if left == 0 {
			return v.endSession(ctx, tx, s)
		}
		body.Steps = shuffledSteps()
		return v.saveSession(ctx, tx, s, body)
	})
	switch {
	case err != nil:
		return err
	case left == 0:
		return ErrCardBlocked
	default:
		return &WrongPictures{Left: left}
	}
}

// openSeed makes the unlock key and opens the person's seed with it. It
// returns [seal.ErrSealed] for wrong pictures.
func (v *Vault) openSeed(ctx context.Context, secret []byte, row cardRow, picks [5]string) (seal.Key, error) {
	leave, err := v.gate.Enter(ctx, seal.Kiosk)
	if err != nil {
		return seal.Key{}, err
	}
	defer leave()
	key, err := seal.UnlockKey(secret, answerOf(picks), row.salt, v.Key, row.params, "card")
	if err != nil {
		return seal.Key{}, err
	}
	return key.OpenKey(placeCard(row.id, "seed", row.person), row.seed)
}

// enter ends the card session and starts the holder's, in one transaction.
func (v *Vault) enter(ctx context.Context, dev Device, s session, row cardRow, h Hint, seed seal.Key) (cookie string, err error) {
	err = v.DB.Write(ctx, func(tx database.Handle) (err error) {
		n, err := tx.Exec(ctx, "UPDATE card SET tries = 0 WHERE id = ? AND state = 'active'", row.id)
		if err == nil && n == 0 {
			return ErrCardStopped // while the slow key was made
		}
		if err != nil {
			return err
		}
		if err = v.endSession(ctx, tx, s); err != nil {
			return err
		}
		if err = v.journal(ctx, tx, row.person, Entry{Verb: VerbOpened}); err != nil {
			return err
		}
		cookie, err = v.startSession(ctx, tx, "holder", row.person, dev.ID, holderBody{seed.Bytes(), h})
		return err
	})
	return cookie, err
}

// newCardRow wraps a person's seed for a card and pictures.
func (v *Vault) newCardRow(ctx context.Context, card cards.Card, person string, seed seal.Key, pictures [5]string, h Hint) (cardRow, error) {
	r := cardRow{id: rand.Text(), person: person, state: "active", lookup: lookupOf(card.Secret()),
		salt: make([]byte, 16), params: seal.DefaultParams}
	rand.Read(r.salt)
	leave, err := v.gate.Enter(ctx, seal.Kiosk)
	if err != nil {
		return r, err
	}
	defer leave()
	key, err := seal.UnlockKey(card.Secret(), answerOf(pictures), r.salt, v.Key, r.params, "card")
	if err != nil {
		return r, err
	}
	r.seed = key.Box(placeCard(r.id, "seed", person), seed.Bytes())
	r.mac = v.Key.MAC("card", r.macParts()...)
	r.hint, err = boxHint(r.id, card.Secret(), h)
	return r, err
}

func (v *Vault) insertCard(ctx context.Context, tx database.Handle, r cardRow) error {
	_, err := tx.Exec(ctx, `INSERT INTO card (id, lookup, person_id, hint, seed, salt, memory, passes, mac, state, tries, made)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)`,
		r.id, r.lookup, r.person, r.hint, r.seed, r.salt, int64(r.params.Memory), int64(r.params.Time), r.mac, r.state, r.made.Number())
	if errors.Is(err, database.ErrExists) {
		return ErrCardTaken
	}
	return err
}

func answerOf(picks [5]string) []byte { return []byte(strings.Join(picks[:], "/")) }

// shuffledSteps puts each set of nine into an order of its own. The order is
// no secret: it only keeps a finger's path from telling the code.
func shuffledSteps() [5][9]string {
	steps := locales.CodeSets
	for i := range steps {
		mrand.Shuffle(9, func(a, b int) { steps[i][a], steps[i][b] = steps[i][b], steps[i][a] })
	}
	return steps
}

// randomPictures assigns one picture of each set.
func randomPictures() (pictures [5]string) {
	for i, set := range locales.CodeSets {
		pictures[i] = set[uniform(len(set))]
	}
	return pictures
}

// uniform draws a secret number below n ≤ 256 without favouring any.
func uniform(n int) int {
	var b [1]byte
	for {
		rand.Read(b[:])
		if int(b[0]) < 256/n*n {
			return int(b[0]) % n
		}
	}
}

func validPicks(picks [5]string) bool {
	for i, p := range picks {
		if !slices.Contains(locales.CodeSets[i][:], p) {
			return false
		}
	}
	return true
}
