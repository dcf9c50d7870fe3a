package screen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"log"
	"math"
	"math/bits"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"
)

// An Eye looks at the screen and touches it over a connection of its own to the
// X server: some hundred looks a second, where a program started for each would
// take longer than what is to be measured.
type Eye struct {
	conn *xgb.Conn
	root xproto.Window
}

// LookEvery is how often an Eye looks, and so how late it may see something.
const LookEvery = 5 * time.Millisecond

// Eye opens an eye on this screen.
func (s *Screen) Eye() (*Eye, error) {
	xgb.Logger = log.New(io.Discard, "", 0) // it tells that no cookie is needed
	conn, err := xgb.NewConnDisplay(s.display)
	if err != nil {
		return nil, fmt.Errorf("display %s: %w", s.display, err)
	}
	if err := xtest.Init(conn); err != nil {
		conn.Close()
		return nil, fmt.Errorf("display %s: touching: %w", s.display, err)
	}
	return &Eye{conn, xproto.Setup(conn).DefaultScreen(conn).Root}, nil
}

// Close closes the eye.
func (e *Eye) Close() { e.conn.Close() }

// Look gives the pixels of some places, one after the other, as the server keeps
// them: four bytes a pixel, blue first.
func (e *Eye) Look(places []image.Rectangle) ([]byte, error) {
	asked := make([]xproto.GetImageCookie, len(places))
	for i, p := range places {
		asked[i] = xproto.GetImage(e.conn, xproto.ImageFormatZPixmap, xproto.Drawable(e.root),
			int16(p.Min.X), int16(p.Min.Y), uint16(p.Dx()), uint16(p.Dy()), ^uint32(0))
	}
	var seen []byte
	for _, a := range asked {
		answer, err := a.Reply()
		if err != nil {
			return nil, fmt.Errorf("look at the screen: %w", err)
		}
		seen = append(seen, answer.Data...)
	}
	return seen, nil
}

// Picture gives one place as an image at its own coordinates.
func (e *Eye) Picture(place image.Rectangle) (*image.RGBA, error) {
	seen, err := e.Look([]image.Rectangle{place})
	if err != nil {
		return nil, err
	}
	img := image.NewRGBA(place)
	if len(seen) != len(img.Pix) {
		return nil, errors.New("look at the screen: not 32 bits a pixel")
	}
	for i := 0; i < len(seen); i += 4 {
		img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = seen[i+2], seen[i+1], seen[i], 255
	}
	return img, nil
}

// Codes of X11 events, as XTEST takes them.
const (
	press   = 4
	release = 5
	motion  = 6
)

// Touch puts a finger on a point. It tells when the finger came down, just
// before the server was told.
func (e *Eye) Touch(at image.Point) (time.Time, error) {
	if err := e.fake(motion, 0, at); err != nil {
		return time.Time{}, err
	}
	down := time.Now()
	return down, errors.Join(e.fake(press, 1, at), e.fake(release, 1, at))
}

func (e *Eye) fake(kind, button byte, at image.Point) error {
	return xtest.FakeInputChecked(e.conn, kind, button, 0, e.root, int16(at.X), int16(at.Y), 0).Check()
}

// Settled looks until the places are as wanted and have not changed for a while.
// It gives the moment at which they were first seen so, and their pixels.
func (e *Eye) Settled(ctx context.Context, places []image.Rectangle, still time.Duration, wanted func(seen []byte) bool) (time.Time, []byte, error) {
	tick := time.NewTicker(LookEvery)
	defer tick.Stop()
	var last []byte
	var since time.Time
	for {
		seen, err := e.Look(places)
		if err != nil {
			return since, nil, err
		}
		if now := time.Now(); last == nil || !Alike(seen, last) {
			last, since = seen, now
		} else if now.Sub(since) >= still && wanted(seen) {
			return since, seen, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return since, last, ctx.Err()
		}
	}
}

// WebKit draws a page in tiles, not always the same ones, and smooths the edges
// in each a little otherwise: by less than half of what tells black from white.
// A sign or picture that comes or goes differs by more, and in more dots.
const (
	shade = 96
	dust  = 8
)

// Alike tells whether two looks at the same places show the same to a person.
func Alike(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	differ := 0
	for i := range a {
		if max(int(a[i])-int(b[i]), int(b[i])-int(a[i])) > shade {
			differ++
		}
	}
	return differ <= dust
}

// Arrange tells which of the names is drawn on each of as many little pictures,
// each name once: the arrangement whose distances are the least in sum. One
// picture that is drawn otherwise here than in a browser thus finds its place by
// the others.
func Arrange(shown []image.Image, names []string) ([]string, error) {
	apart := make([][]float64, len(shown))
	for i, img := range shown {
		seen, err := normal(img, img.Bounds())
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			drawn, err := render(name)
			if err != nil {
				return nil, err
			}
			want, err := normal(drawn, drawn.Bounds())
			if err != nil {
				return nil, err
			}
			apart[i] = append(apart[i], distance(seen, want))
		}
	}
	return arrange(apart, names), nil
}

// arrange goes through all sets of names: least[set] is the least sum with which
// the first pictures, as many as the set has, take just its names.
func arrange(apart [][]float64, names []string) []string {
	least, last := make([]float64, 1<<len(names)), make([]int, 1<<len(names))
	for set := 1; set < len(least); set++ {
		least[set] = math.MaxFloat64
		i := bits.OnesCount(uint(set)) - 1
		for n := range names {
			if set&(1<<n) == 0 {
				continue
			}
			if sum := least[set&^(1<<n)] + apart[i][n]; sum < least[set] {
				least[set], last[set] = sum, n
			}
		}
	}
	found := make([]string, len(apart))
	for i, set := len(apart)-1, len(least)-1; i >= 0; i-- {
		found[i] = names[last[set]]
		set &^= 1 << last[set]
	}
	return found
}

// Apart says how far two little pictures are apart, wherever in them on white
// something is drawn: a key's edges do not lie on whole pixels.
func Apart(a, b image.Image) (float64, error) {
	first, err := normal(a, a.Bounds())
	if err != nil {
		return 0, err
	}
	second, err := normal(b, b.Bounds())
	if err != nil {
		return 0, err
	}
	return distance(first, second), nil
}
