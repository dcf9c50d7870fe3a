// Package pages turns an uploaded paper into page images that any window and
// any old phone can show.
//
// Render reads the upload once, from its first byte to its last, so that a
// caller can seal the same bytes as they pass (io.TeeReader). What the upload
// is, is decided by its bytes and by nothing else. Pictures are decoded here;
// PDF, a format of many decoders, is drawn by a child process that may do next
// to nothing (see child.go).
//
// Nothing is ever written to a file.
package pages

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"runtime"
)

// Kind is what an upload was found to be.
type Kind string

// The kinds, by their media types.
const (
	JPEG Kind = "image/jpeg"
	PNG  Kind = "image/png"
	PDF  Kind = "application/pdf"
)

const (
	// MaxPages is the longest PDF taken.
	MaxPages = 50
	// MaxSide is the longest side of a page image, in pixels. At 1,600 an A4
	// page has 137 dots an inch: small print stays readable when enlarged.
	MaxSide = 1600

	// quality of the page images; below 80 thin black letters grow halos.
	quality = 80
)

// The ways in which an upload is refused, for errors.Is. Any other error is a
// fault of this machine or of the reader, not of the file.
var (
	// ErrEmpty: there is not one byte.
	ErrEmpty = errors.New("the file is empty")
	// ErrType: neither JPEG, PNG nor PDF.
	ErrType = errors.New("the file is neither JPEG, PNG nor PDF")
	// ErrCut: the beginning is right and the end is missing.
	ErrCut = errors.New("the file is cut short")
	// ErrDamaged: no page can be drawn from it within the limits.
	ErrDamaged = errors.New("the file is damaged")
	// ErrPassword: a PDF that needs a password to be read.
	ErrPassword = errors.New("the file needs a password")
	// ErrTooManyPages: a PDF of more than MaxPages pages.
	ErrTooManyPages = errors.New("the file has too many pages")
	// ErrTooLarge: a picture of more pixels than can be decoded safely.
	ErrTooLarge = errors.New("the picture has too many pixels")
)

// places holds one entry for each paper that is being drawn.
var places = make(chan struct{}, min(runtime.GOMAXPROCS(0), 2))

// PageFunc receives page n (from 1) as a JPEG of w by h pixels. The bytes are
// the receiver's to keep.
type PageFunc func(n int, jpeg []byte, w, h int) error

// Render reads r to its end and calls page for each page in order. An error of
// page or of r ends the work and comes back wrapped. Pages handed out before an
// error are worth nothing: a caller keeps none of them. On a refusal r has still
// been read to its end, unless reading failed or ctx ended.
//
// Few papers are drawn at once in a process: one picture may take 200 MB and a
// PDF a gigabyte. Further calls wait for a place, with nothing read, until ctx
// ends.
func Render(ctx context.Context, r io.Reader, page PageFunc) (Kind, error) {
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	case <-ctx.Done():
		return "", fmt.Errorf("render pages: wait for a place: %w", ctx.Err())
	}
	return renderWithin(ctx, r, childLimits, page)
}

func renderWithin(ctx context.Context, r io.Reader, lim limits, page PageFunc) (Kind, error) {
	u := &upload{ctx: ctx, r: r}
	in := bufio.NewReaderSize(u, headLength)
	kind, err := render(ctx, in, lim, page)
	_, _ = io.Copy(io.Discard, in) // its error stays in u
	if u.err != nil && !errors.Is(u.err, io.EOF) {
		return kind, fmt.Errorf("render pages: read upload: %w", u.err)
	}
	if ctx.Err() != nil {
		return kind, fmt.Errorf("render pages: %w", ctx.Err())
	}
	if err != nil {
		return kind, fmt.Errorf("render pages: %w", err)
	}
	return kind, nil
}

// headLength is how far into a file a PDF's mark may stand (ISO 32000-1,
// Annex H, note 13).
const headLength = 1024

func render(ctx context.Context, in *bufio.Reader, lim limits, page PageFunc) (Kind, error) {
	head, err := in.Peek(headLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read upload: %w", err)
	}
	kind, err := sniff(head)
	if err != nil {
		return "", err
	}
	if kind == PDF {
		return kind, renderPDF(ctx, in, lim, page)
	}
	return kind, renderImage(kind, in, page)
}

var (
	jpegMark = []byte{0xff, 0xd8, 0xff}
	pngMark  = []byte("\x89PNG\r\n\x1a\n")
	pdfMark  = []byte("%PDF-")
)

// sniff tells the kind by the first bytes. A file shorter than its own mark is
// cut, not unknown.
func sniff(head []byte) (Kind, error) {
	switch {
	case len(head) == 0:
		return "", ErrEmpty
	case bytes.HasPrefix(head, jpegMark):
		return JPEG, nil
	case bytes.HasPrefix(head, pngMark):
		return PNG, nil
	case bytes.Contains(head, pdfMark):
		return PDF, nil
	}
	for _, m := range [][]byte{jpegMark, pngMark, pdfMark} {
		if bytes.HasPrefix(m, head) {
			return "", ErrCut
		}
	}
	return "", ErrType
}

// encode hands out one page image.
func encode(n int, img image.Image, page PageFunc) error {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		return fmt.Errorf("encode page %d: %w", n, err)
	}
	size := img.Bounds().Size()
	return page(n, b.Bytes(), size.X, size.Y)
}

// upload ends reading when the context ends, and remembers a failed reader:
// decoders turn such an error into "damaged", which would blame the file.
type upload struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (u *upload) Read(p []byte) (int, error) {
	if u.err == nil {
		u.err = u.ctx.Err()
	}
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.r.Read(p)
	if err != nil {
		u.err = err
	}
	return n, err
}
