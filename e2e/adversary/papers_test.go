package adversary

import (
	"bytes"
	"crypto/rand"
	"regexp"
	"testing"

	"consigne/cards"
	"consigne/cards/sheet"
)

// What the machine prints for others in the same moment is no find, though the same library writes it.
func TestPapers_ShareNothingWithOtherPDFs(t *testing.T) {
	docs, err := papers()
	if err != nil {
		t.Fatal(err)
	}
	blank, err := common(docs)
	if err != nil {
		t.Fatal(err)
	}
	f := NewFinder(nil, docs, blank)
	if found := f.Find(docs[1].Content); len(found) != 1 {
		t.Fatalf("the letter itself holds %q", found)
	}
	var stock []cards.Card
	for range 5 {
		stock = append(stock, cards.New())
		var pdf bytes.Buffer
		if err := sheet.Write(&pdf, stock, "+33465712042"); err != nil {
			t.Fatal(err)
		}
		if found := f.Find(pdf.Bytes()); len(found) != 0 {
			t.Errorf("a sheet of %d cards holds %q", len(stock), found)
		}
	}
	for range 100 {
		other, err := letter(func() string { return "Tournesol" })
		if err != nil {
			t.Fatal(err)
		}
		if found := f.Find(other); len(found) != 0 {
			t.Fatalf("another letter holds %q", found)
		}
	}
}

// Both edges of a stream are known of every letter, and what lies between is not.
func TestStructure_Edges(t *testing.T) {
	pdf, err := letter(rand.Text)
	if err != nil {
		t.Fatal(err)
	}
	known := structure(pdf)
	streams := regexp.MustCompile(`(?s)\nstream\n(.{100,}?)\nendstream\n`).FindAllSubmatchIndex(pdf, -1)
	if len(streams) != 2 {
		t.Fatalf("%d streams, want one for each page", len(streams))
	}
	for _, s := range streams {
		from, to := s[2], s[3]
		for _, end := range []int{from + edge, to} {
			if !bytes.Equal(known[end-edge:end], pdf[end-edge:end]) {
				t.Errorf("the %d bytes before %d of a stream at %d are taken for content", edge, end, from)
			}
		}
		if covered := bytes.Count(known[from+edge:to-edge], []byte{0}); covered < (to-from)/3 {
			t.Errorf("of a stream of %d bytes %d are content", to-from, covered)
		}
	}
}
