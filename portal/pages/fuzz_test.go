package pages_test

import (
	"bytes"
	"image/jpeg"
	"testing"

	"consigne/portal/pages"
)

func FuzzOrientation(f *testing.F) {
	plain := makeJPEG(f, corners(16, 16))
	f.Add(plain)
	for o := range byte(10) {
		f.Add(withEXIF(plain, o, o%2 == 0))
	}
	whole := withEXIF(plain, 6, false)
	for n := range 60 {
		f.Add(whole[:n])
		f.Add(flip(whole, n))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		if o := pages.Orientation(head); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}

func FuzzReadPages(f *testing.F) {
	page := append([]byte("P6\n2 1\n255\n"), "abcdef"...)
	f.Add(page)
	f.Add(append(bytes.Clone(page), page...))
	f.Add(page[:len(page)-1])
	for _, head := range []string{
		"", "P", "P6\n", "P5\n2 1\n255\n", "P6\n-2 1\n255\n", "P6\n2 1\n65535\n", "P6\n0 0\n255\n",
		"P6\n99999999 99999999\n255\n", "P6\n1601 1\n255\n", "P6\n#\n", "P6\n99999999999999999999 1\n255\n",
	} {
		f.Add([]byte(head + "abcdef"))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		got := 0
		n, err := pages.ReadPages(bytes.NewReader(stream), func(n int, b []byte, w, h int) error {
			got++
			c, err := jpeg.DecodeConfig(bytes.NewReader(b))
			if err != nil || c.Width != w || c.Height != h || n != got {
				t.Errorf("page %d of %d by %d is %d by %d, %v", n, w, h, c.Width, c.Height, err)
			}
			return nil
		})
		if n != got {
			t.Errorf("%d pages counted, %d handed out", n, got)
		}
		if err == nil && got == 0 && len(stream) > 0 {
			t.Error("bytes that are no page were passed over in silence")
		}
	})
}

// Pixels that look like white space or a header belong to the picture.
func TestReadPages_AnyPixels(t *testing.T) {
	for _, pixels := range []string{"      ", "\n\n\n\n\n\n", "P6\n2 1", "255\n\n\n", "\x00\x00\x00\xff\xff\xff"} {
		page := "P6\n2 1\n255\n" + pixels
		n, err := pages.ReadPages(bytes.NewReader([]byte(page+page+page)), func(int, []byte, int, int) error { return nil })
		if n != 3 || err != nil {
			t.Errorf("pixels %q: %d pages, %v; want 3", pixels, n, err)
		}
	}
}
