package decode_test

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/skip2/go-qrcode"

	"consigne/cards"
)

// testCard makes a card from a seed, so that a failing photograph can be looked
// at again. It tries all pairs of check letters until Parse is content.
func testCard(t testing.TB, rng *rand.Rand) cards.Card {
	t.Helper()
	body := []byte("B")
	for range 30 {
		body = append(body, cards.Alphabet[rng.IntN(len(cards.Alphabet))])
	}
	for _, high := range cards.Alphabet {
		for _, low := range cards.Alphabet {
			if card, err := cards.Parse(string(body) + string(high) + string(low)); err == nil {
				return card
			}
		}
	}
	t.Fatal("no check letters fit")
	return cards.Card{}
}

// face is the front of a card as a function of millimetres.
type face struct {
	modules [][]bool
	worn    func(x, y float64) bool
}

func newFace(t testing.TB, card cards.Card) *face {
	t.Helper()
	code, err := qrcode.New(card.Text(), qrcode.Highest)
	if err != nil {
		t.Fatal(err)
	}
	code.DisableBorder = true
	return &face{modules: code.Bitmap(), worn: func(float64, float64) bool { return false }}
}

// brightness is 0 for black to 1 for white at a place on the card, and that of
// a table beside it.
func (f *face) brightness(x, y float64) float64 {
	const left, top, side = 7.6, 9.6, 1.2
	switch {
	case x < 0 || y < 0 || x >= 85.6 || y >= 54:
		return 0.45
	case f.worn(x, y):
		return 0.85
	case x >= 50 && x < 50.7:
		return 0.15
	case x >= 50.7:
		return 0.8
	}
	if x < left || y < top {
		return 1
	}
	column, row := int((x-left)/side), int((y-top)/side)
	if column < len(f.modules) && row < len(f.modules) && f.modules[row][column] {
		return 0.05
	}
	return 1
}

// scratch wears thin lines and blots off the code until a part of it is gone.
func (f *face) scratch(rng *rand.Rand, part float64) {
	const left, top, side, grid = 7.6, 9.6, 34.8, 200
	var gone [grid][grid]bool
	for count := 0; count < int(part*grid*grid); {
		x, y := rng.Float64()*grid, rng.Float64()*grid
		length, width := 10+rng.Float64()*70, 1+rng.Float64()*3
		if rng.IntN(3) == 0 {
			length, width = 2, 4+rng.Float64()*8
		}
		sin, cos := math.Sincos(rng.Float64() * 2 * math.Pi)
		for step := 0.0; step < length; step++ {
			for across := -width / 2; across < width/2; across += 0.5 {
				i, j := int(x+step*cos-across*sin), int(y+step*sin+across*cos)
				if i >= 0 && j >= 0 && i < grid && j < grid && !gone[j][i] {
					gone[j][i] = true
					count++
				}
			}
		}
	}
	f.worn = func(x, y float64) bool {
		i, j := int((x-left)/side*grid), int((y-top)/side*grid)
		return x >= left && y >= top && i < grid && j < grid && gone[j][i]
	}
}

// pose is how a camera sees a card.
type pose struct {
	turn, tiltX, tiltY float64 // radians
	scale              float64 // pixels a millimetre
	dx, dy             float64 // of the card's middle from the picture's, pixels
}

// camera gives what maps a pixel back onto the card: a pinhole camera 300 mm away.
func (p pose) camera() func(x, y float64) (float64, float64) {
	const distance = 300
	sinX, cosX := math.Sincos(p.tiltX)
	sinY, cosY := math.Sincos(p.tiltY)
	sin, cos := math.Sincos(p.turn)
	// The card's own axes in the camera's space, tilted about x and then y.
	ux, uz := cosY, -sinY
	vx, vy, vz := sinX*sinY, cosX, sinX*cosY
	return func(x, y float64) (float64, float64) {
		// The ray through the pixel, in millimetres on a plane through the card's middle.
		x, y = (x-p.dx)/p.scale, (y-p.dy)/p.scale
		// Find a, b with a*u + b*v on the ray (x, y, 0) + s*(x, y, distance).
		// x = (a*ux + b*vx)*distance/(distance + a*uz + b*vz), and so for y.
		a11, a12 := ux*distance-x*uz, vx*distance-x*vz
		a21, a22 := -y*uz, vy*distance-y*vz
		det := a11*a22 - a12*a21
		a := (x*distance*a22 - a12*y*distance) / det
		b := (a11*y*distance - a21*x*distance) / det
		return a*cos + b*sin + 42.8, b*cos - a*sin + 27
	}
}

