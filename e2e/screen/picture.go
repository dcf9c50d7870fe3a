package screen

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"sync"

	"github.com/srwiley/oksvg"
	"github.com/srwiley/rasterx"
	"golang.org/x/image/draw"

	"consigne/locales"
)

// grain is the side of the little images that are compared.
const grain = 32

// Recognise tells which of the named pictures is drawn inside a rectangle of
// the screen, on white: by its pixels, as an eye would.
func Recognise(shot image.Image, where image.Rectangle, names []string) (string, error) {
	seen, err := normal(shot, where)
	if err != nil {
		return "", err
	}
	best, name, second := math.MaxFloat64, "", math.MaxFloat64
	for _, n := range names {
		want, err := known(n)
		if err != nil {
			return "", err
		}
		switch d := distance(seen, want); {
		case d < best:
			best, name, second = d, n, best
		case d < second:
			second = d
		}
	}
	if best > 0.85*second {
		return "", fmt.Errorf("pictures are not told apart: %s at %.0f, the next at %.0f", name, best, second)
	}
	return name, nil
}

// drawn keeps the catalogue's pictures as they are compared.
var drawn sync.Map

func known(name string) (*image.RGBA, error) {
	if img, ok := drawn.Load(name); ok {
		return img.(*image.RGBA), nil
	}
	big, err := render(name)
	if err != nil {
		return nil, err
	}
	img, err := normal(big, big.Bounds())
	if err == nil {
		drawn.Store(name, img)
	}
	return img, err
}

// render draws a picture of the catalogue on white.
func render(name string) (image.Image, error) {
	const side = 256
	svg, ok := locales.Picture(name)
	if !ok {
		return nil, fmt.Errorf("no picture %q", name)
	}
	icon, err := oksvg.ReadIconStream(bytes.NewReader(svg))
	if err != nil {
		return nil, err
	}
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
	icon.SetTarget(0, 0, side, side)
	icon.Draw(rasterx.NewDasher(side, side, rasterx.NewScannerGV(side, side, img, img.Bounds())), 1)
	return img, nil
}

// normal cuts away the white around a picture and scales it to one size.
func normal(img image.Image, where image.Rectangle) (*image.RGBA, error) {
	box := image.Rectangle{}
	for y := where.Min.Y; y < where.Max.Y; y++ {
		for x := where.Min.X; x < where.Max.X; x++ {
			if inked(img.At(x, y)) {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if box.Dx() < grain/2 || box.Dy() < grain/2 {
		return nil, errors.New("no picture there")
	}
	out := image.NewRGBA(image.Rect(0, 0, grain, grain))
	draw.BiLinear.Scale(out, out.Bounds(), img, box, draw.Src, nil)
	return out, nil
}

// inked leaves out white, the paper ground and the pale outlines of boxes.
func inked(c color.Color) bool {
	r, g, b, _ := c.RGBA()
	return min(r, g, b)>>8 < 170
}

func distance(a, b *image.RGBA) (sum float64) {
	for i := range a.Pix {
		d := float64(a.Pix[i]) - float64(b.Pix[i])
		sum += d * d
	}
	return math.Sqrt(sum)
}
