package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"consigne/e2e/screen"
	"consigne/e2e/stage"
	"consigne/kiosk/reader"
	"consigne/locales"
)

// visits is how often the card is shown.
const visits = 30

// patience is how long a screen may take before the bench gives up.
const patience = 30 * time.Second

// still is how long a screen must not change to be painted to its end.
const still = 150 * time.Millisecond

// The screen's parts, at 1280 × 800: between the spoken line at the top, whose
// waves move, and the buttons at the bottom. The code's pictures are shuffled;
// what lies beside them, the dots that count them among it, is always the same.
// One row in some is read: that is many times faster than all.
var (
	middle = stripes(0, 1280, 60)
	aside  = stripes(0, 330, 60)
	beside = append(aside[:len(aside):len(aside)], stripes(950, 1280, 20)...)
	pads   = stripes(340, 940, 60)
)

func stripes(left, right, every int) (all []image.Rectangle) {
	for y := 108; y < 680; y += every {
		all = append(all, image.Rect(left, y, right, y+1))
	}
	return all
}

// A kiosk is the real window, with our finger and card before it.
type kiosk struct {
	house  *stage.House
	screen *screen.Screen
	eye    *screen.Eye
	holder holder
	round  int

	leave      image.Point
	quiet      []image.Rectangle // of the rest screen, where no arrow moves
	keys       []image.Rectangle
	wanted     [5]*image.RGBA // the five pictures as this screen draws them
	rest, home []byte         // how the screens look where they are always the same
	steps      [5][]byte      // the code, before each touch
}

// window measures the two waits of a session in the real window.
func (b *bench) window(ctx context.Context, s *screen.Screen) ([]figure, []string, error) {
	person := b.house.Demo.People[0]
	k := &kiosk{house: b.house, screen: s, holder: holder{person.Card, person.Pictures}}
	if err := b.house.StartKiosk(ctx); err != nil {
		return nil, nil, err
	}
	var err error
	if k.eye, err = s.Eye(); err != nil {
		return nil, nil, err
	}
	defer k.eye.Close()
	if err := k.learn(ctx); err != nil {
		return nil, nil, fmt.Errorf("first visit: %w", err)
	}
	code := figure{name: "card accepted → code screen painted", unit: "ms", limit: 300}
	home := figure{name: "fifth picture touched → home painted", unit: "ms", limit: 900}
	for range visits {
		toCode, toHome, fault := k.visit(ctx)
		if fault != nil {
			err = fmt.Errorf("visit %d: %w", len(code.values)+1, fault)
			break
		}
		code.values, home.values = append(code.values, milliseconds(toCode)), append(home.values, milliseconds(toHome))
	}
	return []figure{code, home}, []string{fmt.Sprintf(
		"Window: the real one, full screen on Xvfb at 1280 × 800 without a graphics card. Card accepted: the scanner's last key event (Enter) has been written to its pipe. "+
			"Touched: just before XTEST is told to press. Painted: one row in sixty between spoken line and buttons is read each %d ms (beside the pictures one in twenty); what is the same in every session looks "+
			"as it did when a first, uncounted visit had settled, and nothing there changes for %d ms more, but for the smoothing of edges; the moment is that of the first look at the last change. "+
			"Each visit is a fresh process, and begins once the spare behind it is warm.", screen.LookEvery.Milliseconds(), still.Milliseconds())}, err
}

// learn makes a first visit, which is not measured, and remembers how the
// screens look and where things lie on them.
func (k *kiosk) learn(ctx context.Context) (err error) {
	says := locales.Must("fr").Text
	page, err := k.screen.Wait(ctx, "the rest screen", func(p screen.Page) bool { _, ok := p.Find(says("bar.call", nil)); return ok })
	if err != nil {
		return err
	}
	if err := k.warm(ctx); err != nil {
		return err
	}
	language, ok := page.Find(locales.Must("fr").Name())
	if !ok {
		return errors.New("the rest screen names no language")
	}
	k.quiet = stripes(language.Min.X, language.Max.X, 60)
	if _, k.rest, err = k.settled(ctx, k.quiet, nil, 2*time.Second); err != nil {
		return fmt.Errorf("rest screen: %w", err)
	}
	before, err := k.eye.Look(beside)
	if err != nil {
		return err
	}
	if _, err := k.show(); err != nil {
		return err
	}
	page, err = k.screen.Wait(ctx, "the code", func(p screen.Page) bool { return len(keys(p)) == 9 })
	if err != nil {
		return err
	}
	for _, n := range keys(page) {
		k.keys = append(k.keys, inset(n.Rectangle))
	}
	if err := k.learnSteps(ctx, before); err != nil {
		return err
	}
	return k.learnHome(ctx, k.steps[4][:len(aside)*330*4])
}

// learnHome remembers how home looks, and leaves. code is how the side of the
// pictures looked.
func (k *kiosk) learnHome(ctx context.Context, code []byte) error {
	says := locales.Must("fr").Text
	page, err := k.screen.Wait(ctx, "home", func(p screen.Page) bool { return strings.Contains(p.Text(), says("tile.papers", nil)) })
	if err != nil {
		return err
	}
	leave, ok := page.Find(says("bar.leave", nil))
	if !ok {
		return errors.New("home has no way out")
	}
	k.leave = centre(leave.Rectangle)
	if err := k.turned(ctx, aside, code); err != nil {
		return fmt.Errorf("home: %w", err)
	}
	if _, k.home, err = k.settled(ctx, middle, nil, 2*time.Second); err != nil {
		return err
	}
	return k.goAway(ctx)
}

// visit is one session: card, five pictures, home, leave.
func (k *kiosk) visit(ctx context.Context) (toCode, toHome time.Duration, err error) {
	shown, err := k.show()
	if err != nil {
		return 0, 0, err
	}
	painted, err := k.step(ctx, 0, still)
	if err != nil {
		return 0, 0, err
	}
	toCode = painted.Sub(shown)
	touched, err := k.pick(ctx)
	if err != nil {
		return 0, 0, err
	}
	if painted, _, err = k.settled(ctx, middle, k.home, still); err != nil {
		return 0, 0, fmt.Errorf("home: %w", err)
	}
	return toCode, painted.Sub(touched), k.goAway(ctx)
}

// settled waits until places look as they did, and stay so.
func (k *kiosk) settled(ctx context.Context, places []image.Rectangle, as []byte, for_ time.Duration) (time.Time, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return k.eye.Settled(ctx, places, for_, func(seen []byte) bool { return as == nil || screen.Alike(seen[:len(as)], as) })
}

// show types the card at the scanner, and tells when its last key was up.
func (k *kiosk) show() (time.Time, error) {
	pipe, err := os.OpenFile(filepath.Join(k.house.Data(), "kiosk.show"), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return time.Time{}, err
	}
	err = reader.Type(pipe, k.holder.card)
	return time.Now(), errors.Join(err, pipe.Close())
}
