package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"consigne/cards"
	"consigne/e2e/stage"
	"consigne/kiosk/device"
)

// A bench is one house, with a kiosk of our own beside the real one and a
// member of staff at the desk.
type bench struct {
	house  *stage.House
	device device.Device
	relay  string // id
	desk   *visitor
	wide   []holder // people who were enrolled for this run
}

// A holder is somebody with a card and five pictures.
type holder struct {
	card     string
	pictures [5]string
}

// enrolDevice makes a kiosk that speaks the kiosk's requests without a window.
func (b *bench) enrolDevice(ctx context.Context) error {
	code, err := b.house.Run(ctx, nil, "portal", "device", "code", "--relay", b.house.Demo.Staff[0].Relay)
	if err != nil {
		return err
	}
	portal, err := device.ParsePortal(b.house.PortalURL)
	if err != nil {
		return err
	}
	keys := filepath.Join(b.house.Dir, "bench.keys")
	info, err := device.Enrolment{Portal: portal, Dir: keys, Name: "Mesure"}.Do(ctx, strings.TrimSpace(string(code)))
	if err != nil {
		return err
	}
	b.relay = info.Relay
	b.device, _, err = device.Load(keys)
	return err
}

// signIn opens the desk.
func (b *bench) signIn(ctx context.Context) (err error) {
	if b.desk, err = newVisitor(b.house.PortalURL, nil); err != nil {
		return err
	}
	staff := b.house.Demo.Staff[0]
	code, err := b.house.Code(0)
	if err != nil {
		return err
	}
	return b.desk.post(ctx, "/desk/sign-in", url.Values{"email": {staff.Email}, "password": {staff.Password}, "code": {code}}, "/desk/")
}

// kiosk is a fresh session at our kiosk.
func (b *bench) kiosk() (*visitor, error) { return newVisitor(b.house.PortalURL, b.device.Sign) }

// picks is the form of five pictures.
func (h holder) picks() url.Values {
	form := url.Values{}
	for i, name := range h.pictures {
		form.Set(fmt.Sprintf("p%d", i+1), name)
	}
	return form
}

// show shows the holder's card.
func (h holder) show(ctx context.Context, v *visitor) error {
	return v.post(ctx, "/k/card", url.Values{"card": {h.card}}, "/k/code")
}

// open shows the card and unlocks with the pictures.
func (h holder) open(ctx context.Context, v *visitor) error {
	if err := h.show(ctx, v); err != nil {
		return err
	}
	return v.post(ctx, "/k/unlock", h.picks(), "/k/home")
}

// enrol makes people with a card each, as desk and kiosk do it.
func (b *bench) enrol(ctx context.Context, n int) error {
	for i := range n {
		h, err := b.enrolOne(ctx, fmt.Sprintf("Mesure %c", 'A'+rune(i)))
		if err != nil {
			return fmt.Errorf("enrol person %d: %w", i+1, err)
		}
		b.wide = append(b.wide, h)
	}
	return nil
}

func (b *bench) enrolOne(ctx context.Context, name string) (h holder, err error) {
	err = b.desk.post(ctx, "/desk/people/new", url.Values{"name": {name}, "birth": {"14/03/1981"}, "language": {"fr"},
		"has_phone": {"none"}, "device": {b.device.ID}}, "/desk/people")
	if err != nil {
		return h, err
	}
	v, err := b.kiosk()
	if err != nil {
		return h, err
	}
	if err := b.hand(ctx, v); err != nil {
		return h, err
	}
	h.card = cards.New().Text()
	for _, step := range []struct {
		path string
		form url.Values
	}{{"/k/consent", nil}, {"/k/enrol-card", url.Values{"card": {h.card}}}} {
		if err := v.post(ctx, step.path, step.form, "/k/enrol"); err != nil {
			return h, err
		}
	}
	return h, h.learn(ctx, v)
}

// hand opens the profile that waits for our kiosk and hands it to the portal.
func (b *bench) hand(ctx context.Context, v *visitor) error {
	page, err := v.get(ctx, "/device/state")
	if err != nil {
		return err
	}
	var state struct {
		Enrolments []struct {
			ID     string
			Sealed []byte
		}
	}
	if err := json.Unmarshal([]byte(page), &state); err != nil {
		return err
	}
	if len(state.Enrolments) == 0 {
		return errors.New("no profile waits")
	}
	e := state.Enrolments[0]
	profile, err := b.device.OpenProfile(e.ID, e.Sealed)
	if err != nil {
		return err
	}
	_, _, err = v.send(ctx, "POST", "/device/enrolments/"+e.ID, "application/json", strings.NewReader(string(profile)))
	return err
}

var (
	shownPicture = regexp.MustCompile(`(?s)class="flat shown">(<svg.*?</svg>)`)
	keyPicture   = regexp.MustCompile(`(?s)value="([a-z-]+)">(<svg.*?</svg>)</button>`)
)

// learn looks at the five pictures and touches them three times, as a person
// does: by what is drawn.
func (h *holder) learn(ctx context.Context, v *visitor) error {
	var drawn [5]string
	for i := range drawn {
		page, err := v.get(ctx, fmt.Sprintf("/k/enrol?n=%d", i+1))
		if err != nil {
			return err
		}
		m := shownPicture.FindStringSubmatch(page)
		if m == nil {
			return errors.New("no picture to learn")
		}
		drawn[i] = m[1]
	}
	if err := v.post(ctx, "/k/learnt", nil, "/k/enrol"); err != nil {
		return err
	}
	page, err := v.get(ctx, "/k/enrol")
	if err != nil {
		return err
	}
	for _, key := range keyPicture.FindAllStringSubmatch(page, -1) {
		for i := range drawn {
			if key[2] == drawn[i] {
				h.pictures[i] = key[1]
			}
		}
	}
	for _, next := range []string{"/k/enrol", "/k/enrol", "/k/welcome"} {
		if err := v.post(ctx, "/k/practise", h.picks(), next); err != nil {
			return err
		}
	}
	return nil
}
