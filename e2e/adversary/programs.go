package adversary

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/pquerna/otp/totp"

	"consigne/e2e/stage"
	"consigne/internal/database"
)

// A thief has a copy of the goods and our own programs.
type thief struct {
	*stage.House
	goods  string // folder of the stolen copies
	relay  string
	victim stage.Person
	staff  struct{ email, password, totp string } // known, too: even so nothing opens
	finder *Finder
	found  []string
}

// errOpened says that a program did for the thief what it must not.
var errOpened = errors.New("our own program helps the thief")

// usePrograms lets the thief use our programs on the goods. It gives what was
// tried and refused; everything they said was searched by the finder.
func (t *thief) usePrograms(ctx context.Context) (tried []string, err error) {
	if err := copyFiles(filepath.Join(t.goods, "data"), t.Data()); err != nil {
		return nil, err
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"portal serve without the keys refuses to start", t.serve},
		{"smsd run without the keys refuses to start", t.run},
		{"portal staff list without the keys lists nobody", t.list},
		{"portal key print has nothing to print", t.print},
		{"portal restore of the backup without the keys refuses", t.restore},
		{"smsd list tells no number and no text", t.messages},
		{"with a new key in the old one's place no card, session or sign-in opens", t.forge},
	} {
		if err := step.do(ctx); err != nil {
			return tried, fmt.Errorf("%s: %w", step.name, err)
		}
		tried = append(tried, step.name)
	}
	return tried, nil
}

// refused runs a program that has to fail, and to make no key.
func (t *thief) refused(ctx context.Context, program string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := t.Run(ctx, nil, program, args...)
	t.heard(out)
	var failed *exec.ExitError
	if !errors.As(err, &failed) || failed.ExitCode() != 1 {
		return fmt.Errorf("%w: %s %s ended with %w", errOpened, program, args[0], err)
	}
	t.heard([]byte(err.Error()))
	made, err := filepath.Glob(filepath.Join(t.Keys(), "*.key"))
	if err == nil && len(made) > 0 {
		err = fmt.Errorf("%w: %s %s made a key", errOpened, program, args[0])
	}
	return err
}

// heard searches what a program said.
func (t *thief) heard(said []byte) {
	for _, name := range t.finder.Find(said) {
		t.found = append(t.found, name+" in what our own program said")
	}
}

func (t *thief) serve(ctx context.Context) error {
	return t.refused(ctx, "portal", "serve", "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0")
}

func (t *thief) run(ctx context.Context) error {
	return t.refused(ctx, "smsd", "run", "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0")
}

func (t *thief) list(ctx context.Context) error { return t.refused(ctx, "portal", "staff", "list") }

func (t *thief) print(ctx context.Context) error { return t.refused(ctx, "portal", "key", "print") }

func (t *thief) restore(ctx context.Context) error {
	other := thief{House: &stage.House{Options: stage.Options{Bin: t.Bin, Dir: filepath.Join(t.Dir, "restored"), Release: t.Release}}, finder: t.finder}
	err := other.refused(ctx, "portal", "restore", filepath.Join(t.goods, "backup"))
	t.found = append(t.found, other.found...)
	return err
}

func (t *thief) messages(ctx context.Context) error {
	out, err := t.Run(ctx, nil, "smsd", "list", "--json")
	t.heard(out)
	if err != nil {
		t.heard([]byte(err.Error()))
	}
	return nil // what it lists is clear and admitted; the search decides
}

// forge makes the programs take the store for a new one, and knocks at every
// door with all that a thief may have seen: card, pictures, password and
// authenticator.
func (t *thief) forge(ctx context.Context) (err error) {
	db, err := database.Open(ctx, "sqlite:"+filepath.Join(t.Data(), databaseFile))
	if err != nil {
		return err
	}
	err = db.Write(ctx, func(tx database.Handle) error {
		_, err := tx.Exec(ctx, "DELETE FROM key_fingerprint")
		return err
	})
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	running, err := stage.Open(ctx, stage.Options{Bin: t.Bin, Dir: t.Dir, Empty: true, Release: t.Release})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, running.Close()) }()
	for _, door := range []func(context.Context, string) error{t.signIn, t.kiosk} {
		if err := door(ctx, running.PortalURL); err != nil {
			return err
		}
	}
	out, err := t.Run(ctx, nil, "portal", "staff", "list")
	t.heard(out)
	if err == nil && len(out) > 0 {
		return fmt.Errorf("%w: staff are listed", errOpened)
	}
	t.heard(running.Portal.Said())
	t.heard(running.SMS.Said())
	return nil
}

func (t *thief) signIn(ctx context.Context, base string) error {
	code, err := totp.GenerateCode(t.staff.totp, time.Now())
	if err != nil {
		return err
	}
	v := newVisitor(base)
	a, err := v.post(ctx, "/desk/sign-in", url.Values{"email": {t.staff.email}, "password": {t.staff.password}, "code": {code}})
	if err == nil && a.status < http.StatusBadRequest {
		err = fmt.Errorf("%w: sign-in answered %d", errOpened, a.status)
	}
	return err
}

// kiosk enrols a kiosk of the thief's own with the stolen portal.
func (t *thief) kiosk(ctx context.Context, base string) error {
	code, err := t.Run(ctx, nil, "portal", "device", "code", "--relay", t.relay)
	if err != nil {
		return err
	}
	d, err := enrolDevice(ctx, base, string(code))
	if err != nil {
		return err
	}
	card, err := d.post(ctx, "/k/card", url.Values{"card": {t.victim.Card}})
	if err != nil {
		return err
	}
	if card.location == "code" || card.location == "/k/code" {
		return fmt.Errorf("%w: the card is taken", errOpened)
	}
	t.heard(card.body)
	unlock, err := d.post(ctx, "/k/unlock", picked(t.victim.Pictures))
	if err != nil {
		return err
	}
	if unlock.location == "home" || unlock.location == "/k/home" {
		return fmt.Errorf("%w: the pictures open", errOpened)
	}
	for _, page := range []string{"home", "papers", "who", "appointments", "page-image?n=1&id=" + t.victim.Documents[0].ID} {
		a, err := d.get(ctx, "/k/"+page)
		if err != nil {
			return err
		}
		if a.status == http.StatusOK {
			return fmt.Errorf("%w: %s opens", errOpened, page)
		}
		t.heard(a.body)
	}
	return nil
}

// noKeys makes sure that the goods hold no key file: else nothing is shown.
func noKeys(goods string) error {
	files, err := filesIn(goods)
	for _, f := range files {
		if filepath.Ext(f) == ".key" {
			err = errors.Join(err, fmt.Errorf("%s was stolen: %w", filepath.Base(f), os.ErrExist))
		}
	}
	return err
}
