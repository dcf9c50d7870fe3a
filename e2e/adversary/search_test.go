package adversary

import (
	"bytes"
	"crypto/rand"
	"testing"
)

func sampleFinder() (*Finder, []Secret, Document) {
	doc := Document{Name: "document", Content: make([]byte, 5000)}
	rand.Read(doc.Content)
	secrets := []Secret{{Name: "name", Text: []byte("Zénobie Quatrefages")}, {Name: "text", Text: []byte("غدا الساعة 14:30 في المستشفى")},
		{Name: "number", Text: []byte("+33639980112")}, {Name: "short", Text: []byte("letter")}, {Name: "raw", Text: filler(32)}}
	return NewFinder(secrets, []Document{doc}, []Document{{Name: "common", Content: doc.Content[1000:1100]}}), secrets, doc
}

func TestFinder_finds_every_form(t *testing.T) {
	f, secrets, _ := sampleFinder()
	n, missed, err := ShowThatItFinds(f, secrets, filler(10_001))
	if err != nil || n == 0 || len(missed) > 0 {
		t.Errorf("%d planted, missed %q, %v", n, missed, err)
	}
	if f.Words != 4 {
		t.Errorf("%d words, want 4", f.Words)
	}
}

func TestFinder_stretches(t *testing.T) {
	f, _, doc := sampleFinder()
	for at := 0; at+stretch <= len(doc.Content); at += 7 {
		carrier := append(append(filler(100), doc.Content[at:at+stretch]...), filler(100)...)
		inCommon := at >= 1000 && at+stretch <= 1100
		if got := f.Find(carrier); (len(got) == 1) == inCommon {
			t.Errorf("at %d: found %v", at, got)
		}
		short := append(append(filler(100), doc.Content[at:at+stretch-1]...), doc.Content[at+stretch-1]^1)
		if at > 0 && f.docs[0].Content[at-1] != short[99] && len(f.Find(short)) > 0 {
			t.Errorf("at %d: found 31 bytes", at)
		}
	}
}

func TestFinder_finds_nothing_in_noise(t *testing.T) {
	f, _, _ := sampleFinder()
	if got := f.Find(append(filler(1<<20), bytes.Repeat([]byte{0}, 1<<20)...)); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}

func FuzzViews(f *testing.F) {
	finder, secrets, _ := sampleFinder()
	for _, form := range append(forms(), bare) {
		b, err := form.write(append(filler(40), secrets[0].Text...))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(_ *testing.T, b []byte) { finder.Find(b) })
}

func BenchmarkFind(b *testing.B) {
	f, _, _ := sampleFinder()
	noise := filler(1 << 20)
	b.SetBytes(1 << 20)
	for b.Loop() {
		f.Find(noise)
	}
}
