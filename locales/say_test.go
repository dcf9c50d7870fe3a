package locales

import (
	"bytes"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

var (
	thursday = time.Date(2026, time.November, 26, 14, 30, 0, 0, time.FixedZone("", 3600))
	gare     = Own{Text: "CCAS du quartier Gare", Clip: "relay/gare"}
	paper    = Kind("domiciliation")
)

// The sentences of the screens, word for word.
func TestSayFrenchWordForWord(t *testing.T) {
	l := Must("fr")
	for _, c := range []struct {
		key  string
		args Args
		want string
	}{
		{"rest.voice", nil, "Bonjour. Montrez votre carte."},
		{"code.voice", nil, "Touchez votre image."},
		{"home.voice", nil, "Bonjour. Que voulez-vous ouvrir ?"},
		{"hear.papers", nil, "Vos papiers. Pour les ouvrir, touchez encore."},
		{"home.strip", Args{"t": thursday, "n": 3, "place": gare}, "Jeudi 26 novembre, dans trois nuits, à 14 heures 30, au CCAS du quartier Gare."},
		{"home.strip", Args{"t": thursday, "n": 0, "place": gare}, "Jeudi 26 novembre, aujourd’hui, à 14 heures 30, au CCAS du quartier Gare."},
		{"papers.voice", Args{"n": 9, "expired": 1, "soon": 1}, "Vos papiers. Il y en a neuf. Un n’est plus valable. Un finit bientôt."},
		{"papers.voice", Args{"n": 21, "expired": 2, "soon": 0}, "Vos papiers. Il y en a vingt et un. Deux ne sont plus valables."},
		{"paper.voice", Args{"paper": paper, "validity": l.Say("paper.left", Args{"n": 12})}, "Domiciliation. Valable encore douze jours. Que voulez-vous faire ?"},
		{"share.who", Args{"paper": paper}, "Domiciliation. À qui voulez-vous la montrer ?"},
		{"share.how_long", nil, "Pour combien de temps ?"},
		{"confirm.nights", Args{"relay": gare, "paper": paper, "n": 7}, "Au CCAS du quartier Gare, on pourra lire votre domiciliation pendant sept nuits. Vous pouvez dire stop à tout moment."},
		{"who.voice", Args{"n": 2, "looked": l.Say("seen.morning", Args{"relay": Own{Text: "CCAS"}})}, "Deux relais peuvent voir vos papiers. Au CCAS, on a regardé ce matin."},
		{"appointment.voice", Args{"t": thursday, "place": gare, "bring": l.Say("bring.both", Args{"n": 5, "expired": 1, "missing": 1})},
			"Jeudi 26 novembre, à 14 heures 30, au CCAS du quartier Gare. Apportez cinq papiers : un est périmé, un manque."},
		{"idle.voice", nil, "Vous êtes encore là ? Touchez l’écran. Sinon, tout se ferme."},
		{"bye.voice", nil, "Au revoir. Tout est effacé ici. Reprenez votre carte et vos feuilles."},
		{"card.unread", nil, "Je ne vois pas votre carte. Essuyez-la, mettez-la à plat, ou appelez quelqu’un."},
		{"machine.down", nil, "La machine ne marche pas maintenant. Vos papiers sont en sécurité. Appelez quelqu’un."},
		{"call.called", nil, "Nous avons appelé. Quelqu’un vient. Vous pouvez attendre ici."},
		{"call.late", Args{"phone": Phone("+33465712042")}, "Personne ne répond. Vous pouvez téléphoner au 04 65 71 20 42."},
		{"link.voice", nil, "Un papier pour vous. Il s’ouvre une seule fois."},
		{"link.used", nil, "Déjà ouvert. Ce lien ne marche plus."},
		{"paper.until", Args{"t": time.Date(2031, 12, 1, 0, 0, 0, 0, time.UTC)}, "Valable jusqu’au 1er décembre 2031."},
		{"code.wrong", Args{"n": 4}, "Ce ne sont pas vos images. Encore quatre essais."},
	} {
		if diff := cmp.Diff(c.want, l.Say(c.key, c.args).Caption); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.key, diff)
		}
	}
}

