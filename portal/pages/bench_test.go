package pages_test

import (
	"bytes"
	"testing"

	"consigne/portal/pages"
)

// A photograph of twelve million pixels, and a letter of three pages: what a
// desk deposits all day.
func BenchmarkRender(b *testing.B) {
	photo := makeJPEG(b, corners(4000, 3000))
	for name, file := range map[string][]byte{"photo": photo, "letter": makePDF(b, 3, nil)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := pages.Render(b.Context(), bytes.NewReader(file), func(int, []byte, int, int) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
