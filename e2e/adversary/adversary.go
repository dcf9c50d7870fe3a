package adversary

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"consigne/e2e/screen"
	"consigne/e2e/stage"
	"consigne/internal/database"
	"consigne/internal/seal"
)

// Options say how hard the adversary tries.
type Options struct {
	Bin   string // folder of the built programs
	Dir   string // an empty folder
	Codes int    // picture codes to try, [AllCodes] at most
	// Release says that the programs were built without a clock that can be moved.
	Release bool
	// Screen is where the kiosk's window is touched; nil for its pages alone.
	Screen *screen.Screen
	// Progress is told what is being done.
	Progress func(format string, args ...any)
}

// A Report is what the adversary achieved.
type Report struct {
	Tries
	Refused []string // what our own programs did not do for the thief
	Words   int      // secrets searched for
	Windows int      // stretches of documents searched for
	Planted int      // things planted to show that the search finds
	Missed  []string // planted and not found
	Goods   Searched // what was stolen
	Machine Searched // what changed on the machine during a kiosk session
	Said    []string // secrets in what our own programs said to the thief
}

// ErrTheft is what [Report.Check] returns when anything was opened, found or
// not shown.
var ErrTheft = errors.New("the adversary won")

// Check tells whether the promise holds.
func (r *Report) Check() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("%w: "+format, append([]any{ErrTheft}, args...)...))
		}
	}
	fault(r.Opened > 0, "%d codes opened without the keys", r.Opened)
	fault(r.Codes == 0, "no code was tried")
	fault(r.Control != 1, "with the keys %d of the same codes opened, not one", r.Control)
	fault(len(r.Refused) == 0, "no program was tried")
	fault(r.Words == 0 || r.Windows == 0 || r.Planted == 0, "nothing was searched for")
	fault(len(r.Missed) > 0, "the search misses %d of %d planted: %q", len(r.Missed), r.Planted, r.Missed[:min(len(r.Missed), 20)])
	fault(r.Goods.Files == 0 || r.Machine.Files == 0, "nothing was searched")
	for _, found := range [][]string{r.Goods.Found, r.Machine.Found, r.Said} {
		fault(len(found) > 0, "found: %q", found[:min(len(found), 20)])
	}
	return errors.Join(faults...)
}

// Print writes the summary.
func (r *Report) Print(w io.Writer) error {
	for _, what := range r.Refused {
		if _, err := fmt.Fprintln(w, "refused:", what); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, `codes tried without the keys    %d
opened                          %d
control opened with the keys    %d
strings searched for            %d
stretches searched for          %d
planted, each in every form     %d
planted and found               %d
stolen: files, bytes            %d, %d
found                           %d
left by a kiosk: files, bytes   %d, %d
found                           %d
found in what programs said     %d
`, r.Codes, r.Opened, r.Control, r.Words, r.Windows, r.Planted, r.Planted-len(r.Missed),
		r.Goods.Files, r.Goods.Bytes, len(r.Goods.Found), r.Machine.Files, r.Machine.Bytes, len(r.Machine.Found), len(r.Said))
	return err
}

// Run lets a house run, steals everything but its keys, and tries.
func Run(ctx context.Context, o Options) (r *Report, err error) {
	h, files, err := steal(ctx, o)
	if err != nil {
		return nil, err
	}
	goods := filepath.Join(o.Dir, "goods")
	if err := noKeys(goods); err != nil {
		return nil, err
	}
	o.Progress("gathering, with the keys, what must stay hidden")
	pepper, err := h.secrets(ctx)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	r = &Report{}
	finder, err := h.finder(false)
	if err != nil {
		return nil, err
	}
	r.Words, r.Windows = finder.Words, finder.Windows
	if err := r.searchAll(ctx, o, h, finder, files); err != nil {
		return nil, err
	}
	victim := h.Demo.People[0]
	o.Progress("using our own programs on the stolen copy")
	t := h.thief(o, finder, victim)
	if r.Refused, err = t.usePrograms(ctx); err != nil {
		return r, err
	}
	r.Said = t.found
	o.Progress("trying picture codes")
	r.Tries, err = tryCodes(ctx, o, victim, pepper)
	return r, err
}

