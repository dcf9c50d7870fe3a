package pages

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
)

// renderPDF feeds the upload to the child and hands out what it draws. The
// child needs the whole file before its first page, since a PDF is read from
// its end; so the two halves never overlap.
func renderPDF(ctx context.Context, in io.Reader, lim limits, page PageFunc) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, err := startChild(ctx, lim, drawing)
	if err != nil {
		return fmt.Errorf("start pdftoppm: %w", err)
	}
	defer c.end()
	var last tail
	if err := c.feed(io.TeeReader(in, &last)); err != nil {
		return err
	}
	if !last.has(endMark[PDF]) {
		return ErrCut
	}
	n, err := readPages(c.out, func() { c.limit(lim.clock) }, page)
	if err != nil && !errors.Is(err, errPPM) {
		return err
	}
	return c.verdict(n, err)
}

// readPages hands out the pages of a stream of PPM images. It calls begin before
// it waits for a page.
func readPages(r io.Reader, begin func(), page PageFunc) (int, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	for n := 1; ; n++ {
		begin()
		if _, err := in.Peek(1); errors.Is(err, io.EOF) {
			return n - 1, nil
		}
		img, err := readPPM(in)
		if err != nil {
			return n - 1, err
		}
		if n > MaxPages {
			return n - 1, ErrTooManyPages
		}
		if err := encode(n, img, page); err != nil {
			return n - 1, err
		}
	}
}

// errPPM: the child's output is no page. It is the child that broke, and its
// exit says why.
var errPPM = errors.New("no whole page")

// readPPM reads one binary PPM of 8 bits a colour, as pdftoppm writes it: the
// header in three lines.
func readPPM(in *bufio.Reader) (*image.RGBA, error) {
	var w, h, depth int
	if _, err := fmt.Fscanf(in, "P6\n%d %d\n%d\n", &w, &h, &depth); err != nil {
		return nil, fmt.Errorf("%w: header: %w", errPPM, err)
	}
	if w < 1 || h < 1 || w > MaxSide || h > MaxSide || depth != 255 {
		return nil, fmt.Errorf("%w: %d by %d, depth %d", errPPM, w, h, depth)
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	row := make([]byte, 3*w)
	for y := range h {
		if _, err := io.ReadFull(in, row); err != nil {
			return nil, fmt.Errorf("%w: row %d: %w", errPPM, y, err)
		}
		pix := img.Pix[y*img.Stride:]
		for x := range w {
			copy(pix[4*x:], row[3*x:3*x+3])
			pix[4*x+3] = 0xff
		}
	}
	return img, nil
}

// tail remembers the last kilobyte that was written to it, where a whole file
// has its end mark (for PDF: ISO 32000-1, Annex H, note 18).
type tail struct{ kept []byte }

const tailLength = 1024

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - tailLength; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

func (t *tail) has(mark string) bool { return bytes.Contains(t.kept, []byte(mark)) }
