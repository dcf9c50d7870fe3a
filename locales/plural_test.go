package locales

import (
	"regexp"
	"strings"
	"testing"
)

// A relay may be called "Les Tilleuls": no verb may have to agree with its name.
// So in French the name stands behind a little word or a verb, never before one.
func TestFrenchSaysNothingOfWhichARelayIsTheSubject(t *testing.T) {
	l := Must("fr")
	tilleuls := Own{Text: "Les Tilleuls", Clip: "relay/tilleuls"}
	args := Args{"relay": tilleuls, "paper": paper, "t": thursday, "n": 7}
	free := regexp.MustCompile(`Chez Les Tilleuls, on |(chez|à) Les Tilleuls\.|^Les Tilleuls\. `)
	checked := 0
	for key, m := range l.messages.byKey {
		uses := false
		for _, pieces := range m.forms {
			for _, p := range pieces {
				uses = uses || p.name == "relay"
			}
		}
		if !uses {
			continue
		}
		checked++
		if got := l.Text(key, args); !free.MatchString(got) {
			t.Errorf("%s: %q", key, got)
		}
	}
	if checked < 20 {
		t.Errorf("only %d messages name a relay", checked)
	}
	want := "Chez Les Tilleuls, on pourra lire votre domiciliation pendant sept nuits. Vous pouvez dire stop à tout moment."
	if got := l.Text("confirm.nights", args); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if said := strings.Join(l.Say("confirm.nights", args).Clips, " "); !strings.HasPrefix(said, "fr/name.at.3 relay/tilleuls fr/confirm.nights.other.") {
		t.Errorf("clips: %s", said)
	}
}

// In Arabic the verb's subject is the word for a centre, whose gender is known,
// and not the name, whose gender is not.
func TestArabicSaysCentreBeforeARelay(t *testing.T) {
	l := Must("ar")
	checked := 0
	for key, m := range l.messages.byKey {
		for form, pieces := range m.forms {
			for i, p := range pieces {
				if p.name != "relay" || i == 0 {
					continue
				}
				checked++
				if before := l.language.shown(pieces[i-1].fixed); !strings.HasSuffix(strings.TrimSpace(before), "مركز") {
					t.Errorf("%s %s: %q stands before the name", key, form, before)
				}
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d messages name a relay", checked)
	}
}
