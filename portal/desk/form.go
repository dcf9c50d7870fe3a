package desk

import (
	"crypto/rand"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"consigne/portal/vault"
)

// form is a form as shown: what was typed, what was wrong with it, and a value
// that makes a second sending of it do nothing.
type form struct {
	values   url.Values
	problems map[string]string
	Top      string // what was wrong with no field in particular
	Once     string
}

// newForm is an empty form with a fresh once value.
func newForm() form {
	return form{values: url.Values{}, problems: map[string]string{}, Once: rand.Text()}
}

// typedForm is a form as it was sent. It keeps the sent once value: a refused
// form did nothing, so that sending it again is still the first time.
func typedForm(values url.Values) form {
	f := form{values: values, problems: map[string]string{}, Once: values.Get("once")}
	if f.Once == "" || len(f.Once) > 64 {
		f.Once = rand.Text()
	}
	return f
}

// refuse marks the field that an error is about, if it is one of those that the
// form shows, and else the form as a whole. It returns the status to answer with,
// and false for an error that no form can explain.
func (f *form) refuse(err error, fields ...string) (status int, ok bool) {
	p, ok := explain(err)
	if !ok {
		return 0, false
	}
	if !slices.Contains(fields, p.field) {
		f.Top = p.text
	} else {
		f.problems[p.field] = p.text
	}
	return p.status, true
}

// mark says that a field is not what was expected of it.
func (f *form) mark(field string) { f.problems[field] = invalids[field] }

// OK is true while nothing was found wrong.
func (f form) OK() bool { return len(f.problems) == 0 && f.Top == "" }

// Value is what was typed into a field, without spaces around it.
func (f form) Value(name string) string { return strings.TrimSpace(f.values.Get(name)) }

// Chosen tells whether a choice among several was made.
func (f form) Chosen(name, value string) bool { return slices.Contains(f.values[name], value) }

// Problem is what was wrong with a field, or "".
func (f form) Problem(name string) string { return f.problems[name] }

// Field describes a field for the shared template "input".
func (f form) Field(name, label string) field {
	return field{Name: name, Label: label, Type: "text", Value: f.Value(name), Problem: f.problems[name], Required: true, Complete: "off"}
}

// field is one labelled input. Its methods return changed copies, so that a page
// can write what is special about it in one line.
type field struct {
	Name, Label, Type, Complete, Hint, Value, Problem, Mode string
	Required, Depends                                       bool
	Echo                                                    bool // a day is said back in words
	Length                                                  int
}

// As sets the input's type and what browsers may fill in. A password is never
// sent back to the page it came from.
func (f field) As(kind, complete string) field {
	f.Type, f.Complete = kind, complete
	if kind == "password" {
		f.Value = ""
	}
	return f
}

// Digits asks phones for their number keys.
func (f field) Digits() field { f.Mode = "numeric"; return f }

// Help adds a line under the label.
func (f field) Help(text string) field { f.Hint = text; return f }

// Optional lets the field stay empty.
func (f field) Optional() field { f.Required = false; return f }

// Date is for a day typed as 14/03/1951; the page's script says its weekday.
// Browsers' own date fields show the order of their own language, not of ours.
func (f field) Date() field { f.Mode, f.Echo = "numeric", true; return f }

// Maybe is for a field that other answers of the form may call for.
func (f field) Maybe() field { f.Required, f.Depends = false, true; return f }

// Upto bounds the number of letters.
func (f field) Upto(n int) field { f.Length = n; return f }

// parseDay reads a civil date as typed in France, 14/03/1951 or 14.3.1951, or as
// browsers send it, 1951-03-14.
func parseDay(text string) (vault.Date, bool) {
	text = strings.TrimSpace(text)
	parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("/. -", r) })
	if len(parts) != 3 {
		return vault.Date{}, false
	}
	if len(parts[0]) != 4 {
		slices.Reverse(parts)
	}
	if len(parts[0]) != 4 || len(parts[1]) > 2 || len(parts[2]) > 2 {
		return vault.Date{}, false
	}
	pad := func(s string) string { return strings.Repeat("0", 2-len(s)) + s }
	day, err := vault.ParseDate(parts[0] + "-" + pad(parts[1]) + "-" + pad(parts[2]))
	return day, err == nil
}

// parseHour reads an hour as typed in France: 14:30, 14h30, 14 h, 1430.
func parseHour(text string) (hour, minute int, ok bool) {
	digits := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(":hH. ", r) })
	if len(digits) == 1 && len(digits[0]) == 4 {
		digits = []string{digits[0][:2], digits[0][2:]}
	}
	if len(digits) == 1 {
		digits = append(digits, "00")
	}
	if len(digits) != 2 || len(digits[0]) > 2 || len(digits[1]) != 2 {
		return 0, 0, false
	}
	h, errH := strconv.ParseUint(digits[0], 10, 8)
	m, errM := strconv.ParseUint(digits[1], 10, 8)
	return int(h), int(m), errH == nil && errM == nil && h < 24 && m < 60
}

// Fresh empties the field: a code that was refused is never typed again.
func (f field) Fresh() field { f.Value = ""; return f }

// Describes names the elements that explain the field to a screen reader.
func (f field) Describes() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.Name+"-hint")
	}
	if f.Problem != "" {
		ids = append(ids, f.Name+"-problem")
	}
	return strings.Join(ids, " ")
}

// options is a field with what it offers, for the shared template "select".
type options struct {
	Field   field
	Choices []choice
}

func choose(f field, choices []choice) options { return options{f, choices} }
