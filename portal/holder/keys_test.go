package holder

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"consigne/locales"
)

var templateKey = regexp.MustCompile(`(?:\.T|\.Say) "([a-z_.]+)"`)

// keysUsed finds the message keys of templates and code: what .T and .Say name,
// and every text of the code that begins with the name of a message group.
func keysUsed(t *testing.T) map[string]string {
	t.Helper()
	used := map[string]string{}
	for _, files := range []fs.FS{kioskFiles, phoneFiles} {
		err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(files, name)
			for _, m := range templateKey.FindAllStringSubmatch(string(text), -1) {
				used[m[1]] = name
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	groups := map[string]bool{}
	for _, key := range locales.Keys() {
		group, _, _ := strings.Cut(key, ".")
		groups[group] = true
	}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			group, rest, dotted := strings.Cut(text, ".")
			if err == nil && dotted && groups[group] && regexp.MustCompile(`^[a-z_0-9]*[a-z0-9]$`).MatchString(rest) {
				used[text] = name
			}
			return true
		})
	}
	return used
}

// TestKeys finds a message that a page names and the catalogue lacks.
func TestKeys(t *testing.T) {
	used := keysUsed(t)
	if len(used) < 80 {
		t.Fatalf("found %d keys: the search is broken", len(used))
	}
	for _, room := range []string{"home", "papers", "appointments", "who"} {
		used["tile."+room], used["hear."+room] = "tell.go", "tell.go"
	}
	for _, kind := range locales.PaperKinds {
		used["kind."+kind+".name"] = "papers.go"
	}
	for verb := range lookVerbs {
		used["seen."+verb] = "who.go"
	}
	for i := range practiceRounds {
		used["enrol.practise_"+strconv.Itoa(i+1)] = "enrol.go"
	}
	known := locales.Keys()
	for key, where := range used {
		if !slices.Contains(known, key) {
			t.Errorf("%s: message %q does not exist", where, key)
		}
	}
	for _, kind := range locales.PaperKinds {
		if kindIcons[kind] == "" {
			t.Errorf("paper kind %s has no icon", kind)
		}
		if _, err := thumb(kind); err != nil {
			t.Error(err)
		}
	}
}
