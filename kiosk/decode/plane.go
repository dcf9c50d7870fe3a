package decode

import (
	"image"
	"image/color"
)

// plane is a grey picture without gaps between its rows, as zbar takes it.
type plane struct {
	pix           []byte
	width, height int
}

func newPlane(width, height int) *plane {
	return &plane{pix: make([]byte, width*height), width: width, height: height}
}

// grey copies any picture into a plane. What is transparent counts as white
// paper.
func grey(img image.Image) *plane {
	bounds := img.Bounds()
	p := newPlane(bounds.Dx(), bounds.Dy())
	for y := range p.height {
		row := p.pix[y*p.width : (y+1)*p.width]
		switch src := img.(type) {
		case *image.Gray:
			at := src.PixOffset(bounds.Min.X, bounds.Min.Y+y)
			copy(row, src.Pix[at:at+p.width])
		case *image.YCbCr:
			at := src.YOffset(bounds.Min.X, bounds.Min.Y+y)
			copy(row, src.Y[at:at+p.width])
		default:
			for x := range row {
				row[x] = luminance(img.At(bounds.Min.X+x, bounds.Min.Y+y))
			}
		}
	}
	return p
}

// luminance weighs as ITU-R BT.601, over white.
func luminance(c color.Color) byte {
	r, g, b, a := c.RGBA()
	return byte((299*r+587*g+114*b)/1000>>8 + (0xFFFF-a)>>8)
}

// threshold makes a pixel black if it is darker than the mean of the square
// around it, of 2*radius+1 pixels a side, by more than bias percent. Light that
// changes slowly over the card so drops out.
func (p *plane) threshold(radius, bias int) *plane {
	sums := p.sums()
	out := newPlane(p.width, p.height)
	stride := p.width + 1
	for y := range p.height {
		top, bottom := max(y-radius, 0), min(y+radius+1, p.height)
		above, below := sums[top*stride:(top+1)*stride], sums[bottom*stride:(bottom+1)*stride]
		row, made := p.pix[y*p.width:(y+1)*p.width], out.pix[y*p.width:(y+1)*p.width]
		for x, value := range row {
			left, right := max(x-radius, 0), min(x+radius+1, p.width)
			sum := below[right] - above[right] - below[left] + above[left]
			area := (bottom - top) * (right - left)
			if int(value)*area*100 >= int(sum)*(100-bias) {
				made[x] = 0xFF
			}
		}
	}
	return out
}

// sums returns the integral image: at (x, y) the sum of all pixels above and
// left of it. Differences stay right when a sum overflows, as long as a square
// itself does not, which at 255 a pixel is 4,000 pixels a side.
func (p *plane) sums() []uint32 {
	stride := p.width + 1
	sums := make([]uint32, stride*(p.height+1))
	for y := range p.height {
		var row uint32
		for x := range p.width {
			row += uint32(p.pix[y*p.width+x])
			sums[(y+1)*stride+x+1] = sums[y*stride+x+1] + row
		}
	}
	return sums
}

// half halves both sides, each pixel the mean of four: noise and fine
// scratches go, and a code photographed from near gets a size that zbar likes.
func (p *plane) half() *plane {
	out := newPlane(p.width/2, p.height/2)
	for y := range out.height {
		upper, lower := p.pix[2*y*p.width:], p.pix[(2*y+1)*p.width:]
		for x := range out.width {
			sum := int(upper[2*x]) + int(upper[2*x+1]) + int(lower[2*x]) + int(lower[2*x+1])
			out.pix[y*out.width+x] = byte((sum + 2) / 4)
		}
	}
	return out
}
