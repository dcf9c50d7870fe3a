package holder

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/locales"
	"consigne/portal/demo"
	"consigne/portal/vault"
)

// reminded lets time go by until a speaker's next reminder leaves, and gives the
// path of the link in it.
func (s *stage) reminded(t *testing.T, lang string) string {
	t.Helper()
	for range 24 * 14 {
		s.pass(time.Hour)
		due, err := s.queue.Claim(t.Context(), 10, "test")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range due {
			m := linkInText.FindStringSubmatch(d.Text)
			if m == nil {
				continue
			}
			if view, err := s.vault.Link(t.Context(), m[1]); err == nil && view.Purpose == vault.ToAppointment && view.Language == lang {
				return "/l/" + m[1]
			}
		}
	}
	t.Fatalf("no reminder with a link in %s", lang)
	return ""
}

func (s *stage) count(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	if err := s.db.Read().QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// answers counts what relays were told.
func (s *stage) answers(t *testing.T) int { return s.count(t, "SELECT COUNT(*) FROM answer") }

func say(what string) url.Values { return url.Values{"say": {what}} }

// sure says what ends everything, and that it is meant.
func sure(what string) url.Values { return url.Values{"say": {what}, "sure": {"1"}} }

// relayOf is the name of the relay that planned a person's appointments.
func (s *stage) relayOf(t *testing.T, p demo.Person) string {
	t.Helper()
	relays, err := s.vault.Relays(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range relays {
		if all, err := s.member(t, r.Name).Appointments(t.Context(), p.ID); err == nil && len(all) > 0 {
			return r.Name
		}
	}
	t.Fatal("nobody planned anything for them")
	return ""
}

// said is what the desk sees of a person's appointments.
func (s *stage) said(t *testing.T, p demo.Person) (out []string) {
	t.Helper()
	all, err := s.member(t, s.relayOf(t, p)).Appointments(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Answer.Said != "" {
			out = append(out, fmt.Sprint(a.Answer.Said, " by ", a.Answer.By))
		}
	}
	return out
}

// TestAnswer_Page: before the POST the page has mark, day and hour, and no more; and
// neither GET nor HEAD nor a form from nowhere changes anything.
func TestAnswer_Page(t *testing.T) {
	s := newStage(t)
	p := s.speaker("fr")
	path := s.reminded(t, "fr")
	phone := s.visitor(false)
	for range 3 {
		page := phone.wants(t, path, http.StatusOK, "Venez-vous")
		for _, secret := range []string{"Tilleuls", "CCAS", "+33", "04 65", "tel:", "Gare", p.Name, "<script", "style=", "locomotive"} {
			if strings.Contains(page, secret) {
				t.Errorf("the page tells %q before anything is said", secret)
			}
		}
		for _, part := range []string{`value="yes"`, `value="no"`, `value="not-me"`, `value="stop"`, "14:30", "Samedi"} {
			if !strings.Contains(page, part) {
				t.Errorf("the page lacks %q", part)
			}
		}
		if a := phone.do(http.MethodHead, path, nil); a.StatusCode != http.StatusOK || a.body != "" {
			t.Errorf("HEAD: %d, %d bytes", a.StatusCode, len(a.body))
		}
		for _, form := range []url.Values{{}, say("maybe"), say("words"), {"answer": {"yes"}}} {
			if a := phone.do(http.MethodPost, path, form); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "Venez-vous") {
				t.Errorf("POST of %v: %d", form, a.StatusCode)
			}
		}
	}
	if a := phone.get(path + "/1"); a.StatusCode != http.StatusNotFound {
		t.Errorf("a page image of an appointment: %d", a.StatusCode)
	}
	if n := s.answers(t); n != 0 {
		t.Errorf("%d answers by looking", n)
	}
}

func TestAnswer(t *testing.T) {
	s := newStage(t)
	p := s.speaker("fr")
	path := s.reminded(t, "fr")
	phone, other := s.visitor(false), s.visitor(false)
	phone.page(path)
	other.page(path)
	phone.post(path, say("yes"), path)
	phone.wants(t, path, http.StatusOK, "C’est noté. À samedi.")
	phone.post(path, say("yes"), path) // the back button, and the same touch again
	if n := s.answers(t); n != 1 {
		t.Errorf("%d answers, want 1", n)
	}
	if got := s.said(t, p); len(got) != 1 || got[0] != "yes by link" {
		t.Errorf("the desk sees %v", got)
	}
	t.Run("nowhere else", func(t *testing.T) {
		other.wants(t, path, http.StatusGone, "Déjà répondu")
		if a := other.do(http.MethodPost, path, say("no")); a.StatusCode != http.StatusGone || strings.Contains(a.body, "tel:") {
			t.Errorf("POST by another browser: %d", a.StatusCode)
		}
	})
	t.Run("otherwise, within ten minutes", func(t *testing.T) {
		s.pass(5 * time.Minute)
		phone.post(path, say("no"), path)
		page := phone.wants(t, path, http.StatusOK, "Vous ne venez pas")
		if !strings.Contains(page, `href="tel:`) || !strings.Contains(page, `value="yes"`) {
			t.Error("one can neither call nor say yes again")
		}
		if got := s.said(t, p); len(got) != 1 || got[0] != "no by link" {
			t.Errorf("the desk sees %v", got)
		}
		v := s.opens(p)
		for _, href := range hrefs(v.page("/k/appointments"), "appointment?id=") {
			if !strings.Contains(v.page("/k/"+href), "Vous avez dit que vous ne pouvez pas.") {
				t.Error("the holder does not see what was said")
			}
		}
	})
	t.Run("no more after ten minutes", func(t *testing.T) {
		s.pass(6 * time.Minute)
		phone.wants(t, path, http.StatusGone, "Déjà répondu")
		if a := phone.do(http.MethodPost, path, say("yes")); a.StatusCode != http.StatusGone {
			t.Errorf("POST: %d", a.StatusCode)
		}
		if got := s.said(t, p); len(got) != 1 || got[0] != "no by link" {
			t.Errorf("the desk sees %v", got)
		}
	})
}

// TestAnswer_Double: both touches of a double one are one answer.
func TestAnswer_Double(t *testing.T) {
	s := newStage(t)
	path := s.reminded(t, "ar")
	phone := s.visitor(false)
	phone.page(path)
	var wg sync.WaitGroup
	statuses := make([]int, 4)
	for i := range statuses {
		wg.Go(func() {
			if res, err := phone.client.PostForm(phone.server.URL+path, say("yes")); err == nil {
				statuses[i] = res.StatusCode
				res.Body.Close()
			}
		})
	}
	wg.Wait()
	for i, status := range statuses {
		if status != http.StatusSeeOther {
			t.Errorf("touch %d: %d", i+1, status)
		}
	}
	if n := s.answers(t); n != 1 {
		t.Errorf("%d answers, want 1", n)
	}
	phone.wants(t, path, http.StatusOK, `dir="rtl"`)
}

// TestAnswer_Over: an appointment's link ends with its hour, and with the
// appointment; a guessed one never was.
func TestAnswer_Over(t *testing.T) {
	s := newStage(t)
	path := s.reminded(t, "fr")
	phone := s.visitor(false)
	phone.page(path)
	if a := phone.do(http.MethodPost, "/l/AAAAAAAAAAAAAAAA", say("yes")); a.StatusCode != http.StatusNotFound {
		t.Errorf("guessed: %d", a.StatusCode)
	}
	s.pass(22 * time.Hour)
	phone.wants(t, path, http.StatusGone, "trop vieux")
	if a := phone.do(http.MethodPost, path, say("yes")); a.StatusCode != http.StatusGone {
		t.Errorf("POST after the hour: %d", a.StatusCode)
	}
	if n := s.answers(t); n != 0 {
		t.Errorf("%d answers", n)
	}
}

// TestAnswer_Paper: neither kind of link does what the other is for.
func TestAnswer_Paper(t *testing.T) {
	s := newStage(t)
	path := s.linked(t)
	phone := s.visitor(false)
	if a := phone.do(http.MethodPost, path, say("yes")); a.StatusCode != http.StatusOK || s.answers(t) != 0 {
		t.Errorf("an answer to a paper: %d", a.StatusCode)
	}
	phone.wants(t, path, http.StatusOK, "une seule fois")
}

// TestAnswer_Ends: what ends everything, is not taken back by the link.
func TestAnswer_Ends(t *testing.T) {
	for said, table := range map[string]string{"not-me": "number_health", "stop": "opt_out"} {
		t.Run(said, func(t *testing.T) {
			s := newStage(t)
			p := s.speaker("fr")
			path := s.reminded(t, "fr")
			phone := s.visitor(false)
			phone.page(path)
			phone.post(path, sure(said), path)
			page := phone.wants(t, path, http.StatusOK, "C’est noté.")
			for _, secret := range []string{"tel:", "14:30", `name="say"`} {
				if strings.Contains(page, secret) {
					t.Errorf("the page has %q", secret)
				}
			}
			phone.post(path, say("yes"), path)
			if got := s.said(t, p); got != nil {
				t.Errorf("the desk sees %v", got)
			}
			if n := s.answers(t); n != 1 || s.count(t, "SELECT COUNT(*) FROM "+table) != 1 {
				t.Errorf("%d answers, want 1 and a row of %s", n, table)
			}
		})
	}
}

// TestAnswer_Sure: what ends everything is shown and asked first, and until one is
// sure nothing is burnt; no leads back.
func TestAnswer_Sure(t *testing.T) {
	for lang, words := range map[string]map[string]string{
		"fr": {"not-me": "Ce rendez-vous n’est pas le vôtre", "stop": "Vous ne voulez plus de messages"},
		"ar": {"not-me": "أليس هذا الموعد لك", "stop": "ألا تريد رسائل"},
	} {
		s := newStage(t)
		path := s.reminded(t, lang)
		phone, other := s.visitor(false), s.visitor(false)
		s.speaks(t, phone, path, nil, "answer.link", "answer.signs")
		for said, sentence := range words {
			for _, form := range []url.Values{say(said), {"say": {said}, "sure": {""}}, {"say": {said}, "sure": {"0"}}} {
				a := phone.do(http.MethodPost, path, form)
				if a.StatusCode != http.StatusOK || !strings.Contains(a.body, sentence) || !strings.Contains(a.body, `value="`+said+`"`) {
					t.Errorf("%s: POST of %v: %d", lang, form, a.StatusCode)
				}
			}
			s.speaks(t, phone, path, say(said), "answer.sure_"+strings.ReplaceAll(said, "-", "_"), "answer.sure_signs")
		}
		if n := s.answers(t) + s.count(t, "SELECT COUNT(*) FROM opt_out") + s.count(t, "SELECT COUNT(*) FROM number_health"); n != 0 {
			t.Errorf("%s: %d answers by asking", lang, n)
		}
		if !strings.Contains(other.page(path), `value="yes"`) {
			t.Errorf("%s: asking burnt the link", lang)
		}
		phone.post(path, say("yes"), path)
		if a := phone.do(http.MethodPost, path, say("stop")); a.StatusCode != http.StatusOK || !strings.Contains(a.body, words["stop"]) {
			t.Errorf("%s: stop after yes: %d", lang, a.StatusCode)
		}
		if a := other.do(http.MethodPost, path, say("stop")); a.StatusCode != http.StatusGone || strings.Contains(a.body, `value="stop"`) {
			t.Errorf("%s: stop by another browser: %d", lang, a.StatusCode)
		}
		phone.post(path, sure("stop"), path)
		if a := phone.do(http.MethodPost, path, say("not-me")); a.StatusCode != http.StatusOK || strings.Contains(a.body, `name="say"`) {
			t.Errorf("%s: after the end: %d", lang, a.StatusCode)
		}
		if n := s.count(t, "SELECT COUNT(*) FROM opt_out"); n != 1 {
			t.Errorf("%s: %d opt-outs, want 1", lang, n)
		}
	}
}

// speaks demands that a page of a link says these messages, each with all of its
// clips; form, where there is one, is posted.
func (s *stage) speaks(t *testing.T, phone *visitor, path string, form url.Values, keys ...string) {
	t.Helper()
	a := phone.get(path)
	if form != nil {
		a = phone.do(http.MethodPost, path, form)
	}
	m := regexp.MustCompile(`<html lang="([a-z]+)"`).FindStringSubmatch(a.body)
	if m == nil {
		t.Fatalf("%s: no page", path)
	}
	lang := m[1]
	body := strings.ReplaceAll(a.body, "&#43;", "+")
	for _, key := range keys {
		clips := locales.Must(lang).Say(key, locales.Args{"t": s.now(), "phone": locales.Phone("01")}).Clips
		if len(clips) == 0 || !strings.Contains(body, clips[len(clips)-1]) {
			t.Errorf("%s: the page does not say %s", lang, key)
		}
	}
}

// TestAnswer_Spoken: the number to call, and the question whether it was you, are said.
func TestAnswer_Spoken(t *testing.T) {
	s := newStage(t)
	for _, lang := range []string{"ar", "fr"} {
		path := s.reminded(t, lang)
		phone := s.visitor(false)
		phone.page(path)
		phone.post(path, say("no"), path)
		s.speaks(t, phone, path, nil, "answer.noted_no", "link.call_voice")
		s.speaks(t, s.visitor(false), path, nil, "link.not_you")
	}
}

// TestAnswer_Secrets: the letters stand in no table and in no log, before and after.
func TestAnswer_Secrets(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	s := newStage(t)
	path := s.reminded(t, "fr")
	letters := strings.TrimPrefix(path, "/l/")
	phone := s.visitor(false)
	phone.page(path)
	s.inNoTable(t, letters, phone.bound(path))
	phone.post(path, say("yes"), path)
	phone.page(path)
	phone.do(http.MethodPost, path, say("maybe"))
	s.visitor(false).get(path)
	s.inNoTable(t, letters, phone.bound(path))
	for _, secret := range []string{letters, phone.bound(path), s.speaker("fr").Phone} {
		if strings.Contains(log.String(), secret) {
			t.Error("a secret stands in the log")
		}
	}
	if !strings.Contains(log.String(), `/l/{letters}`) {
		t.Error("the requests were not logged")
	}
}

func (s *stage) inNoTable(t *testing.T, secrets ...string) {
	t.Helper()
	tables, err := database.Tables(t.Context(), s.db.Read())
	if err != nil {
		t.Fatal(err)
	}
	values := 0
	for _, table := range tables {
		for _, column := range table.Columns {
			rows, err := s.db.Read().Query(t.Context(), fmt.Sprintf("SELECT %s FROM %s", column, table.Name))
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var value any
				if err := rows.Scan(&value); err != nil {
					t.Fatal(err)
				}
				values++
				text := fmt.Sprintf("%s", value)
				for _, secret := range secrets {
					if strings.Contains(text, secret) {
						t.Errorf("%s.%s holds a secret", table.Name, column)
					}
				}
			}
			rows.Close()
		}
	}
	if values < 100 {
		t.Fatalf("%d values were looked at", values)
	}
}

