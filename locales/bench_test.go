package locales

import "testing"

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := load(catalogueFiles); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSay(b *testing.B) {
	l := Must("ar")
	for b.Loop() {
		l.Say("home.strip", Args{"t": thursday, "n": 3, "place": gare})
	}
}