func TestSayArabic(t *testing.T) {
	l := Must("ar")
	for _, c := range []struct {
		key  string
		args Args
		want string
	}{
		{"home.voice", nil, "أهلًا. ماذا تريد أن تفتح؟"},
		{"when.nights", Args{"n": 3}, "بعد ثلاث ليالٍ"},
		{"when.nights", Args{"n": 2}, "بعد ليلتين"},
		{"when.nights", Args{"n": 11}, "بعد إحدى عشرة ليلة"},
		{"when.nights", Args{"n": 100}, "بعد مئة ليلة"},
		{"paper.left", Args{"n": 12}, "الصلاحية باقية لمدة اثني عشر يومًا."},
		{"when.date", Args{"t": thursday}, "الخميس 26 نوفمبر"},
		{"home.strip", Args{"t": thursday, "n": 3, "place": gare}, "الخميس 26 نوفمبر، بعد ثلاث ليالٍ، الساعة 14:30، في \u2068CCAS du quartier Gare\u2069."},
		{"confirm.nights", Args{"relay": gare, "paper": paper, "n": 7}, "سيمكن لمركز \u2068CCAS du quartier Gare\u2069 أن يقرأ شهادة عنوانك لمدة سبع ليالٍ. يمكنك أن تقول قف في أي وقت."},
		{"call.number", Args{"phone": Phone("04 65 71 20 42")}, "\u206604 65 71 20 42\u2069"},
	} {
		if diff := cmp.Diff(c.want, l.Say(c.key, c.args).Caption); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.key, diff)
		}
	}
}

// words are the letters and digits of a text, without capitals.
func words(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
}

// heard maps every clip of a language to the words, as shown, that it says. It
// is drawn from the list that clips are built from, not from what Say does.
func heard(t *testing.T, l *Locale) map[string][]string {
	t.Helper()
	clips := map[string][]string{pauseClip: {""}, gare.Clip: {words(gare.Text)}}
	for _, s := range l.Spoken() {
		clips[s.Name] = []string{words(l.language.shown(s.Words))}
	}
	for list, values := range l.language.Values {
		for i, value := range values {
			shown, _ := split(value)
			name := l.closed(list, i).clips[0]
			clips[name] = []string{words(l.language.shown(shown))}
			if strings.HasPrefix(list, "number.") && i <= mostNumber {
				clips[name] = append(clips[name], strconv.Itoa(i))
			}
		}
	}
	for _, rule := range l.language.Names {
		for form, word := range rule.Forms {
			if word != "" {
				shown, _ := split(word)
				clips[l.wordClip(form, word)] = []string{words(shown)}
			}
		}
	}
	return clips
}

// What is heard is what is read: for every message, with every count that makes
// a difference, the words of the clips in a row are the words of the caption.
func TestCaptionIsWhatTheClipsSay(t *testing.T) {
	each(t, func(t *testing.T, l *Locale) {
		said := heard(t, l)
		checked := 0
		for key := range l.messages.byKey {
			if strings.HasPrefix(key, "sms.") {
				continue
			}
			for _, n := range []int{0, 1, 2, 3, 10, 11, 21, 81, 99, 100, 101, 102, 103, 5000} {
				args := Args{
					"n": n, "expired": n, "soon": n, "missing": n, "page": n, "pages": n, "t": thursday.Add(time.Duration(n) * 25 * time.Hour),
					"paper": paper, "relay": gare, "place": gare, "phone": Phone("+33 4 65 71 20 42"),
					"label": l.Say("action.share", nil), "validity": l.Say("paper.left", Args{"n": n}),
					"looked": l.Say("seen.morning", Args{"relay": gare}), "bring": l.Say("bring.nothing", nil),
				}
				s := l.Say(key, args)
				rest := words(s.Caption)
				for _, clip := range s.Clips {
					taken := false
					for _, w := range said[clip] {
						if after, ok := strings.CutPrefix(rest, w); ok && !taken {
							rest, taken = after, true
						}
					}
					if !taken {
						t.Fatalf("%s %d: clip %s says %q, the caption goes on %q", key, n, clip, said[clip], rest)
					}
				}
				if rest != "" || s.Caption == "" && n > 0 {
					t.Errorf("%s %d: nobody says %q of %q", key, n, rest, s.Caption)
				}
				if got := l.Text(key, args); got != s.Caption {
					t.Errorf("%s %d: Text %q, caption %q", key, n, got, s.Caption)
				}
				checked++
			}
		}
		if checked < 1000 {
			t.Errorf("only %d sentences checked", checked)
		}
	})
}

// Every number, hour, minute, day, month and year has a shown and a said form.
func TestEveryMomentIsSaid(t *testing.T) {
	each(t, func(t *testing.T, l *Locale) {
		for at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2055; at = at.Add(41*time.Hour + 7*time.Minute) {
			for _, form := range []string{"when.date", "when.long", "when.time"} {
				s := l.Say(form, Args{"t": at})
				if len(s.Clips) == 0 || s.Caption == "" {
					t.Fatalf("%s %v: %+v", form, at, s)
				}
			}
		}
		if got := l.Text("when.long", Args{"t": time.Date(1999, 5, 1, 0, 0, 0, 0, time.UTC)}); !strings.HasSuffix(got, "1999") {
			t.Errorf("a year outside the list: %q", got)
		}
	})
}