// TestAnswer_Kiosk: the screen asks, what is said is noted and can be said anew.
func TestAnswer_Kiosk(t *testing.T) {
	s := newStage(t)
	for lang, words := range map[string][3]string{
		"fr": {"Venez-vous ?", "Vous avez dit que vous venez.", "Vous avez dit que vous ne pouvez pas."},
		"ar": {"هل ستأتي؟", "قلت إنك ستأتي.", "قلت إنك لا تستطيع."},
	} {
		p := s.speaker(lang)
		v := s.opens(p)
		page := hrefs(v.page("/k/appointments"), "appointment?id=")[0]
		_, id, _ := strings.Cut(page, "id=")
		told := s.answers(t)
		wants := func(sentence string) {
			t.Helper()
			if !strings.Contains(v.page("/k/"+page), sentence) {
				t.Errorf("%s: the page does not say %q", lang, sentence)
			}
		}
		wants(words[0])
		for i, what := range []string{"yes", "yes", "no"} {
			v.post("/k/answer", url.Values{"id": {id}, "say": {what}}, "/k/answered?id=")
			v.page("/k/answered?id=" + id)
			wants(words[1+i/2])
		}
		if n := s.answers(t) - told; n != 2 {
			t.Errorf("%s: the relay is told %d times, want 2", lang, n)
		}
		if got := s.said(t, p); len(got) != 1 || got[0] != "no by kiosk" {
			t.Errorf("%s: the desk sees %v", lang, got)
		}
		for _, form := range []url.Values{{"id": {id}, "say": {"maybe"}}, {"id": {id}}, {"id": {"x"}, "say": {"yes"}}} {
			if a := v.do(http.MethodPost, "/k/answer", form); a.StatusCode < 400 {
				t.Errorf("%s: POST of %v: %d", lang, form, a.StatusCode)
			}
		}
		v.post("/k/leave", url.Values{}, "/k/goodbye")
	}
}

