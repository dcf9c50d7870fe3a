package vault

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"consigne/internal/database"
	"consigne/internal/seal"
)

const (
	invitationLife = 7 * 24 * time.Hour
	minPassword    = 12 // letters; length is what counts (CNIL 2022-100, case 2)
	totpPeriod     = 30 // seconds (RFC 6238)
)

// names is the key under which e-mail addresses and names of staff are boxed.
func (v *Vault) names() seal.Key { return v.Key.Derive("names") }

func (v *Vault) emailMAC(email string) []byte {
	return v.Key.MAC("e-mail", []byte(strings.ToLower(strings.TrimSpace(email))))
}

// An Invitation is what its recipient sees before choosing a password.
type Invitation struct{ RelayName, Name, Email string }

// Invite makes an invitation of seven days for a member of a relay and gives
// its 16 letters, which are stored nowhere.
func (v *Vault) Invite(ctx context.Context, relayID, email, name string) (letters string, err error) {
	email, name = strings.TrimSpace(email), strings.Join(strings.Fields(name), " ")
	if at := strings.IndexByte(email, '@'); at < 1 || at == len(email)-1 || len(strings.Fields(email)) > 1 {
		return "", &Invalid{"email", "unknown"}
	}
	if name == "" {
		return "", &Invalid{"name", "missing"}
	}
	if _, err := v.Relay(ctx, relayID); err != nil {
		return "", err
	}
	letters = newLetters()
	lookup := linkLookup(letters)
	return letters, v.DB.Write(ctx, func(tx database.Handle) error {
		_, err := tx.Exec(ctx, "INSERT INTO invitation (lookup, relay_id, email_mac, email, name, ends) VALUES (?, ?, ?, ?, ?, ?)",
			lookup, relayID, v.emailMAC(email), v.names().Box(placeInvitation(lookup, "email"), []byte(email)),
			v.names().Box(placeInvitation(lookup, "name"), []byte(name)), v.Now().Add(invitationLife).UnixMilli())
		return err
	})
}

func placeInvitation(lookup []byte, column string) seal.Place {
	return seal.Place{Table: "invitation", Row: hexOf(lookup), Column: column}
}

type invitationRow struct {
	Invitation
	lookup  []byte
	relayID string
}

func (v *Vault) invitation(ctx context.Context, h database.Handle, lookup []byte) (r invitationRow, err error) {
	var email, name []byte
	r.lookup = lookup
	err = h.QueryRow(ctx, `SELECT i.relay_id, r.name, i.email, i.name FROM invitation i JOIN relay r ON r.id = i.relay_id
		WHERE i.lookup = ? AND i.ends > ?`, lookup, v.millis()).Scan(&r.relayID, &r.RelayName, &email, &name)
	if err != nil {
		return r, err
	}
	plainEmail, err := v.names().Open(placeInvitation(lookup, "email"), email)
	if err != nil {
		return r, err
	}
	plainName, err := v.names().Open(placeInvitation(lookup, "name"), name)
	r.Email, r.Name = string(plainEmail), string(plainName)
	return r, err
}

// Invitation shows an invitation, or [ErrNotFound] for one that is used or old.
func (v *Vault) Invitation(ctx context.Context, letters string) (Invitation, error) {
	r, err := v.invitation(ctx, v.DB.Read(), linkLookup(letters))
	return r.Invitation, err
}

// setupBody is a member in the making: the password is chosen and already only
// a key that boxes the seed; the authenticator is not confirmed yet.
type setupBody struct {
	Lookup, Seed, Boxed, Salt []byte
	Member, Email, TOTP       string
}

// Accept takes an invitation with a password of at least 12 letters and gives
// what an authenticator needs. Nothing is made until [Vault.Confirm].
func (v *Vault) Accept(ctx context.Context, letters, password string) (setup, otpauthURL string, err error) {
	if len([]rune(password)) < minPassword {
		return "", "", &Invalid{"password", "short"}
	}
	r, err := v.invitation(ctx, v.DB.Read(), linkLookup(letters))
	if err != nil {
		return "", "", err
	}
	body := setupBody{Lookup: r.lookup, Salt: make([]byte, 16), Member: rand.Text(), Email: r.Email}
	rand.Read(body.Salt)
	seed := seal.NewKey()
	key, err := v.passwordKey(ctx, password, body.Salt, seal.DefaultParams)
	if err != nil {
		return "", "", err
	}
	body.Seed, body.Boxed = seed.Bytes(), key.Box(placeMember(body.Member, "seed", ""), seed.Bytes())
	var secret [20]byte // as RFC 4226 recommends
	rand.Read(secret[:])
	body.TOTP = base32.StdEncoding.EncodeToString(secret[:])
	err = v.DB.Write(ctx, func(tx database.Handle) (err error) {
		setup, err = v.startSession(ctx, tx, "setup", "", "", body)
		return err
	})
	return setup, otpauth(body), err
}

