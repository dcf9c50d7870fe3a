package locales

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEveryPictureIsThere(t *testing.T) {
	for _, set := range CodeSets {
		for _, name := range set {
			if _, ok := Picture(name); !ok {
				t.Errorf("code picture %s: no drawing", name)
			}
		}
	}
	for _, name := range Badges {
		if _, ok := Picture(name); !ok {
			t.Errorf("badge %s: no drawing", name)
		}
	}
	for _, name := range []string{"", "none", "../icon/bold/check", "code/fish", "/etc/passwd"} {
		if _, ok := Picture(name); ok {
			t.Errorf("Picture(%q): found", name)
		}
	}
	if _, ok := Icon("files", "duotone"); !ok {
		t.Error("icon files: no drawing")
	}
	for _, name := range [][2]string{{"files", "thin"}, {"../../code/fish", "bold"}, {"", ""}} {
		if _, ok := Icon(name[0], name[1]); ok {
			t.Errorf("Icon(%q, %q): found", name[0], name[1])
		}
	}
}

// A picture of the code must not be guessed from the card that lies there, nor
// from the relay's badge beside it.
func TestSetsHaveNothingInCommon(t *testing.T) {
	seen := map[string]string{}
	add := func(name, set string) {
		if other, ok := seen[name]; ok {
			t.Errorf("%s is in %s and in %s", name, other, set)
		}
		seen[name] = set
	}
	for i, set := range CodeSets {
		for _, name := range set {
			add(name, "code set "+string(rune('1'+i)))
		}
	}
	for _, name := range Badges {
		add(name, "the badges")
	}
	marks, err := filepath.Glob("../cards/marks/*.svg")
	if err != nil || len(marks) == 0 {
		t.Fatalf("card marks: %d found, %v", len(marks), err)
	}
	for _, file := range marks {
		add(strings.TrimSuffix(filepath.Base(file), ".svg"), "the card marks")
	}
	if len(seen) != 45+len(Badges)+len(marks) {
		t.Errorf("%d different pictures", len(seen))
	}
}

func TestFolderAndListsAgree(t *testing.T) {
	for folder, want := range map[string]int{"code": 45, "badge": len(Badges)} {
		files, err := fs.Glob(pictureFiles, "pictures/"+folder+"/*.svg")
		if err != nil || len(files) != want {
			t.Errorf("%s: %d drawings, %d listed, %v", folder, len(files), want, err)
		}
	}
}

// The pages forbid styles and scripts in their policy, and fetch nothing from
// elsewhere: a picture that tried would break.
func TestPicturesArePlain(t *testing.T) {
	checked := 0
	err := fs.WalkDir(pictureFiles, "pictures", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := pictureFiles.ReadFile(path)
		if err != nil {
			return err
		}
		checked++
		for _, fault := range faults(data) {
			t.Errorf("%s: %s", path, fault)
		}
		return nil
	})
	if err != nil || checked < 100 {
		t.Errorf("%d pictures checked, %v", checked, err)
	}
}

var plainElements = []string{"svg", "g", "path", "circle", "ellipse", "rect", "line", "polyline", "polygon"}

// faults reads a drawing as a browser would and lists what does not belong in it.
func faults(svg []byte) (list []string) {
	if len(svg) > 40_000 {
		list = append(list, "too large")
	}
	d := xml.NewDecoder(bytes.NewReader(svg))
	first := true
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			return append(list, err.Error())
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !slices.Contains(plainElements, e.Name.Local) {
			list = append(list, "element "+e.Name.Local)
		}
		for _, a := range e.Attr {
			name := a.Name.Local
			if name == "style" || name == "id" || name == "href" || strings.HasPrefix(name, "on") || strings.Contains(a.Value, "url(") {
				list = append(list, "attribute "+name)
			}
		}
		if first && !strings.Contains(string(svg), "viewBox=") {
			list = append(list, "no viewBox")
		}
		first = false
	}
}

func TestFaultsAreFound(t *testing.T) {
	for _, svg := range []string{
		`<svg viewBox="0 0 1 1"><script/></svg>`, `<svg viewBox="0 0 1 1"><style/></svg>`, `<svg viewBox="0 0 1 1"><path style="fill:red"/></svg>`,
		`<svg viewBox="0 0 1 1"><path onclick="x()"/></svg>`, `<svg viewBox="0 0 1 1"><path fill="url(#a)"/></svg>`,
		`<svg viewBox="0 0 1 1"><image href="//x/y"/></svg>`, `<svg viewBox="0 0 1 1"><path></svg>`, `<svg/>`,
	} {
		if len(faults([]byte(svg))) == 0 {
			t.Errorf("%s: no fault found", svg)
		}
	}
}

func TestLicencesAreThere(t *testing.T) {
	for _, file := range []string{"pictures/LICENSE-fluent", "pictures/icon/LICENSE"} {
		text, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(text, []byte("MIT License")) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
