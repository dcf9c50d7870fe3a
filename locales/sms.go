package locales

import "strings"

// SMS returns the text of a template, the message "sms.TEMPLATE", folded so that
// no letter costs a segment more than it must.
func SMS(tag, template string, args Args) string {
	l := Must(tag)
	return l.fold(l.Text("sms."+template, args))
}

// Fold writes text with the letters that GSM-7 has, as far as the language
// says how; a language written in another alphabet folds signs only.
func Fold(tag, text string) string { return Must(tag).fold(text) }

func (l *Locale) fold(text string) string {
	var out strings.Builder
	for _, r := range text {
		if to, ok := l.language.Fold[string(r)]; ok {
			out.WriteString(to)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}
