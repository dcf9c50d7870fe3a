package locales

import (
	"embed"
	"strings"
)

// The pictures are committed with their licences: code and badge are Fluent
// emoji with an ink contour, icon is Phosphor.
//
//go:embed pictures/code/*.svg pictures/badge/*.svg pictures/icon/*/*.svg
var pictureFiles embed.FS

// PaperKinds are the kinds of paper that there are, in the order in which the
// desk offers them.
var PaperKinds = []string{
	"residence-permit", "identity-card", "passport", "domiciliation", "health-card", "tax-notice",
	"bank-details", "pension", "payslip", "rent-receipt", "birth-certificate", "letter", "other",
}

// CodeSets are the five sets of nine pictures of the picture code, the same for
// everybody: one picture of each set, in this order, is a person's code. No
// picture stands in two sets, on a card or on a relay's badge.
var CodeSets = [5][9]string{
	{"banana", "fish", "bicycle", "sunflower", "anchor", "guitar", "elephant", "scissors", "chair"},
	{"bus", "whale", "teapot", "drum", "ladder", "strawberry", "glasses", "key", "snowflake"},
	{"bread", "helicopter", "candle", "hammer", "football", "socks", "rabbit", "bell", "lemon"},
	{"carrot", "tractor", "trumpet", "bucket", "cherries", "mountain", "crab", "door", "broom"},
	{"watermelon", "rocket", "toothbrush", "zebra", "maize", "hat", "accordion", "wheel", "spoon"},
}

// Badges are the pictures by which relays and places are known.
var Badges = []string{"deciduous-tree", "locomotive", "books", "umbrella", "hospital", "bank", "school", "house"}

// Picture returns the SVG of a code picture or a badge, false if there is none
// of this name.
func Picture(name string) (svg []byte, ok bool) {
	for _, folder := range []string{"code", "badge"} {
		if svg, ok := pictureFile(folder + "/" + name); ok {
			return svg, true
		}
	}
	return nil, false
}

// Icon returns the SVG of a Phosphor icon: weight "duotone" for things, "bold"
// for controls, "fill" for states. Its ink is currentColor; the pale layer of a
// duotone icon is the path with an opacity, which a style sheet fills.
func Icon(name, weight string) (svg []byte, ok bool) {
	return pictureFile("icon/" + weight + "/" + name)
}

func pictureFile(name string) ([]byte, bool) {
	if strings.Contains(name, "..") {
		return nil, false
	}
	svg, err := pictureFiles.ReadFile("pictures/" + name + ".svg")
	return svg, err == nil
}