// sicken lets somebody else answer at a person's number.
func (s *stage) sicken(t *testing.T, lang string) {
	t.Helper()
	path := s.reminded(t, lang)
	phone := s.visitor(false)
	phone.page(path)
	phone.post(path, sure("not-me"), path)
}

// TestNumber: a phone that does not answer any more is told at the kiosk; no link goes
// there until its holder says that it is theirs.
func TestNumber(t *testing.T) {
	s := newStage(t)
	p := s.speaker("fr")
	v := s.opens(p)
	if strings.Contains(v.page("/k/home"), `href="number"`) {
		t.Error("a well phone is shown as sick")
	}
	v.post("/k/leave", url.Values{}, "/k/goodbye")
	s.sicken(t, "fr")
	v = s.opens(p)
	for _, page := range []string{"/k/home", "/k/appointments"} {
		if !strings.Contains(v.page(page), `href="number"`) {
			t.Errorf("%s does not lead to the number", page)
		}
	}
	id := p.Documents[0].ID
	once := onceInPage.FindStringSubmatch(v.page("/k/paper?id=" + id))
	a := v.do(http.MethodPost, "/k/send", url.Values{"id": {id}, "once": {once[1]}})
	if a.StatusCode != http.StatusConflict || !strings.Contains(a.body, "Rien n’est envoyé") || !strings.Contains(a.body, `href="number"`) {
		t.Errorf("a link to a sick phone: %d", a.StatusCode)
	}
	want := locales.Must("fr").Text("call.number", locales.Args{"phone": dialled(p.Phone)})
	if page := v.page("/k/number"); !strings.Contains(page, want) || !strings.Contains(page, "C’est encore votre numéro") {
		t.Error("the number is not shown")
	}
	v.page("/k/number-changed")
	v.post("/k/number", url.Values{}, "/k/number-confirmed")
	v.page("/k/number-confirmed")
	if strings.Contains(v.page("/k/home"), `href="number"`) {
		t.Error("a phone that was confirmed is shown as sick")
	}
	v.post("/k/send", url.Values{"id": {id}, "once": {once[1]}}, "/k/sent")
}

