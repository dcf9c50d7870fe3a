package adversary

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"unicode/utf16"
)

// A form is a way in which something secret may lie in a file.
type form struct {
	name  string
	write func([]byte) ([]byte, error)
}

// forms are all that the search claims to find.
func forms() []form {
	plain := func(fn func([]byte) []byte) func([]byte) ([]byte, error) {
		return func(b []byte) ([]byte, error) { return fn(b), nil }
	}
	out := []form{
		{"plain", plain(func(b []byte) []byte { return b })},
		{"UTF-16LE", plain(func(b []byte) []byte { return wide(b, binary.LittleEndian) })},
		{"UTF-16BE", plain(func(b []byte) []byte { return wide(b, binary.BigEndian) })},
		{"hex", plain(func(b []byte) []byte { return []byte(hex.EncodeToString(b)) })},
		{"HEX", plain(func(b []byte) []byte { return []byte(strings.ToUpper(hex.EncodeToString(b))) })},
		{"gzip", compressed(func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil })},
		{"zlib", compressed(func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil })},
	}
	for skip := range 3 {
		for name, enc := range map[string]*base64.Encoding{"base64": base64.StdEncoding, "base64url": base64.RawURLEncoding} {
			out = append(out, form{name + " at " + string(rune('0'+skip)), plain(func(b []byte) []byte {
				return []byte(enc.EncodeToString(append(filler(skip), append(bytes.Clone(b), filler(2)...)...)))
			})})
		}
	}
	return out
}

// bare is the form whose beginning nothing marks: many things in one stream.
var bare = form{"deflate", compressed(func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })}

// wide writes text as UTF-16, and bytes that are no text with a zero each.
func wide(b []byte, order binary.AppendByteOrder) []byte {
	var units []uint16
	if s := string(b); strings.ToValidUTF8(s, "") == s {
		return units16(utf16.Encode([]rune(s)), order)
	}
	for _, c := range b {
		units = append(units, uint16(c))
	}
	return units16(units, order)
}

func compressed(open func(io.Writer) (io.WriteCloser, error)) func([]byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) {
		var out bytes.Buffer
		w, err := open(&out)
		if err != nil {
			return nil, err
		}
		_, err = w.Write(b)
		err = errors.Join(err, w.Close())
		return out.Bytes(), err
	}
}

func filler(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// samples is how many stretches of each document are planted.
const samples = 3

// planted is what a finder has to find: each of its secrets, and stretches of
// each of its documents.
func planted(f *Finder, secrets []Secret) []Secret {
	var out []Secret
	seen := map[string]bool{}
	for _, s := range secrets {
		if len(s.Text) >= minWord && !seen[string(s.Text)] {
			seen[string(s.Text)] = true
			out = append(out, s)
		}
	}
	for _, x := range f.docs {
		var own []int
		for i, ok := range x.own {
			if ok {
				own = append(own, i)
			}
		}
		for n := range min(samples, len(own)) {
			at := own[(n+1)*(len(own)-1)/samples]
			out = append(out, Secret{Name: x.Name, Text: x.Content[at : at+stretch]})
		}
	}
	return out
}

// ShowThatItFinds plants each thing in each form into a copy of a carrier, the
// content of a real file, and requires that each is found. It gives how many
// were planted, and the names of those that were not found.
func ShowThatItFinds(f *Finder, secrets []Secret, carrier []byte) (n int, missed []string, err error) {
	things := planted(f, secrets)
	for _, form := range forms() {
		marked := bytes.Clone(carrier)
		for _, s := range things {
			b, err := form.write(s.Text)
			if err != nil {
				return n, nil, err
			}
			marked = append(append(marked, b...), separator()...)
		}
		missed = append(missed, lacking(f, form, marked, things)...)
		n += len(things)
	}
	var together []byte
	for _, s := range things {
		together = append(append(together, s.Text...), "\n"...)
	}
	b, err := bare.write(together)
	if err != nil {
		return n, nil, err
	}
	missed = append(missed, lacking(f, bare, append(bytes.Clone(carrier), b...), things)...)
	return n + len(things), missed, nil
}

// separator is an odd number of random bytes with one between that belongs to
// no encoding, so that one planted thing does not run into the next.
func separator() []byte {
	b := filler(7)
	b[0], b[6] = 0xff, 0xff
	return b
}

func lacking(f *Finder, form form, marked []byte, things []Secret) (missed []string) {
	found := map[string]bool{}
	for _, name := range f.Find(marked) {
		found[name] = true
	}
	for _, s := range things {
		if !found[s.Name] {
			missed = append(missed, s.Name+" as "+form.name)
		}
	}
	return missed
}
