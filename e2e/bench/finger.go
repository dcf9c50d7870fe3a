package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"time"

	"consigne/e2e/screen"
	"consigne/e2e/stage"
	"consigne/locales"
)

// keys are the nine pictures on the screen.
func keys(p screen.Page) (found []screen.Node) {
	for _, n := range p {
		if n.Role == screen.Button && n.Dx() > 150 && n.Dx() < 200 && n.Dy() > 140 && n.Min.X > 340 && n.Max.X < 940 {
			found = append(found, n)
		}
	}
	return found
}

// inset keeps clear of a key's outline and lower edge.
func inset(r image.Rectangle) image.Rectangle {
	return image.Rect(r.Min.X+12, r.Min.Y+12, r.Max.X-12, r.Max.Y-16)
}

func centre(r image.Rectangle) image.Point { return r.Min.Add(r.Size().Div(2)) }

// everything is what is looked at while the code is on the screen: first what is
// always the same, then the pictures.
var everything = append(beside[:len(beside):len(beside)], pads...)

// step waits until the code is painted as before its touch number step, and
// tells since when it is.
func (k *kiosk) step(ctx context.Context, step int, for_ time.Duration) (time.Time, error) {
	painted, _, err := k.settled(ctx, everything, k.steps[step], for_)
	if err != nil {
		err = fmt.Errorf("code, step %d: %w", step+1, err)
	}
	return painted, err
}

// learnSteps touches the five pictures and remembers how the code looks before
// each: a pressed key moves too, only the dots tell that a touch was taken.
// before is how the same places looked on the screen before.
func (k *kiosk) learnSteps(ctx context.Context, before []byte) error {
	for i := range k.steps {
		if err := k.turned(ctx, beside, before); err != nil {
			return fmt.Errorf("code, step %d: %w", i+1, err)
		}
		at, err := k.recognise(i)
		if err != nil {
			return err
		}
		if k.steps[i], err = k.eye.Look(beside); err != nil {
			return err
		}
		if _, err := k.eye.Touch(at); err != nil {
			return err
		}
		before = k.steps[i]
	}
	return nil
}

// turned waits until places look otherwise than before, for a second: what the
// accessibility tree tells is not painted yet.
func (k *kiosk) turned(ctx context.Context, places []image.Rectangle, before []byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, _, err := k.eye.Settled(ctx, places, time.Second, func(seen []byte) bool { return !screen.Alike(seen, before) })
	return err
}

// pick touches the five pictures, and tells when the fifth was touched.
func (k *kiosk) pick(ctx context.Context) (touched time.Time, err error) {
	for i := range k.steps {
		if _, err := k.step(ctx, i, still); err != nil {
			return touched, err
		}
		at, err := k.find(ctx, i)
		if err != nil {
			return touched, err
		}
		if touched, err = k.eye.Touch(at); err != nil {
			return touched, err
		}
	}
	return touched, nil
}

// recognise finds a step's picture by what the catalogue draws, and remembers
// how this screen draws it.
func (k *kiosk) recognise(step int) (at image.Point, err error) {
	shown := make([]image.Image, len(k.keys))
	for i, key := range k.keys {
		if shown[i], err = k.eye.Picture(key); err != nil {
			return at, err
		}
	}
	names, err := screen.Arrange(shown, locales.CodeSets[step][:])
	if err != nil {
		return at, err
	}
	i := slices.Index(names, k.holder.pictures[step])
	k.wanted[step] = shown[i].(*image.RGBA)
	return centre(k.keys[i]), nil
}

// find finds a step's picture by its likeness to what was remembered: faster by
// far than drawing the catalogue's. It looks until one is clearly the likest:
// on a busy machine the dots may be painted before the pictures.
func (k *kiosk) find(ctx context.Context, step int) (at image.Point, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = stage.Until(ctx, func() (bool, error) {
		best, second := math.MaxFloat64, math.MaxFloat64
		for _, key := range k.keys {
			seen, err := k.eye.Picture(key)
			if err != nil {
				return false, err
			}
			d, err := screen.Apart(seen, k.wanted[step])
			if err != nil {
				return false, nil // not drawn yet
			}
			switch {
			case d < best:
				best, second, at = d, best, centre(key)
			case d < second:
				second = d
			}
		}
		return best < second/2, nil
	})
	if err != nil {
		err = fmt.Errorf("picture %d is not on the screen: %w", step+1, err)
	}
	return at, err
}

// goAway leaves, and waits until the next person would find all ready: a fresh
// process in front that shows the rest screen, and a warm spare behind it.
func (k *kiosk) goAway(ctx context.Context) error {
	k.round++
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// The first touch leaves, the next closes the goodbye; where the way out was,
	// nothing lies on the rest screen.
	touching, stop := context.WithCancel(ctx)
	closed := make(chan error, 1)
	go func() { closed <- k.keepTouching(touching, k.leave) }()
	err := k.logged(ctx, "session in front", k.round+1)
	stop()
	if err := errors.Join(err, <-closed); err != nil {
		return err
	}
	if err := k.warm(ctx); err != nil {
		return err
	}
	if _, _, err = k.settled(ctx, k.quiet, k.rest, still); err != nil {
		return fmt.Errorf("rest screen: %w", err)
	}
	return nil
}

// keepTouching touches a point again and again until it is stopped.
func (k *kiosk) keepTouching(ctx context.Context, at image.Point) error {
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := k.eye.Touch(at); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// warm waits for the spare of this round: the front's own came before it.
func (k *kiosk) warm(ctx context.Context) error { return k.logged(ctx, "session warm", k.round+2) }

// logged waits until the kiosk has logged something so many times.
func (k *kiosk) logged(ctx context.Context, msg string, times int) error {
	seen := 0
	return k.house.Kiosk.Hear(ctx, func(line map[string]any) bool {
		if line["msg"] == msg {
			seen++
		}
		return seen >= times
	})
}
