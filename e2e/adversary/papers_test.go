package adversary

import (
	"bytes"
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
