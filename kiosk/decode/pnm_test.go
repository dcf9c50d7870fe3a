package decode

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
)

// pdftoppm writes page after page without anything between them.
func TestReadPNM_OneAfterAnother(t *testing.T) {
	stream := bufio.NewReader(bytes.NewReader([]byte(
		"P5\n2 2\n255\n\x00\x10\x20\xFFP5 1 1 15\n\x0FP4 9 1\n\x80\x80P6 1 1 255\n\xFF\xFF\xFF")))
	for i, want := range []plane{
		{[]byte{0, 0x10, 0x20, 0xFF}, 2, 2},
		{[]byte{0xFF}, 1, 1},
		{[]byte{0, 255, 255, 255, 255, 255, 255, 255, 0}, 9, 1},
		{[]byte{255}, 1, 1},
	} {
		got, err := readPNM(stream)
		if err != nil {
			t.Fatalf("picture %d: %v", i+1, err)
		}
		if got.width != want.width || got.height != want.height || !slices.Equal(got.pix, want.pix) {
			t.Errorf("picture %d: %d by %d: %v", i+1, got.width, got.height, got.pix)
		}
	}
	if _, err := readPNM(stream); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func FuzzReadPNM(f *testing.F) {
	for _, seed := range []string{
		"", "P", "P5", "P5\n2 2\n255\n\x00\x10\x20\xFF", "P4 9 1\n\x80\x80", "P6 1 1 255\nabc", "P5 #x\n1 1 1\n1",
		"P5 0 0 0\n", "P5 999999999 999999999 255\n", "P6 5 5 99999\n", "P5 1 1 255 \x00", "P7 1 1 1\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 1<<12 {
			return // keeps what a header can claim and fill small
		}
		p, err := readPNM(bufio.NewReader(bytes.NewReader(content)))
		if err != nil {
			if p != nil || !errors.Is(err, io.EOF) && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("%v", err)
			}
			return
		}
		if p.width < 1 || p.height < 1 || len(p.pix) != p.width*p.height {
			t.Fatalf("%d by %d with %d pixels", p.width, p.height, len(p.pix))
		}
	})
}

// Half the light on one half of a picture must not change what is black.
func TestThreshold_FollowsTheLight(t *testing.T) {
	const size = 64
	p := newPlane(size, size)
	dark := func(x, y int) bool { return (x/4+y/4)%2 == 0 }
	for y := range size {
		for x := range size {
			value := 200
			if dark(x, y) {
				value = 60
			}
			p.pix[y*size+x] = byte(value * (size - x/2) / size)
		}
	}
	out := p.threshold(10, 8)
	for y := range size {
		for x := range size {
			if (out.pix[y*size+x] == 0) != dark(x, y) {
				t.Fatalf("(%d, %d) is %d", x, y, out.pix[y*size+x])
			}
		}
	}
}

func TestHalf(t *testing.T) {
	p := plane{[]byte{0, 10, 7, 20, 31, 7, 1, 1, 1}, 3, 3}
	got := p.half()
	if got.width != 1 || got.height != 1 || got.pix[0] != 15 {
		t.Errorf("%d by %d: %v", got.width, got.height, got.pix)
	}
}
