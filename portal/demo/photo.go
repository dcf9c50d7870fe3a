package demo

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// cardPhoto draws what a phone's camera makes of a plastic card on a table: an
// identity card, a residence permit, the page of a passport.
func cardPhoto(c character, d paper) ([]byte, error) {
	const width, height = 1800, 1300
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	table(img)
	p := &painter{RGBA: img, at: image.Rect(170, 130, width-170, height-130)}
	p.fill(p.at.Add(image.Pt(14, 18)), color.RGBA{60, 48, 38, 255})
	p.fill(p.at, color.RGBA{223, 231, 238, 255})
	p.waves()
	p.fill(image.Rect(p.at.Min.X, p.at.Min.Y, p.at.Max.X, p.at.Min.Y+120), color.RGBA{58, 92, 132, 255})
	p.write(strings.ToUpper(d.title), 60, 78, 46, gobold.TTF, color.White)
	p.portrait(image.Rect(p.at.Min.X+70, p.at.Min.Y+190, p.at.Min.X+430, p.at.Min.Y+650))
	family, given := names(c.name)
	rows := [][2]string{{"Nom", family}, {"Prénom", given}, {"Né(e) le", french(c.birth)}, {"Délivré le", french(d.from)}, {"Valable jusqu’au", french(d.until)}}
	for i, row := range rows {
		y := 230 + i*120
		p.write(row[0], 500, y, 30, goregular.TTF, color.RGBA{90, 100, 110, 255})
		p.write(row[1], 500, y+52, 46, gobold.TTF, color.RGBA{20, 24, 30, 255})
	}
	p.write(invented, 60, 1000, 32, goregular.TTF, color.RGBA{160, 40, 40, 255})
	if p.err != nil {
		return nil, p.err
	}
	var b bytes.Buffer
	err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 88})
	return b.Bytes(), err
}

func names(name string) (family, given string) {
	given, family, _ = strings.Cut(name, " ")
	return strings.ToUpper(family), given
}

// table paints wood, with the grain of a camera's sensor; always the same one.
func table(img *image.RGBA) {
	noise := rand.New(rand.NewPCG(1, 2))
	for y := range img.Rect.Dy() {
		grain := 10 * math.Sin(float64(y)/23+3*math.Sin(float64(y)/190))
		for x := range img.Rect.Dx() {
			v := grain + 6*math.Sin(float64(x)/310+float64(y)/50) + float64(noise.IntN(9)) - 4
			img.SetRGBA(x, y, color.RGBA{shade(142, v), shade(112, v), shade(84, v), 255})
		}
	}
}

func shade(base, by float64) uint8 { return uint8(max(0, min(255, base+by))) }

type painter struct {
	*image.RGBA
	at  image.Rectangle // the card
	err error
}

func (p *painter) fill(r image.Rectangle, c color.Color) {
	draw.Draw(p.RGBA, r, image.NewUniform(c), image.Point{}, draw.Src)
}

// waves are the fine lines behind the text of such cards.
func (p *painter) waves() {
	for line := p.at.Min.Y + 130; line < p.at.Max.Y-10; line += 14 {
		for x := p.at.Min.X; x < p.at.Max.X; x++ {
			y := line + int(6*math.Sin(float64(x)/41+float64(line)/67))
			p.SetRGBA(x, y, color.RGBA{196, 209, 221, 255})
		}
	}
}

// portrait is a head and shoulders without a face.
func (p *painter) portrait(r image.Rectangle) {
	p.fill(r, color.RGBA{246, 247, 248, 255})
	cx, head, shoulders := r.Min.X+r.Dx()/2, r.Min.Y+r.Dy()*2/5, r.Max.Y
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if inside(x-cx, y-head, 82, 104) || inside(x-cx, y-shoulders, 165, 150) {
				p.SetRGBA(x, y, color.RGBA{118, 128, 140, 255})
			}
		}
	}
}

// inside tells whether a point lies in an ellipse around the origin.
func inside(x, y, a, b int) bool {
	u, v := float64(x)/float64(a), float64(y)/float64(b)
	return u*u+v*v <= 1
}

// write puts text at a place on the card.
func (p *painter) write(text string, x, y int, size float64, face []byte, c color.Color) {
	f, err := opentype.Parse(face)
	if err != nil {
		p.err = err
		return
	}
	drawn, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		p.err = err
		return
	}
	defer drawn.Close()
	d := font.Drawer{Dst: p.RGBA, Src: image.NewUniform(c), Face: drawn, Dot: fixed.P(p.at.Min.X+x, p.at.Min.Y+y)}
	d.DrawString(text)
}
