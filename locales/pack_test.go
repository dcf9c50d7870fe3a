package locales

import (
	"bytes"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"
)

func TestPack(t *testing.T) {
	folder := fstest.MapFS{
		"fr/a.mp3":         {Data: []byte("un"), ModTime: time.Unix(1, 0)},
		"fr/manifest.json": {Data: []byte("{}")},
		"fr/new-123":       {Data: []byte("half")},
		"ar/a.mp3":         {Data: []byte("two")},
		"sound/tick.mp3":   {Data: []byte("tick")},
		"gone/a.mp3":       {Data: []byte("of a language that is no more")},
		"all.zip":          {Data: []byte("the one before")},
		".gitignore":       {Data: []byte("*")},
	}
	pack, err := Pack(folder)
	if err != nil {
		t.Fatal(err)
	}
	folder["fr/a.mp3"].ModTime = time.Now()
	again, err := Pack(folder)
	if err != nil || !bytes.Equal(pack, again) {
		t.Errorf("the same clips packed otherwise, %v", err)
	}
	if !bytes.Contains(pack, []byte("fr/a.mp3un")) {
		t.Error("a clip does not lie there as it is")
	}
	for _, name := range []string{"new-123", "the one before", "gitignore", "gone/"} {
		if bytes.Contains(pack, []byte(name)) {
			t.Errorf("%s was packed", name)
		}
	}
	delete(folder, "fr/a.mp3")
	if other, err := Pack(folder); err != nil || bytes.Equal(pack, other) {
		t.Errorf("without a clip it is the same, %v", err)
	}
}

// Every clip that is built is in the program, and nothing else is.
func TestClip_Packed(t *testing.T) {
	if len(manifests()) != len(Tags()) {
		t.Fatalf("%d manifests of %d languages: build the voices", len(manifests()), len(Tags()))
	}
	for tag, m := range manifests() {
		for name := range m {
			if _, ok := Clip(tag + "/" + name); !ok {
				t.Errorf("%s/%s is not there", tag, name)
			}
		}
	}
	clips := 3 // the sounds
	for _, m := range manifests() {
		clips += len(m)
	}
	if want := clips + len(Tags()) + 1; len(pack.files.File) != want {
		t.Errorf("%d files in the pack, want %d", len(pack.files.File), want)
	}
	for _, name := range []string{"", "fr", "../clips/fr/a", "/fr/a", "fr/../fr/a", "fr/none"} {
		if data, ok := Clip(name); ok {
			t.Errorf("%q gives %d bytes", name, len(data))
		}
	}
	if err := fs.WalkDir(packFiles, ".", func(path string, entry fs.DirEntry, err error) error {
		if !entry.IsDir() && path != PackFile && path != "clips/.gitignore" {
			t.Errorf("%s is in the program", path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