func otpauth(b setupBody) string {
	return "otpauth://totp/" + url.PathEscape("Consigne:"+b.Email) + "?issuer=Consigne&secret=" + b.TOTP
}

func (v *Vault) passwordKey(ctx context.Context, password string, salt []byte, p seal.Params) (seal.Key, error) {
	leave, err := v.gate.Enter(ctx, seal.LogIn)
	if err != nil {
		return seal.Key{}, err
	}
	defer leave()
	return seal.UnlockKey([]byte(password), nil, salt, v.Key, p, "password")
}

// Setup gives the authenticator's address again, for a page that is reloaded.
func (v *Vault) Setup(ctx context.Context, setupCookie string) (otpauthURL string, err error) {
	var body setupBody
	_, err = v.openSession(ctx, "setup", "", setupCookie, &body)
	return otpauth(body), err
}

// Confirm makes the member once the authenticator shows the right code, and
// signs them in. The first member of a relay makes the relay's seed; each later
// one waits for a colleague.
func (v *Vault) Confirm(ctx context.Context, setupCookie, code string) (memberCookie string, err error) {
	var body setupBody
	s, err := v.openSession(ctx, "setup", "", setupCookie, &body)
	if err != nil {
		return "", err
	}
	step, ok := v.codeStep(body.TOTP, code, 0)
	if !ok {
		return "", ErrCode
	}
	err = v.DB.Write(ctx, func(tx database.Handle) (err error) {
		if err = v.insertMember(ctx, tx, body, step); err != nil {
			return err
		}
		if err = v.endSession(ctx, tx, s); err != nil {
			return err
		}
		memberCookie, err = v.startSession(ctx, tx, "member", body.Member, "", memberBody{body.Seed})
		return err
	})
	return memberCookie, err
}