// steal plays a day, and copies what a thief could carry away. It also gives
// the files that changed on the machine during a kiosk's session.
func steal(ctx context.Context, o Options) (h *house, files []string, err error) {
	o.Progress("a house runs for a day")
	var env []string
	if o.Screen != nil {
		env = o.Screen.Env()
	}
	running, err := stage.Open(ctx, stage.Options{Bin: o.Bin, Dir: o.Dir, Release: o.Release, Env: env})
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, running.Close()) }()
	h = &house{House: running, loot: Loot{Clear: map[string]bool{}}}
	for _, s := range h.Demo.Staff {
		h.loot.Clear[s.Relay] = true
	}
	if err := h.live(ctx); err != nil {
		return nil, nil, err
	}
	o.Progress("somebody stands at the kiosk")
	began := time.Now()
	if err := h.stand(ctx, o.Screen); err != nil {
		return nil, nil, fmt.Errorf("kiosk: %w", err)
	}
	if files, err = changedSince(began, h.Keys()); err != nil {
		return nil, nil, err
	}
	goods := filepath.Join(o.Dir, "goods")
	if _, err := h.Run(ctx, nil, "portal", "backup", filepath.Join(goods, "backup")); err != nil {
		return nil, nil, err
	}
	return h, files, errors.Join(copyFiles(h.Data(), filepath.Join(goods, "data")), h.logs(filepath.Join(goods, "log")))
}

// stand plays a person at the kiosk, in its window if there is a screen.
func (h *house) stand(ctx context.Context, s *screen.Screen) error {
	if s != nil {
		return h.window(ctx, s)
	}
	return h.session(ctx)
}

// logs writes down what the programs said.
func (h *house) logs(dir string) error {
	err := os.MkdirAll(dir, 0o700)
	for _, p := range []*stage.Process{h.Portal, h.SMS, h.Kiosk} {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, p.Name+".log"), p.Said(), 0o600))
	}
	return err
}

// finder looks for everything that was gathered, or only for what is fresh.
func (h *house) finder(fresh bool) (*Finder, error) {
	var secrets []Secret
	var docs []Document
	for _, s := range h.loot.Secrets {
		if s.Fresh || !fresh {
			secrets = append(secrets, s)
		}
	}
	for _, d := range h.loot.Docs {
		if d.Fresh || !fresh {
			docs = append(docs, d)
		}
	}
	blank, err := common(docs)
	return NewFinder(secrets, docs, append(blank, h.common...)), err
}

// carrierSize is how much of the store is copied to be planted into.
const carrierSize = 64 << 10

// searchAll shows that the search finds, and then searches the goods and the
// machine.
func (r *Report) searchAll(ctx context.Context, o Options, h *house, finder *Finder, files []string) (err error) {
	o.Progress("planting: %d strings and stretches of %d documents", finder.Words, len(finder.docs))
	carrier, err := os.ReadFile(filepath.Join(o.Dir, "goods", "data", databaseFile))
	if err != nil {
		return err
	}
	carrier = carrier[:min(len(carrier), carrierSize)]
	if r.Planted, r.Missed, err = ShowThatItFinds(finder, h.loot.Secrets, carrier); err != nil {
		return err
	}
	stolen, err := filesIn(filepath.Join(o.Dir, "goods"))
	if err != nil {
		return err
	}
	o.Progress("searching %d stolen files", len(stolen))
	if r.Goods, err = search(ctx, finder, stolen); err != nil {
		return err
	}
	fresh, err := h.finder(true)
	if err != nil {
		return err
	}
	o.Progress("searching %d files that changed on this machine while somebody stood at the kiosk", len(files))
	r.Machine, err = search(ctx, fresh, files)
	return err
}

func (h *house) thief(o Options, finder *Finder, victim stage.Person) *thief {
	t := &thief{House: &stage.House{Options: stage.Options{Bin: o.Bin, Dir: filepath.Join(o.Dir, "thief"), Release: o.Release}},
		goods: filepath.Join(o.Dir, "goods"), relay: h.Demo.Staff[0].Relay, victim: victim, finder: finder}
	t.staff.email, t.staff.password, t.staff.totp = h.Demo.Staff[0].Email, h.Demo.Staff[0].Password, h.Demo.Staff[0].TOTPSecret
	return t
}

// tryCodes tries picture codes on the photographed card, in the stolen store.
func tryCodes(ctx context.Context, o Options, victim stage.Person, pepper seal.Key) (t Tries, err error) {
	copied := filepath.Join(o.Dir, "tries")
	if err := copyFiles(filepath.Join(o.Dir, "goods", "data"), copied); err != nil {
		return t, err
	}
	db, err := database.Open(ctx, "sqlite:"+filepath.Join(copied, databaseFile))
	if err != nil {
		return t, err
	}
	defer db.Close()
	card, err := findCard(ctx, db, victim.Card)
	if err != nil {
		return t, err
	}
	last := time.Now()
	return card.tryAll(ctx, o.Codes, victim.Pictures, pepper, func(done, of int) {
		if time.Since(last) > 10*time.Second || done == of {
			last = time.Now()
			o.Progress("tried %d of %d", done, of)
		}
	})
}
