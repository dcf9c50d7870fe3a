package holder

import (
	"embed"
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"consigne/cards"
	"consigne/locales"
)

//go:embed drawings/*.svg
var drawingFiles embed.FS

// templateFuncs are what templates draw with. Each fails for a name that has no
// picture, so that a test which renders every page finds it.
func templateFuncs(static func(string) string) template.FuncMap {
	return template.FuncMap{
		"static": static, "icon": icon, "drawing": drawing, "picture": picture, "thumb": thumb,
		"mark": markSVG, "seq": func(n int) []struct{} { return make([]struct{}, n) },
		"tickClip": func() string { return locales.TickClip },
	}
}

// phoneFuncs are those, and the kiosk's drawings of a day and an hour.
func phoneFuncs(static func(string) string) template.FuncMap {
	funcs := templateFuncs(static)
	drawn := template.Must(template.New("time").Funcs(funcs).ParseFS(kioskFiles, "kioskpages/parts/time.html"))
	part := func(name string) func(any) (template.HTML, error) {
		return func(data any) (template.HTML, error) {
			var out strings.Builder
			err := drawn.ExecuteTemplate(&out, name, data)
			return template.HTML(out.String()), err
		}
	}
	funcs["sky"], funcs["leaf"] = part("sky"), part("leaf")
	return funcs
}

// icon inlines a Phosphor icon; its size is the letters' and its ink theirs.
func icon(name, weight string, classes ...string) (template.HTML, error) {
	svg, ok := locales.Icon(name, weight)
	if !ok {
		return "", fmt.Errorf("icon %s %s: none of this name", weight, name)
	}
	return inline(svg, append([]string{"icon", weight}, classes...)...), nil
}

// picture inlines a code picture or a badge.
func picture(name string) (template.HTML, error) {
	svg, ok := locales.Picture(name)
	if !ok {
		return "", fmt.Errorf("picture %s: none of this name", name)
	}
	return inline(svg, "picture-of"), nil
}

func markSVG(m cards.Mark) template.HTML { return inline(m.SVG()) }

// drawing inlines one of this room's own drawings, which bear their classes.
func drawing(name string, classes ...string) (template.HTML, error) {
	svg, err := drawingFiles.ReadFile("drawings/" + name + ".svg")
	if err != nil {
		return "", fmt.Errorf("drawing %s: none of this name", name)
	}
	return inline(svg, append([]string{"drawing", name}, classes...)...), nil
}

// wideKinds are the kinds of paper that have the shape of a card.
var wideKinds = map[string]bool{"residence-permit": true, "health-card": true, "identity-card": true}

// thumb draws a paper by its kind, not by its scan: over a shoulder nothing can
// be read.
func thumb(kind string) (template.HTML, error) {
	svg, err := drawingFiles.ReadFile("drawings/thumb-" + kind + ".svg")
	if err != nil {
		return "", fmt.Errorf("thumb %s: none of this name", kind)
	}
	if wideKinds[kind] {
		return inline(svg, "thumb", "wide"), nil
	}
	return inline(svg, "thumb"), nil
}

// inline makes an SVG file part of a page: a class for the style sheet, and
// hidden from screen readers, which read the caption beside it.
func inline(svg []byte, classes ...string) template.HTML {
	text := strings.Replace(string(svg), ` xmlns="http://www.w3.org/2000/svg"`, "", 1)
	open := `<svg aria-hidden="true"`
	if len(classes) > 0 {
		open += ` class="` + strings.Join(classes, " ") + `"`
	}
	// Our own files, committed beside the program.
	return template.HTML(strings.TrimSpace(strings.Replace(text, "<svg", open, 1)))
}

// kindIcons are the icons of the kinds of paper.
var kindIcons = map[string]string{
	"residence-permit": "identification-card", "identity-card": "identification-badge", "passport": "globe",
	"domiciliation": "mailbox", "health-card": "heartbeat", "tax-notice": "bank", "bank-details": "wallet",
	"pension": "coins", "payslip": "hand-coins", "rent-receipt": "receipt", "birth-certificate": "baby",
	"letter": "envelope-simple", "other": "file-text",
}

func kindIcon(kind string) string {
	if name, ok := kindIcons[kind]; ok {
		return name
	}
	return "file-text"
}

// hour is a time of day as the sun or moon on its arc and as a clock face.
type hour struct {
	Day                    bool
	X, Y                   string
	Sky, Ground, Arc       string
	HourAngle, MinuteAngle int
}

// The sun is up from six to twenty, whatever the season: a picture, not an
// almanac.
const sunrise, sunset = 6, 20

func hourOf(t time.Time) hour {
	at := float64(t.Hour()) + float64(t.Minute())/60
	h := hour{Day: at >= sunrise && at < sunset, Sky: "#1F2F52", Ground: "#40573F", Arc: "#FFF",
		HourAngle: t.Hour()%12*30 + t.Minute()/2, MinuteAngle: t.Minute() * 6}
	way := (at - sunrise) / (sunset - sunrise)
	if h.Day {
		h.Sky, h.Ground, h.Arc = "#D3E8FB", "#B9D39A", "#16223A"
		if at < 8.5 || at > 18 {
			h.Sky = "#FFE1BC"
		}
	} else {
		if at < sunrise {
			at += 24
		}
		way = (at - sunset) / (24 - sunset + sunrise)
	}
	angle := math.Pi * (1 - way)
	h.X, h.Y = fmt.Sprintf("%.1f", 88+math.Cos(angle)*62), fmt.Sprintf("%.1f", 84-math.Sin(angle)*54)
	return h
}

// calendar is a month as a wall calendar shows it. The week begins on Monday,
// and runs from the right where the letters do.
type calendar struct {
	Label    string
	Height   int
	Weekends []int
	Days     []calendarDay
}

type calendarDay struct {
	Number, X, Y int
	Class        string // past, today, day or coming
}

const calendarColumn, calendarRow = 56, 52

func monthOf(day, today time.Time, rtl bool, label string) calendar {
	first := time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC)
	offset := (int(first.Weekday()) + 6) % 7
	count := first.AddDate(0, 1, -1).Day()
	column := func(i int) int {
		if rtl {
			return 6 - i
		}
		return i
	}
	c := calendar{Label: label, Height: ((offset+count-1)/7 + 1) * calendarRow, Weekends: []int{6 + column(5)*calendarColumn, 6 + column(6)*calendarColumn}}
	now := time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, time.UTC)
	for n := 1; n <= count; n++ {
		at, place := first.AddDate(0, 0, n-1), offset+n-1
		d := calendarDay{Number: n, X: 34 + column(place%7)*calendarColumn, Y: 28 + place/7*calendarRow, Class: "coming"}
		switch {
		case n == day.Day():
			d.Class = "day"
		case at.Equal(now):
			d.Class = "today"
		case at.Before(now):
			d.Class = "past"
		}
		c.Days = append(c.Days, d)
	}
	return c
}
