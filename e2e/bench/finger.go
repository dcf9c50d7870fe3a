package main

import (
	"context"
	"errors"
	"image"
	"time"

	"consigne/e2e/screen"
	"consigne/locales"
)

// recognise finds a step's picture by what the catalogue draws, and remembers
// how this screen draws it.
func (k *kiosk) recognise(step int) (image.Point, error) {
	for _, key := range k.keys {
		seen, err := k.eye.Picture(key)
		if err != nil {
			return image.Point{}, err
		}
		name, err := screen.Recognise(seen, key, locales.CodeSets[step][:])
		if err == nil && name == k.holder.pictures[step] {
			k.wanted[step] = seen
			return centre(key), nil
		}
	}
	return image.Point{}, errors.New("not on the screen")
}

// find finds a step's picture by its likeness to what was remembered: faster by
// far than drawing the catalogue's.
func (k *kiosk) find(step int) (at image.Point, err error) {
	best := -1
	for _, key := range k.keys {
		seen, err := k.eye.Picture(key)
		if err != nil {
			return at, err
		}
		if d := difference(seen.Pix, k.wanted[step].Pix); best < 0 || d < best {
			best, at = d, centre(key)
		}
	}
	return at, nil
}

// difference sums how far two pictures of about one size are apart.
func difference(a, b []byte) (sum int) {
	for i := range min(len(a), len(b)) {
		sum += max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return sum
}

// goAway leaves, and waits until the next person would find all ready: a fresh
// process in front that shows the rest screen, and a warm spare behind it.
func (k *kiosk) goAway(ctx context.Context) error {
	if _, err := k.eye.Touch(k.leave); err != nil {
		return err
	}
	k.round++
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// The goodbye closes at a touch.
	touching, stop := context.WithCancel(ctx)
	closed := make(chan error, 1)
	go func() { closed <- k.keepTouching(touching) }()
	err := k.logged(ctx, "session in front", k.round+1)
	stop()
	if err := errors.Join(err, <-closed); err != nil {
		return err
	}
	if err := k.warm(ctx); err != nil {
		return err
	}
	_, _, err = k.settled(ctx, middle, k.rest, still)
	return err
}

// keepTouching touches where nothing is, until it is stopped.
func (k *kiosk) keepTouching(ctx context.Context) error {
	tick := time.NewTicker(150 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, err := k.eye.Touch(blank); err != nil {
				return err
			}
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
