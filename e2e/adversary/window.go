package adversary

import (
	"context"
	"fmt"
	"image"
	"strings"

	"consigne/e2e/screen"
	"consigne/locales"
)

// window plays a person at the real kiosk in its real window, with a finger.
func (h *house) window(ctx context.Context, s *screen.Screen) error {
	if err := h.StartKiosk(ctx); err != nil {
		return err
	}
	speak := locales.Must("fr")
	says := func(key string) string { return speak.Text(key, nil) }
	if _, err := s.Wait(ctx, "the rest screen", func(p screen.Page) bool { return strings.Contains(p.Text(), says("bar.again")) }); err != nil {
		return err
	}
	if err := h.ShowCard(ctx, h.guest.card.Text()); err != nil {
		return err
	}
	for set, picture := range h.guest.pictures {
		if err := pick(ctx, s, set, picture); err != nil {
			return err
		}
	}
	for _, name := range []string{says("tile.papers"), says("kind.letter.name")} {
		for range 2 { // the first touch speaks, the second acts
			if err := touch(ctx, s, name); err != nil {
				return err
			}
		}
	}
	if _, err := s.Wait(ctx, "the paper", func(p screen.Page) bool { return strings.Contains(p.Text(), says("action.share")) }); err != nil {
		return err
	}
	if err := touch(ctx, s, says("bar.leave")); err != nil {
		return err
	}
	return h.Kiosk.Hear(ctx, func(line map[string]any) bool { return line["why"] == "left" })
}

func touch(ctx context.Context, s *screen.Screen, name string) error {
	var found screen.Node
	_, err := s.Wait(ctx, "something called "+name, func(p screen.Page) (ok bool) {
		found, ok = p.Find(name)
		return ok
	})
	if err != nil {
		return err
	}
	return s.Touch(ctx, found)
}

// pick touches one picture of a set, found by how it looks.
func pick(ctx context.Context, s *screen.Screen, set int, wanted string) error {
	_, err := s.Wait(ctx, fmt.Sprintf("a picture of set %d", set+1), func(p screen.Page) bool {
		shot, err := s.Shot(ctx)
		if err != nil {
			return false
		}
		for _, n := range p {
			// A key is as good as square, and larger than any other button.
			if n.Role != screen.Button || n.Dx() < 150 || n.Dx() > 200 || n.Dy() < 140 || n.Dy() > 200 {
				continue
			}
			inner := image.Rect(n.Min.X+12, n.Min.Y+12, n.Max.X-12, n.Max.Y-16)
			if name, err := screen.Recognise(shot, inner, locales.CodeSets[set][:]); err == nil && name == wanted {
				return s.Touch(ctx, n) == nil
			}
		}
		return false
	})
	return err
}