func (v *Vault) insertMember(ctx context.Context, tx database.Handle, b setupBody, step int64) error {
	r, err := v.invitation(ctx, tx, b.Lookup)
	if err != nil {
		return err
	}
	if n, err := tx.Exec(ctx, "DELETE FROM invitation WHERE lookup = ?", b.Lookup); err != nil || n == 0 {
		return errors.Join(err, ErrNotFound)
	}
	seed, err := seal.KeyFrom(b.Seed)
	if err != nil {
		return err
	}
	relaySeed, err := v.firstMember(ctx, tx, r.relayID, b.Member, seed)
	if err != nil {
		return err
	}
	public := seed.Identity().Public()
	_, err = tx.Exec(ctx, `INSERT INTO member (id, relay_id, email_mac, email, name, public, public_mac, seed, salt, memory, passes,
		totp, totp_step, relay_seed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		b.Member, r.relayID, v.emailMAC(r.Email), v.names().Box(placeMember(b.Member, "email", ""), []byte(r.Email)),
		v.names().Box(placeMember(b.Member, "name", ""), []byte(r.Name)), []byte(public), v.publicMAC("member", b.Member, public),
		b.Boxed, b.Salt, int64(seal.DefaultParams.Memory), int64(seal.DefaultParams.Time),
		seed.Derive("vault").Box(placeMember(b.Member, "totp", ""), []byte(b.TOTP)), step, relaySeed)
	if errors.Is(err, database.ErrExists) {
		return &Invalid{"email", "taken"}
	}
	return err
}

// firstMember makes the relay's seed if it has none yet, and gives it boxed for
// the member; nil where a colleague has to admit them.
func (v *Vault) firstMember(ctx context.Context, tx database.Handle, relayID, member string, seed seal.Key) ([]byte, error) {
	relay := seal.NewKey()
	public := relay.Identity().Public()
	n, err := tx.Exec(ctx, "UPDATE relay SET public = ?, public_mac = ? WHERE id = ? AND public IS NULL",
		[]byte(public), v.publicMAC("relay", relayID, public), relayID)
	if err != nil || n == 0 {
		return nil, err
	}
	return seed.Derive("vault").Box(placeMember(member, "relay_seed", relayID), relay.Bytes()), nil
}

// codeStep checks a code of an authenticator and gives its time step, which
// must be later than the last one used: a code serves once.
func (v *Vault) codeStep(secret, code string, last int64) (int64, bool) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	now := v.Now().Unix() / totpPeriod
	for _, step := range []int64{now, now - 1, now + 1} {
		want, err := totp.GenerateCodeCustom(secret, time.Unix(step*totpPeriod, 0), totp.ValidateOpts{Period: totpPeriod, Digits: otp.DigitsSix})
		if err == nil && step > last && want == code {
			return step, true
		}
	}
	return 0, false
}

type memberRow struct {
	id, relayID      string
	seed, salt, totp []byte
	params           seal.Params
	step             int64
}

// EmailMark is what stands for an e-mail address where tries are counted: the same
// for every spelling that [Vault.SignIn] takes for the same.
func (v *Vault) EmailMark(email string) [32]byte { return sha256.Sum256(v.emailMAC(email)) }

// SignIn opens a member's session. Whatever of e-mail, password and code is
// wrong, the answer is [ErrSignIn], after the same work. It counts no tries: who
// calls it slows down who fails, by where they are, so that nobody can keep a
// member out from afar. Where the password is right guess is asked before the code
// is looked at, and false makes it a wrong one; nil is always true.
func (v *Vault) SignIn(ctx context.Context, email, password, code string, guess func() bool) (memberCookie string, err error) {
	m, err := v.memberByEmail(ctx, email)
	if errors.Is(err, ErrNotFound) {
		// The same time goes by, so that nobody learns who works here: a seed that
		// is not there opens with no password.
		m, err = memberRow{salt: make([]byte, 16), params: seal.DefaultParams}, nil
	}
	if err != nil {
		return "", err
	}
	key, err := v.passwordKey(ctx, password, m.salt, m.params)
	if err != nil {
		return "", err
	}
	seed, err := key.OpenKey(placeMember(m.id, "seed", ""), m.seed)
	if err != nil {
		return "", ErrSignIn
	}
	secret, err := seed.Derive("vault").Open(placeMember(m.id, "totp", ""), m.totp)
	if err != nil {
		return "", err
	}
	step, ok := v.codeStep(string(secret), code, m.step)
	if guess != nil && !guess() || !ok {
		return "", ErrSignIn
	}
	return v.signedIn(ctx, m, step, seed)
}

func (v *Vault) memberByEmail(ctx context.Context, email string) (m memberRow, err error) {
	m.params.Threads = 1
	err = v.DB.Read().QueryRow(ctx, "SELECT id, relay_id, seed, salt, memory, passes, totp, totp_step FROM member WHERE email_mac = ?",
		v.emailMAC(email)).Scan(&m.id, &m.relayID, &m.seed, &m.salt, &m.params.Memory, &m.params.Time, &m.totp, &m.step)
	return m, err
}

func (v *Vault) signedIn(ctx context.Context, m memberRow, step int64, seed seal.Key) (cookie string, err error) {
	err = v.DB.Write(ctx, func(tx database.Handle) (err error) {
		n, err := tx.Exec(ctx, "UPDATE member SET totp_step = ? WHERE id = ? AND totp_step < ?", step, m.id, step)
		if err == nil && n == 0 {
			return ErrSignIn // the code was used in the same moment
		}
		if err != nil {
			return err
		}
		cookie, err = v.startSession(ctx, tx, "member", m.id, "", memberBody{seed.Bytes()})
		return err
	})
	return cookie, err
}

// A Colleague is a member who waits to be admitted.
type Colleague struct{ ID, Name, Email string }

// Pending lists the members of the relay whom nobody has admitted yet.
func (m *Member) Pending(ctx context.Context) ([]Colleague, error) {
	return m.v.colleagues(ctx, "relay_id = ? AND relay_seed IS NULL", m.relay.ID)
}

// Staff lists all members of a relay, for the operator's command.
func (v *Vault) Staff(ctx context.Context, relayID string) ([]Colleague, error) {
	return v.colleagues(ctx, "relay_id = ?", relayID)
}

func (v *Vault) colleagues(ctx context.Context, where string, args ...any) ([]Colleague, error) {
	return collect(ctx, v.DB.Read(), func(scan func(...any) error) (c Colleague, err error) {
		var name, email []byte
		if err = scan(&c.ID, &name, &email); err != nil {
			return c, err
		}
		plainName, err := v.names().Open(placeMember(c.ID, "name", ""), name)
		if err != nil {
			return c, err
		}
		plainEmail, err := v.names().Open(placeMember(c.ID, "email", ""), email)
		c.Name, c.Email = string(plainName), string(plainEmail)
		return c, err
	}, "SELECT id, name, email FROM member WHERE "+where+" ORDER BY id", args...)
}

// Admit seals the relay's seed to a colleague, who adopts it at their next
// request.
func (m *Member) Admit(ctx context.Context, memberID string) error {
	if !m.admitted {
		return ErrForbidden
	}
	return m.v.DB.Write(ctx, func(tx database.Handle) error {
		var public, mac []byte
		err := tx.QueryRow(ctx, "SELECT public, public_mac FROM member WHERE id = ? AND relay_id = ? AND relay_seed IS NULL", memberID, m.relay.ID).Scan(&public, &mac)
		if err != nil {
			return err
		}
		to, err := m.v.trusted("member", memberID, public, mac)
		if err != nil {
			return err
		}
		sealed, err := to.Seal(placeMember(memberID, "relay_seed", m.relay.ID), m.seed.Bytes())
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE member SET relay_seed = ? WHERE id = ?", sealed, memberID)
		return err
	})
}
