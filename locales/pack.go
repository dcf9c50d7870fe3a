package locales

import (
	"archive/zip"
	"bytes"
	"embed"
	"io"
	"io/fs"
	"strings"
	"sync"
)

// PackFile is where the clips and their manifests lie together, within the
// folder of this package.
const PackFile = "clips/all.zip"

// All clips are one piece of the program, stored and not compressed, so that
// they are read from the disk only where they are played: single ones would lie
// among what every start reads. The pattern holds too where no voices are built.
//
//go:embed clips/*.*
var packFiles embed.FS

// pack is opened when something is to be heard. It is no variable that is filled
// at a program's start, so that one that speaks nothing, as smsd, is linked
// without it.
var pack struct {
	once  sync.Once
	files *zip.Reader // nil where no voices were built
}

func openPack() {
	f, err := packFiles.Open(PackFile)
	if err != nil {
		return
	}
	info, err := f.Stat()
	if err != nil {
		return
	}
	pack.files, err = zip.NewReader(f.(io.ReaderAt), info.Size())
	if err != nil {
		panic("locales: " + PackFile + ": " + err.Error()) // a fault of the build
	}
}

// clipFile gives one file of the pack.
func clipFile(name string) ([]byte, bool) {
	pack.once.Do(openPack)
	if pack.files == nil {
		return nil, false
	}
	data, err := fs.ReadFile(pack.files, name)
	return data, err == nil
}

// Pack writes the clips and manifests of all languages, and the sounds, as one
// file, the same for the same clips.
func Pack(clips fs.FS) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, folder := range append(Tags(), "sound") {
		files, err := fs.ReadDir(clips, folder)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if name := f.Name(); strings.HasSuffix(name, ".mp3") || name == "manifest.json" {
				if err := packOne(w, clips, folder+"/"+name); err != nil {
					return nil, err
				}
			}
		}
	}
	err := w.Close()
	return out.Bytes(), err
}

func packOne(w *zip.Writer, clips fs.FS, name string) error {
	data, err := fs.ReadFile(clips, name)
	if err != nil {
		return err
	}
	to, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err == nil {
		_, err = to.Write(data)
	}
	return err
}
