package cards_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"consigne/cards"
)

// A printed card's mark is a place in these lists, so nothing may be put in,
// taken out or moved.
func TestMark_ListsAreFixed(t *testing.T) {
	pictures := "sailboat rooster tulip turtle kite camel balloon mushroom hibiscus star snail butterfly " +
		"cactus lady-beetle flamingo giraffe swan hedgehog octopus parrot penguin feather spiral-shell pineapple"
	if got := strings.Join(cards.Pictures(), " "); got != pictures {
		t.Errorf("pictures are now %s", got)
	}
	colours := "FFD873 BFE3C6 F3C4D8 C9E7F2 E4D3F5 FBD9B5 C9D8F7 E6E2D2 CDEBDD D5DAE8"
	if got := strings.Join(cards.Colours(), " "); got != colours {
		t.Errorf("colours are now %s", got)
	}
	cards.Pictures()[0], cards.Colours()[0] = "changed", "changed"
	if cards.Pictures()[0] == "changed" || cards.Colours()[0] == "changed" {
		t.Error("a caller can change the lists")
	}
}

func TestMark_EveryPictureAndColourComes(t *testing.T) {
	pictures, colours := map[string]int{}, map[string]int{}
	for range 3000 {
		m := cards.New().Mark()
		if !m.Valid() {
			t.Fatalf("a card has the mark %q", m)
		}
		pictures[m.Picture]++
		colours[m.Colour]++
	}
	if len(pictures) != len(cards.Pictures()) || len(colours) != len(cards.Colours()) {
		t.Errorf("of 3000 cards: %d pictures, %d colours", len(pictures), len(colours))
	}
}

func TestMark_NameRoundTrip(t *testing.T) {
	for _, picture := range cards.Pictures() {
		for _, colour := range cards.Colours() {
			m := cards.Mark{Picture: picture, Colour: colour}
			got, err := cards.ParseMark(m.String())
			if err != nil || got != m {
				t.Errorf("%s: %v", m, err)
			}
		}
	}
	type record struct{ Mark cards.Mark }
	for want, mark := range map[string]cards.Mark{
		`{"Mark":"sailboat/FFD873"}`: {Picture: "sailboat", Colour: "FFD873"},
		`{"Mark":""}`:                {},
	} {
		text, err := json.Marshal(record{mark})
		if err != nil || string(text) != want {
			t.Errorf("JSON %s, want %s: %v", text, want, err)
		}
		back := record{cards.Mark{Picture: "star", Colour: "D5DAE8"}}
		if err := json.Unmarshal(text, &back); err != nil || back.Mark != mark {
			t.Errorf("back from JSON: %v, %v", back.Mark, err)
		}
	}
}

func TestMark_RefusesUnknown(t *testing.T) {
	for _, name := range []string{
		"", "/", "sailboat", "sailboat/", "/FFD873", "sailboat/ffd873", "sailboat/000000", "Sailboat/FFD873",
		"../sailboat/FFD873", "sailboat/FFD873/", "sailboat/FFD873 ", "LICENSE/FFD873", `sailboat/FFD873"><script>`,
	} {
		if m, err := cards.ParseMark(name); !errors.Is(err, cards.ErrMark) || m != (cards.Mark{}) {
			t.Errorf("%q: %v", name, err)
		}
		picture, colour, _ := strings.Cut(name, "/")
		m := cards.Mark{Picture: picture, Colour: colour}
		if m.Valid() || m.SVG() != nil || m.PictureSVG() != nil {
			t.Errorf("%q counts as a mark", name)
		}
		if _, err := json.Marshal(m); m != (cards.Mark{}) && err == nil {
			t.Errorf("%q can be written as JSON", name)
		}
	}
	var m cards.Mark
	if err := json.Unmarshal([]byte(`"owl/FFD873"`), &m); !errors.Is(err, cards.ErrMark) {
		t.Errorf("unknown mark in JSON: %v", err)
	}
}

// A mark stands in pages under a strict policy, several to a page, and goes
// through a small phone's line.
func TestMark_Drawings(t *testing.T) {
	forbidden := []string{"style", "id", "class", "href", "onload"}
	for _, picture := range cards.Pictures() {
		m := cards.Mark{Picture: picture, Colour: "FFD873"}
		for name, svg := range map[string][]byte{"mark": m.SVG(), "picture": m.PictureSVG()} {
			elements := elements(t, picture+" "+name, svg)
			if elements[0].Name.Local != "svg" || len(elements) < 3 {
				t.Errorf("%s: %s is no drawing", picture, name)
			}
			for _, e := range elements {
				if e.Name.Local == "script" || e.Name.Local == "image" {
					t.Errorf("%s: %s has a %s", picture, name, e.Name.Local)
				}
				for _, a := range e.Attr {
					if slices.Contains(forbidden, a.Name.Local) {
						t.Errorf("%s: %s has the attribute %s", picture, name, a.Name.Local)
					}
				}
			}
			if len(svg) > 8000 {
				t.Errorf("%s: %s has %d bytes", picture, name, len(svg))
			}
			if !bytes.Contains(svg, []byte(`stroke="#16223A" stroke-width="1.5"`)) {
				t.Errorf("%s: %s has no contour", picture, name)
			}
		}
	}
}

func elements(t *testing.T, name string, svg []byte) []xml.StartElement {
	t.Helper()
	var all []xml.StartElement
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if start, ok := token.(xml.StartElement); ok {
			all = append(all, start.Copy())
		}
	}
}

// The telephone number is printed in ink on the mark's colour: WCAG 1.4.6 asks
// for seven to one.
func TestMark_InkIsReadOnEveryColour(t *testing.T) {
	ink := luminance(t, "16223A")
	for _, colour := range cards.Colours() {
		if ratio := (luminance(t, colour) + 0.05) / (ink + 0.05); ratio < 7 {
			t.Errorf("%s: contrast %.1f", colour, ratio)
		}
	}
}

// luminance is WCAG's relative luminance.
func luminance(t *testing.T, rgb string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(rgb[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			sum += weight * c / 12.92
		} else {
			sum += weight * math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return sum
}
