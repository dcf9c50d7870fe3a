package queue_test

import (
	"regexp"
	"testing"

	"consigne/smsd/queue"
)

func TestParseNumber(t *testing.T) {
	for in, want := range map[string]string{
		"+33639980001":           "+33639980001",
		"+33 6 39 98 00 01":      "+33639980001",
		"06 39 98 00 01":         "+33639980001",
		"06.39.98.00.01":         "+33639980001",
		" 0639980001\t":          "+33639980001",
		"06\u00a039\u202f980001": "+33639980001",
		"0033639980001":          "+33639980001",
		"+33 (0)6 39 98 00 01":   "+33639980001",
		"+262692123456":          "+262692123456", // La Réunion
		"0692 12 34 56":          "+262692123456",
		"0690 30 12 34":          "+590690301234", // Guadeloupe
		"+213551234567":          "+213551234567", // foreign mobiles
		"+40721234567":           "+40721234567",
		"+4915112345678":         "+4915112345678",
		"+12015550123":           "+12015550123", // there a number does not tell what it is
		"06 39 98 99 99":         "+33639989999", // kept for fiction
		"07 56 78 90 12":         "+33756789012",
		"09 72 12 34 56":         "+33972123456", // by way of the internet, perhaps an application
	} {
		if got, err := queue.ParseNumber(in); err != nil || got != want {
			t.Errorf("%q gives %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestParseNumber_Refused(t *testing.T) {
	for in, want := range map[string]queue.Reason{
		"":                      queue.ReasonNumber,
		"0":                     queue.ReasonNumber,
		"063998000":             queue.ReasonNumber,
		"06399800012":           queue.ReasonNumber,
		"+33000000000":          queue.ReasonNumber,
		"06 39 98 OO O1":        queue.ReasonNumber,
		"CONSIGNE":              queue.ReasonNumber,
		"0639980001 ext. 5":     queue.ReasonNumber,
		"tel:+33639980001":      queue.ReasonNumber,
		"0639980001;0639980002": queue.ReasonNumber,
		"36179":                 queue.ReasonNumber, // a short code
		"112":                   queue.ReasonNumber,
		"+999123456789":         queue.ReasonNumber,
		"٠٦٣٩٩٨٠٠٠١":            queue.ReasonNumber,
		"0800 GRATUIT":          queue.ReasonNumber,
		"0899 12 34 56":         queue.ReasonPremium,
		"01 42 34 56 78":        queue.ReasonFixed,
		"+33 3 88 12 34 56":     queue.ReasonFixed,
		"+33 5 61 12 34 56":     queue.ReasonFixed,
		"0033 4 91 12 34 56":    queue.ReasonFixed,
		"01 99 00 12 34":        queue.ReasonFixed, // kept for fiction, and fixed there too
		"02 61 91 12 34":        queue.ReasonFixed,
		"0262 20 12 34":         queue.ReasonFixed, // La Réunion
		"0590 81 12 34":         queue.ReasonFixed, // Guadeloupe
		"+40 21 123 4567":       queue.ReasonFixed, // Bucarest
		"+49 30 123456":         queue.ReasonFixed,
		"+213 21 12 34 56":      queue.ReasonFixed,
		"+33 897 12 34 56":      queue.ReasonPremium,
		"0800 12 34 56":         queue.ReasonFixed,   // free of charge, and nobody's phone
		"+882 16 1234567":       queue.ReasonPremium, // satellites
		"+870 123456789":        queue.ReasonPremium,
	} {
		if got, err := queue.ParseNumber(in); refusedFor(err) != want {
			t.Errorf("%q gives %q, %v; want refused for %s", in, got, err, want)
		}
	}
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

func FuzzParseNumber(f *testing.F) {
	for _, seed := range []string{"+33639980001", "06 39 98 00 01", "+", "00", "+1 (500) 555-0006", "/", "+33(0)639980001", "\u00a0", "+++33"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out, err := queue.ParseNumber(in)
		if err != nil {
			if refusedFor(err) == "" {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if !e164.MatchString(out) {
			t.Fatalf("%q gives %q, which is not E.164", in, out)
		}
		if again, err := queue.ParseNumber(out); err != nil || again != out {
			t.Fatalf("%q gives %q, which gives %q, %v", in, out, again, err)
		}
	})
}
