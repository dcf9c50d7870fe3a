package holder

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"consigne/portal/vault"
)

// undrawn are the verbs that do not stand on "who looked": what holders do
// themselves with their own card in their hand, and what a clock does.
var undrawn = []string{vault.VerbEnrolled, vault.VerbOpened, vault.VerbShared, vault.VerbStopped, vault.VerbLinked, vault.VerbFreed}

// TestWho_Verbs: what can stand in a journal is drawn, or it is said here that it is not.
func TestWho_Verbs(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../vault/journal.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Verb") {
			return true
		}
		verb, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found++
		if drawn := lookVerbs[verb] != ""; drawn == slices.Contains(undrawn, verb) {
			t.Errorf("%s: drawn %t, and named as not drawn %t", spec.Names[0].Name, drawn, !drawn)
		}
		return true
	})
	if found < 17 {
		t.Errorf("%d verbs were found", found)
	}
}

// TestWho_Answered: that somebody answered by a link, or at the kiosk, or confirmed
// the number there, stands among those who looked.
func TestWho_Answered(t *testing.T) {
	s := newStage(t)
	for _, x := range []struct{ lang, phone, holder, number string }{
		{"fr", "Quelqu’un a répondu pour un rendez-vous depuis votre téléphone", "Vous avez répondu pour un rendez-vous", "Vous avez confirmé votre numéro"},
		{"ar", "أجاب شخص من هاتفك", "أجبت عن موعد", "أكدت رقم هاتفك"},
	} {
		path := s.reminded(t, x.lang)
		phone := s.visitor(false)
		phone.page(path)
		phone.post(path, say("yes"), path)
		v := s.opens(s.speaker(x.lang))
		page := v.page("/k/who")
		if strings.Count(page, `class="badge by-phone"`) != 1 || !strings.Contains(page, x.phone) || strings.Contains(page, "by-holder") {
			t.Errorf("%s: the answer by a link does not stand there", x.lang)
		}
		_, id, _ := strings.Cut(hrefs(v.page("/k/appointments"), "appointment?id=")[0], "id=")
		v.post("/k/answer", url.Values{"id": {id}, "say": {"no"}}, "/k/answered?id=")
		v.post("/k/number", url.Values{}, "/k/number-confirmed")
		page = v.page("/k/who")
		if strings.Count(page, `class="badge by-holder"`) != 2 || !strings.Contains(page, x.holder) || !strings.Contains(page, x.number) {
			t.Errorf("%s: what was said at the kiosk does not stand there", x.lang)
		}
		v.post("/k/leave", url.Values{}, "/k/goodbye")
	}
}
