package adversary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"consigne/e2e/stage"
)

// session plays a person at the real kiosk, whose pages an ordinary browser
// shows: card, pictures, papers, leaving.
func (h *house) session(ctx context.Context) error {
	if err := h.StartKiosk(ctx, "--no-window"); err != nil {
		return err
	}
	address, err := h.kioskAddress(ctx)
	if err != nil {
		return err
	}
	v := newVisitor("http://" + address)
	rest, err := v.get(ctx, "/")
	if err != nil {
		return err
	}
	at, err := url.Parse(rest.location)
	if err != nil || !strings.HasSuffix(at.Path, "/k/rest") {
		return fmt.Errorf("kiosk: status %d %q", rest.status, rest.location)
	}
	pages := strings.TrimSuffix(at.Path, "rest")
	h.loot.add("token of a kiosk's session", true, strings.Trim(strings.TrimSuffix(pages, "k/"), "/"))
	if _, err := v.get(ctx, pages+"rest"); err != nil {
		return err
	}
	if err := h.show(ctx, v, pages); err != nil {
		return err
	}
	if _, err := v.get(ctx, pages+"code"); err != nil {
		return err
	}
	if err := v.led(ctx, pages+"unlock", picked(h.guest.pictures), "home"); err != nil {
		return err
	}
	if err := lookAround(ctx, v, pages); err != nil {
		return err
	}
	if err := v.led(ctx, pages+"leave", nil, "goodbye"); err != nil {
		return err
	}
	if _, err := v.post(ctx, pages+"-/end", nil); err != nil {
		return err
	}
	return h.Kiosk.Hear(ctx, func(line map[string]any) bool { return line["why"] == "left" })
}

// kioskAddress is where the kiosk says that it listens.
func (h *house) kioskAddress(ctx context.Context) (address string, err error) {
	err = h.Kiosk.Hear(ctx, func(line map[string]any) bool {
		if line["listener"] == "kiosk" {
			address, _ = line["addr"].(string)
		}
		return address != ""
	})
	return address, err
}

// show holds the card before the scanner until the kiosk has taken it: the
// scanner is only read once the pages are there.
func (h *house) show(ctx context.Context, v *visitor, pages string) error {
	if err := h.ShowCard(ctx, h.guest.card.Text()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	return stage.Until(ctx, func() (bool, error) {
		a, err := v.get(ctx, pages+"-/next")
		if err != nil || a.status == http.StatusNoContent {
			return false, err
		}
		var next struct{ Go string }
		if err := json.Unmarshal(a.body, &next); err != nil {
			return false, err
		}
		if next.Go != "code" {
			return false, errors.New("the card led to " + next.Go)
		}
		return true, nil
	})
}
