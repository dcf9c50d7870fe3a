package queue

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// The short way reads numbers as the long one does.
func TestFrenchMobile_AsTheLibraryReads(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 1000 {
		text := fmt.Sprintf("+33%d%08d", 6+i%2, random.IntN(100_000_000))
		if i < 200 { // every range of the plan
			text = fmt.Sprintf("+33%d%02d%06d", 6+i%2, i/2, random.IntN(1_000_000))
		}
		if !frenchMobile(text) {
			t.Fatalf("%s is not known", text)
		}
		if got, err := readNumber(text); err != nil || got != text {
			t.Errorf("%s is read as %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "+33512345678", "+3361234567", "+336123456789", "+3361234567a", "0612345678", "+34612345678", "+33 61234567"} {
		if frenchMobile(text) {
			t.Errorf("%q is taken the short way", text)
		}
	}
}