// TestNumber_Stopped: whoever stopped the messages by a link can have them again, and
// until then nothing is sent.
func TestNumber_Stopped(t *testing.T) {
	s := newStage(t)
	for lang, words := range map[string][3]string{
		"fr": {"Voulez-vous de nouveau des messages", "Rien n’est envoyé", "Vous aurez de nouveau des messages"},
		"ar": {"هل تريد رسائل من جديد", "لم يرسل شيء", "ستصلك رسائل من جديد"},
	} {
		p := s.speaker(lang)
		path := s.reminded(t, lang)
		phone := s.visitor(false)
		phone.page(path)
		phone.post(path, sure("stop"), path)
		stops := s.count(t, "SELECT COUNT(*) FROM opt_out")
		v := s.opens(p)
		for _, page := range []string{"/k/home", "/k/appointments"} {
			if !strings.Contains(v.page(page), `href="number"`) {
				t.Errorf("%s: %s does not lead to the number", lang, page)
			}
		}
		id := p.Documents[0].ID
		once := onceInPage.FindStringSubmatch(v.page("/k/paper?id=" + id))
		a := v.do(http.MethodPost, "/k/send", url.Values{"id": {id}, "once": {once[1]}})
		if a.StatusCode != http.StatusConflict || !strings.Contains(a.body, words[1]) || !strings.Contains(a.body, `href="number"`) {
			t.Errorf("%s: a link to a phone that wants none: %d", lang, a.StatusCode)
		}
		if page := v.page("/k/number"); !strings.Contains(page, words[0]) || !strings.Contains(page, `name="resume" value="1"`) {
			t.Errorf("%s: one cannot ask for messages again", lang)
		}
		s.pass(time.Second)
		v.post("/k/number", url.Values{"resume": {"1"}}, "/k/number-resumed")
		if !strings.Contains(v.page("/k/number-resumed"), words[2]) || strings.Contains(v.page("/k/home"), `href="number"`) {
			t.Errorf("%s: it is not noted", lang)
		}
		if err := s.queue.MarkNumbers(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := s.count(t, "SELECT COUNT(*) FROM opt_out"); n != stops-1 {
			t.Errorf("%s: %d opt-outs, want %d", lang, n, stops-1)
		}
		v.post("/k/leave", url.Values{}, "/k/goodbye")
	}
}

// TestSend_Enough: the eleventh paper of a day is not sent, and that is said.
func TestSend_Enough(t *testing.T) {
	s := newStage(t)
	p := s.speaker("fr")
	v := s.opens(p)
	id := p.Documents[0].ID
	send := func() answer {
		once := onceInPage.FindStringSubmatch(v.page("/k/paper?id=" + id))
		return v.do(http.MethodPost, "/k/send", url.Values{"id": {id}, "once": {once[1]}})
	}
	for i := range 10 {
		if a := send(); a.StatusCode != http.StatusSeeOther {
			t.Fatalf("link %d: %d", i+1, a.StatusCode)
		}
	}
	if a := send(); a.StatusCode != http.StatusTooManyRequests || !strings.Contains(a.body, "dix papiers en un jour") {
		t.Errorf("the eleventh: %d", a.StatusCode)
	}
	if n := s.count(t, "SELECT COUNT(*) FROM link WHERE purpose = 'paper'"); n != 10 {
		t.Errorf("%d links", n)
	}
	s.pass(24 * time.Hour)
	v = s.opens(p)
	if a := send(); a.StatusCode != http.StatusSeeOther {
		t.Errorf("a day later: %d", a.StatusCode)
	}
}
