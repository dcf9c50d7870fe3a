package locales

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Meaning is what somebody means who answers an SMS.
type Meaning string

// What an answer may mean. Each language lists its words for each of them.
const (
	AnswerYes   Meaning = "yes"    // I shall be there
	AnswerNo    Meaning = "no"     // I shall not
	AnswerStop  Meaning = "stop"   // no more messages
	AnswerStart Meaning = "start"  // messages again
	AnswerNotMe Meaning = "not-me" // this is somebody else's phone
)

// answers is a language's table of words, as its file has them.
type answers struct {
	Yes, No, Stop, Start []string
	NotMe                []string `toml:"not_me"`
}

func (a answers) byMeaning() map[Meaning][]string {
	return map[Meaning][]string{
		AnswerYes: a.Yes, AnswerNo: a.No, AnswerStop: a.Stop, AnswerStart: a.Start, AnswerNotMe: a.NotMe,
	}
}

// everywhere is understood whatever the language: the digits that a reminder
// offers, and the words that carriers and networks know.
var everywhere = answers{
	Yes: []string{"1"}, No: []string{"2"},
	Stop:  []string{"STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "ARRET"},
	Start: []string{"START", "UNSTOP"},
}

// Answer tells what an answer means, in any language of the catalogue. The words
// must be all of it; case, accents, short vowels, spaces, dots and emoji are
// forgiven, and so is how a letter or a digit is written in Arabic. It answers
// false for everything else.
func Answer(text string) (Meaning, bool) {
	if len(text) > longestAnswer {
		return "", false
	}
	m, ok := loaded().answers[answerKey(text)]
	return m, ok
}

// longestAnswer is in bytes, far above any word of any list with its signs; what
// is longer is a letter to the desk.
const longestAnswer = 512

// answerKey brings an answer to the form under which it is looked up: letters
// and digits alone, without case and accents.
func answerKey(text string) string {
	var out strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(norm.NFKC.String(text))) {
		switch {
		case unicode.Is(unicode.Nd, r):
			out.WriteByte(byte('0' + digitValue(r)))
		case unicode.In(r, unicode.Mn, unicode.Mc) && !accent(r):
			out.WriteRune(r) // a vowel: half the word in the scripts of India
		case unicode.IsLetter(r):
			out.WriteString(plainLetter(r))
		}
	}
	return out.String()
}

// accent tells marks that a hurried writer leaves out: accents and the short
// vowels of Arabic and Hebrew.
func accent(r rune) bool {
	return unicode.In(r, unicode.Inherited, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Arabic, unicode.Hebrew)
}

// digitValue gives what a digit of any script counts: their ranges run from nought
// to nine, perhaps several times.
func digitValue(r rune) int {
	for _, block := range unicode.Nd.R16 {
		if lo, hi := rune(block.Lo), rune(block.Hi); lo <= r && r <= hi {
			return int(r-lo) % 10
		}
	}
	for _, block := range unicode.Nd.R32 {
		if lo, hi := rune(block.Lo), rune(block.Hi); lo <= r && r <= hi {
			return int(r-lo) % 10
		}
	}
	return 0
}

// plainLetters are letters that stand for each other in hurried writing and have
// no decomposition that says so.
var plainLetters = map[rune]string{
	'œ': "oe", 'æ': "ae", 'ø': "o", 'ł': "l", 'đ': "d", 'ı': "i", 'ß': "ss", 'ς': "σ",
	'ٱ': "ا", 'ى': "ي", 'ی': "ي", 'ک': "ك", 'ة': "ه", 'ہ': "ه", 'ھ': "ه", 'ە': "ه",
	'ء': "", 'ـ': "", // a hamza by itself, and the stroke that lengthens a word
}

func plainLetter(r rune) string {
	if to, ok := plainLetters[r]; ok {
		return to
	}
	return string(r)
}

// collect puts the words of all languages into one table. A word that means one
// thing here and another there is refused: nobody says in which language they
// answer.
func (s *set) collect() error {
	s.answers = map[string]Meaning{}
	if err := s.learn(everywhere); err != nil {
		return err
	}
	for _, tag := range s.tags {
		if err := s.learn(s.byTag[tag].language.Answers); err != nil {
			return fmt.Errorf("language %s: %w", tag, err)
		}
	}
	return nil
}

func (s *set) learn(a answers) error {
	for meaning, words := range a.byMeaning() {
		for _, word := range words {
			key := answerKey(word)
			if key == "" || len(word) > longestAnswer {
				return fmt.Errorf("answers %s: %q is no word", meaning, word)
			}
			if before, known := s.answers[key]; known && before != meaning {
				return fmt.Errorf("answers %s: %q means %q already", meaning, word, before)
			}
			s.answers[key] = meaning
		}
	}
	return nil
}

// check sees that a language can be answered in.
func (a answers) check() error {
	for meaning, words := range a.byMeaning() {
		if len(words) == 0 {
			return fmt.Errorf("answers %s: no words", meaning)
		}
	}
	return nil
}
