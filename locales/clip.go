package locales

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The sounds that are no words.
const (
	pauseClip = "sound/pause"
	// TickClip is the plain tick of a touched code picture, the same for all.
	TickClip = "sound/tick"
	// SilenceClip is a second of silence.
	SilenceClip = "sound/silence"
)

// fragmentName names the clip of the i-th spoken stretch of a message's form.
// A message that is one stretch lends the clip its own name.
func fragmentName(m *message, form string, i int) string {
	name := m.key
	if len(m.forms) > 1 {
		name += "." + form
	}
	if stretches(m.forms[form]) > 1 {
		name += "." + strconv.Itoa(i+1)
	}
	return name
}

func stretches(pieces []piece) (n int) {
	for _, p := range pieces {
		if p.name == "" && speaks(p.fixed) {
			n++
		}
	}
	return n
}

// wordClip names the clip of a little word that stands before names.
func (l *Locale) wordClip(form, word string) string {
	for i, rule := range l.language.Names {
		if rule.Forms[form] == word {
			return l.Tag() + "/name." + form + "." + strconv.Itoa(i)
		}
	}
	return ""
}

// Spoken is a clip to be made: its name and the words that it says.
type Spoken struct{ Name, Words string }

// VoiceSettings is all that shapes the synthetic voice besides the words; a
// clip made with other settings is out of date.
func (l *Locale) VoiceSettings() string { return fmt.Sprintf("%+v", l.language.Voice) }

// Spoken lists every clip of this language, sorted by name. It is empty for a
// language that no engine speaks.
func (l *Locale) Spoken() []Spoken {
	if !l.HasVoice() {
		return nil
	}
	said := map[string]string{}
	for _, m := range l.messages.byKey {
		for form, pieces := range m.forms {
			i := 0
			for j, p := range pieces {
				if p.name == "" && speaks(p.fixed) {
					said[fragmentName(m, form, i)] = leading(p.fixed, j < len(pieces)-1)
					i++
				}
			}
		}
	}
	for list, values := range l.language.Values {
		for i, value := range values {
			clip := l.closed(list, i).clips[0]
			_, words := split(value)
			said[strings.TrimPrefix(clip, l.Tag()+"/")] = words
		}
	}
	for _, rule := range l.language.Names {
		for form, word := range rule.Forms {
			if word != "" {
				_, words := split(word)
				said[strings.TrimPrefix(l.wordClip(form, word), l.Tag()+"/")] = words
			}
		}
	}
	list := make([]Spoken, 0, len(said))
	for name, words := range said {
		list = append(list, Spoken{Name: l.Tag() + "/" + name, Words: words})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list
}

// leading lets the voice stay up where the sentence goes on after a stretch.
func leading(words string, goesOn bool) string {
	words = strings.TrimSpace(words)
	if last, _ := utf8.DecodeLastRuneInString(words); goesOn && (unicode.IsLetter(last) || unicode.IsMark(last)) {
		return words + ","
	}
	return words
}

// Clip returns a built clip as MP3 frames. False means that there is none of
// this name, or that the voices were not built.
func Clip(name string) ([]byte, bool) { return clipFile(name + ".mp3") }

// UnknownClipError is returned by [Join] for a name that no clip bears.
type UnknownClipError struct{ Name string }

func (e *UnknownClipError) Error() string { return fmt.Sprintf("join clips: %q: no such clip", e.Name) }

// Join returns the clips one after another as one MP3 stream. Names that are
// not of this package, such as "relay/ID", are looked for with own. It returns
// an [*UnknownClipError] for a name that nobody knows and a [*FrameError] for
// a clip that is not of our one format.
func Join(names []string, own ...func(name string) ([]byte, bool)) ([]byte, error) {
	var joined []byte
	for _, name := range names {
		data, ok := Clip(name)
		for i := 0; !ok && i < len(own); i++ {
			data, ok = own[i](name)
		}
		if !ok {
			return nil, &UnknownClipError{Name: name}
		}
		if err := CheckFrames(data); err != nil {
			return nil, fmt.Errorf("join clip %q: %w", name, err)
		}
		joined = append(joined, data...)
	}
	return joined, nil
}
