package pages

import (
	"image"
	"image/draw"
)

// shrink scales a picture down so that neither side is longer than limit, on
// white where it is transparent. A smaller picture keeps its size.
//
// Each pixel of the result is the mean of the area it covers. golang.org/x/image
// would do as well by looks, but its kernel scaler keeps 32 bytes for every
// source row and target column (150 MB for an ordinary 12-megapixel photograph);
// this needs one row.
func shrink(src image.Image, limit int) *image.RGBA {
	size := src.Bounds().Size()
	w, h := fit(size.X, size.Y, limit)
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if w == size.X && h == size.Y {
		onWhite(dst, src, src.Bounds().Min)
		return dst
	}
	row := image.NewRGBA(image.Rect(0, 0, size.X, 1))
	line := make([]uint64, 3*w)
	sums := make([]uint64, 3*w)
	scale := uint64(size.Y)
	for y := range size.Y {
		onWhite(row, src, src.Bounds().Min.Add(image.Pt(0, y)))
		squeeze(line, row.Pix, size.X, w)
		// Row y covers [y*h, (y+1)*h) of a ruler on which a target row is
		// size.Y long: it lies in one target row or across two.
		from, to := uint64(y*h), uint64((y+1)*h)
		first, last := from/scale, (to-1)/scale
		if first == last {
			add(sums, line, to-from)
		} else {
			add(sums, line, last*scale-from)
			flush(dst, int(first), sums, uint64(size.X)*scale)
			add(sums, line, to-last*scale)
		}
		if to%scale == 0 {
			flush(dst, int(last), sums, uint64(size.X)*scale)
		}
	}
	return dst
}

// fit keeps the proportions, and at least one pixel.
func fit(w, h, limit int) (int, int) {
	long := max(w, h)
	if long <= limit {
		return w, h
	}
	return max(1, w*limit/long), max(1, h*limit/long)
}

func onWhite(dst *image.RGBA, src image.Image, at image.Point) {
	for i := range dst.Pix {
		dst.Pix[i] = 0xff
	}
	draw.Draw(dst, dst.Rect, src, at, draw.Over)
}

// squeeze writes for each of w target columns the sum of what it covers of a
// row of n pixels; the weights of one column add up to n.
func squeeze(line []uint64, pix []uint8, n, w int) {
	clear(line)
	for x := range n {
		p := pix[4*x:]
		from, to := x*w, (x+1)*w
		first, last := from/n, (to-1)/n
		if first == last {
			spread(line[3*first:], p, uint64(to-from))
			continue
		}
		spread(line[3*first:], p, uint64(last*n-from))
		spread(line[3*last:], p, uint64(to-last*n))
	}
}

func spread(line []uint64, p []uint8, weight uint64) {
	line[0] += weight * uint64(p[0])
	line[1] += weight * uint64(p[1])
	line[2] += weight * uint64(p[2])
}

func add(sums, line []uint64, weight uint64) {
	for i, v := range line {
		sums[i] += weight * v
	}
}

// flush writes one finished row and begins the next.
func flush(dst *image.RGBA, y int, sums []uint64, total uint64) {
	pix := dst.Pix[y*dst.Stride:]
	for x := range len(sums) / 3 {
		for c := range 3 {
			pix[4*x+c] = uint8((sums[3*x+c] + total/2) / total)
		}
		pix[4*x+3] = 0xff
	}
	clear(sums)
}