// light is how bright a photograph is, from place to place.
type light struct {
	base, slopeX, slopeY float64 // slopes over the whole picture
	shadow               float64 // what is left of the light right of an edge
	edgeX, edgeSlope     float64
	glare, gx, gy        float64 // a lamp mirrored in the card
	noise                float64 // standard deviation, of 255
	blur                 int     // passes of a small blur
}

func (l light) at(u, v float64) float64 {
	bright := l.base + l.slopeX*(u-0.5) + l.slopeY*(v-0.5)
	if l.shadow > 0 && u > l.edgeX+l.edgeSlope*v {
		bright *= l.shadow
	}
	return bright
}

const photoWidth, photoHeight = 640, 480

// photograph draws a card as a camera would see it.
func photograph(f *face, p pose, l light, rng *rand.Rand) *image.Gray {
	values := make([]float64, photoWidth*photoHeight)
	p.dx, p.dy = p.dx+photoWidth/2, p.dy+photoHeight/2
	onCard := p.camera()
	for y := range photoHeight {
		for x := range photoWidth {
			sum := 0.0
			for _, sub := range [2][2]float64{{0.25, 0.25}, {0.75, 0.75}} {
				sum += f.brightness(onCard(float64(x)+sub[0], float64(y)+sub[1]))
			}
			u, v := float64(x)/photoWidth, float64(y)/photoHeight
			value := sum / 2 * l.at(u, v)
			value += l.glare * math.Exp(-((u-l.gx)*(u-l.gx)+(v-l.gy)*(v-l.gy))*60)
			values[y*photoWidth+x] = value
		}
	}
	for range l.blur {
		values = soften(values)
	}
	img := image.NewGray(image.Rect(0, 0, photoWidth, photoHeight))
	for i, value := range values {
		img.Pix[i] = byte(min(max(value*255+rng.NormFloat64()*l.noise, 0), 255))
	}
	return img
}

// soften blurs by 1-2-1 in both directions.
func soften(values []float64) []float64 {
	out := values
	for _, stride := range []int{1, photoWidth} {
		in := out
		out = make([]float64, len(in))
		for i := range in {
			out[i] = (in[max(i-stride, 0)] + 2*in[i] + in[min(i+stride, len(in)-1)]) / 4
		}
	}
	return out
}

// The tiers of photographs, from a careful hand to a bad one.
var tiers = []struct {
	name  string
	take  func(t testing.TB, seed uint64) (*image.Gray, cards.Card)
	floor int // of 100
}{
	{"mild", mild, 100},
	{"scratched", scratched, 80},
	{"harsh", harsh, 80},
}

func around(rng *rand.Rand, span float64) float64 { return (rng.Float64()*2 - 1) * span }

func mildPose(rng *rand.Rand) pose {
	return pose{
		turn: around(rng, math.Pi), tiltX: around(rng, 0.3), tiltY: around(rng, 0.3),
		scale: 3.4 + rng.Float64()*1.8, dx: around(rng, 40), dy: around(rng, 25),
	}
}

func mildLight(rng *rand.Rand) light {
	return light{
		base: 0.75 + around(rng, 0.15), slopeX: around(rng, 0.2), slopeY: around(rng, 0.2),
		noise: 3 + rng.Float64()*5, blur: rng.IntN(2),
	}
}

func mild(t testing.TB, seed uint64) (*image.Gray, cards.Card) {
	rng := rand.New(rand.NewPCG(seed, 1))
	card := testCard(t, rng)
	return photograph(newFace(t, card), mildPose(rng), mildLight(rng), rng), card
}

func scratched(t testing.TB, seed uint64) (*image.Gray, cards.Card) {
	rng := rand.New(rand.NewPCG(seed, 2))
	card := testCard(t, rng)
	f := newFace(t, card)
	f.scratch(rng, 0.02+rng.Float64()*0.04)
	return photograph(f, mildPose(rng), mildLight(rng), rng), card
}

func harsh(t testing.TB, seed uint64) (*image.Gray, cards.Card) {
	rng := rand.New(rand.NewPCG(seed, 3))
	card := testCard(t, rng)
	p := pose{
		turn: around(rng, math.Pi), tiltX: around(rng, 0.7), tiltY: around(rng, 0.7),
		scale: 2.6 + rng.Float64()*2, dx: around(rng, 50), dy: around(rng, 40),
	}
	l := light{
		base: 0.55 + around(rng, 0.2), slopeX: around(rng, 0.5), slopeY: around(rng, 0.5),
		shadow: 0.35 + rng.Float64()*0.4, edgeX: 0.3 + rng.Float64()*0.4, edgeSlope: around(rng, 0.5),
		glare: rng.Float64() * 0.6, gx: rng.Float64(), gy: rng.Float64(),
		noise: 6 + rng.Float64()*8, blur: 1 + rng.IntN(2),
	}
	return photograph(newFace(t, card), p, l, rng), card
}
