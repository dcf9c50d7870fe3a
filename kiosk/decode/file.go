package decode

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"io/fs"
	"os"

	"consigne/cards"
)

// What File refuses, for errors.Is.
var (
	// ErrType says that the file is no PNG, JPEG, PNM or PDF, whatever its
	// name says.
	ErrType = errors.New("neither a picture nor a PDF")
	// ErrDamaged says that it is one, but empty, cut short, broken, or locked
	// by a password.
	ErrDamaged = errors.New("the file is damaged or locked")
	// ErrTooLarge says that a picture or a page has more pixels than MaxPixels.
	ErrTooLarge = errors.New("the picture is too large")
)

// MaxPixels bounds a picture or a page: an A3 page at 300 dpi has 17 million,
// a telephone's photograph up to 50.
const MaxPixels = 64 << 20

// File returns the cards seen in a picture (PNG, JPEG, PNM) or on the pages of
// a PDF, in order. The kind is told by the content. A file without any card is
// no error.
//
// Errors: ErrType, ErrDamaged, ErrTooLarge, those of opening the file, and the
// context's.
func File(ctx context.Context, path string) ([]cards.Card, error) {
	found, err := file(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("look into %q: %w", path, withoutPath(err))
	}
	return found, nil
}

func file(ctx context.Context, path string) ([]cards.Card, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 1024)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	head = head[:n]
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	switch {
	case n == 0:
		return nil, fmt.Errorf("%w: empty", ErrDamaged)
	case bytes.Contains(head, []byte("%PDF-")):
		return pdf(ctx, f)
	case isPNM(head):
		p, err := readPNM(bufio.NewReader(f))
		if err != nil {
			return nil, err
		}
		return find(p), nil
	}
	return picture(f)
}

// picture reads a PNG or JPEG, its size first: a few bytes can claim a picture
// that no memory holds.
func picture(f io.ReadSeeker) ([]cards.Card, error) {
	config, _, err := image.DecodeConfig(f)
	switch {
	case errors.Is(err, image.ErrFormat):
		return nil, ErrType
	case err != nil:
		return nil, ErrDamaged
	}
	if int64(config.Width)*int64(config.Height) > MaxPixels {
		return nil, ErrTooLarge
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	img, _, err := image.Decode(f)
	if err != nil {
		return nil, ErrDamaged
	}
	return Image(img), nil
}

// withoutPath takes off the path that os puts in front; File says it once.
func withoutPath(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err
	}
	return err
}