func TestFrenchTimes(t *testing.T) {
	l := Must("fr")
	for at, want := range map[string]string{"00:00": "0 heure", "01:05": "1 heure 05", "14:30": "14 heures 30", "21:00": "21 heures", "23:59": "23 heures 59"} {
		moment, err := time.Parse("15:04", at)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Time(moment).Caption; got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
	for n, want := range map[int]string{0: "Aujourd’hui", 1: "Demain", 3: "Dans trois nuits", 21: "Dans vingt et une nuits", 200: "Dans plus de cent nuits", -4: "Aujourd’hui"} {
		if got := l.Nights(n).Caption; got != want {
			t.Errorf("%d nights: %q, want %q", n, got, want)
		}
	}
	if got := l.Day(thursday).Caption + ", " + l.Date(thursday).Caption + ", " + l.Number(71).Caption; got != "Jeudi, Jeudi 26 novembre, Soixante et onze" {
		t.Error(got)
	}
}

func TestPhone(t *testing.T) {
	for number, want := range map[Phone]string{
		"+33465712042": "04 65 71 20 42", "04.65.71.20.42": "04 65 71 20 42", "+262262123456": "02 62 12 34 56",
		"+594594123456": "05 94 12 34 56", "115": "1 15", "+32 2 123 45 67": "32 21 23 45 67", "": "",
	} {
		if got := Must("fr").Text("call.number", Args{"phone": number}); got != want {
			t.Errorf("%q: %q, want %q", number, got, want)
		}
	}
}

func TestNamesTakeTheirLittleWord(t *testing.T) {
	for name, want := range map[string]string{
		"CCAS du quartier Gare": "au CCAS du quartier Gare", "Médiathèque du Pont": "à la Médiathèque du Pont",
		"Accueil de jour": "à l’Accueil de jour", "Les Tilleuls": "chez Les Tilleuls", "Emmaüs": "à Emmaüs", "Urgences": "aux Urgences",
	} {
		got := Must("fr").Text("appointment.voice", Args{"t": thursday, "place": Own{Text: name}, "bring": Sentence{}})
		if !strings.HasSuffix(got, ", "+want+".") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestCapitalsOnlyWhereTheScriptHasThem(t *testing.T) {
	for text, want := range map[string]string{
		"jeudi. un finit ? oui": "Jeudi. Un finit ? Oui", "à 14.30": "À 14.30", "": "", "ათი. ათი": "ათი. ათი", "26 mai": "26 mai",
	} {
		if got := capitals(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// logged runs fn and returns what it logged.
func logged(t *testing.T, fn func()) string {
	t.Helper()
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	defer slog.SetDefault(before)
	fn()
	return out.String()
}

func TestWhatIsMissingIsLoggedWithoutItsContent(t *testing.T) {
	log := logged(t, func() {
		if got := Must("ar").Text("no.such_key", Args{"relay": "Secret"}); !strings.EqualFold(got, "no.such_key") {
			t.Errorf("unknown key: %q", got)
		}
		if got := Must("fr").Text("papers.count", Args{"n": "Secret"}); got != "Il y en a Secret." {
			t.Errorf("a string in the place of a number: %q", got)
		}
		if got := Must("fr").Text("confirm.today", Args{"relay": gare}); !strings.Contains(got, "pourra lire aujourd’hui") {
			t.Errorf("missing argument: %q", got)
		}
		Must("fr").Say("call.number", Args{"phone": "Secret"})
		Must("fr").Text("share.who", Args{"paper": Kind("unknown")})
		Must("xx")
	})
	for _, want := range []string{"no such message", "no value for a place", "words without a clip", "French stands in"} {
		if !strings.Contains(log, want) {
			t.Errorf("not logged: %s", want)
		}
	}
	if strings.Contains(log, "Secret") {
		t.Errorf("a value was logged:\n%s", log)
	}
}

// The engine is given other letters than the reader: this is the list of what it
// would say wrongly.
func TestRespelled(t *testing.T) {
	for words, want := range map[string]string{
		"CCAS, CPAM et CHU": "C C A S , C P A M  et C H U  ", "CAF et SAMU": "CAF et SAMU", "Croix-Rouge": "Croix-Rouge",
	} {
		if got := Must("fr").language.Voice.respelled(words); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
	for words, want := range map[string]string{
		"السَّادِسِ وَالْعِشْرِينَ": "السَادِسِ وَلْعِشْرِينَ", "بِالرَّقْمِ": "بِر\u0651\u064eقْمِ", "مَرَّات": "مَر\u0651\u064eات",
		"دَقِيقَة": "دَقِيقَه", "صُورَةِ": "صُورَةِ", "أَوِ اطْلُبِ": "أَوِطْلُبِ",
	} {
		if got := Must("ar").language.Voice.respelled(words); got != want {
			t.Errorf("%q: %+q, want %+q", words, got, want)
		}
	}
}
