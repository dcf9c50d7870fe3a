package adversary

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf16"
)

// minWord is the shortest secret that is searched for, in bytes. Shorter ones,
// such as a family name of five letters or the kind "letter", stand by chance in
// every large folder, so that a find would say nothing.
const minWord = 8

// stretch is how many bytes of a document in a row are a find, block how many of
// them are looked up at once: any stretch holds a block that is aligned.
const (
	stretch = 32
	block   = stretch / 2
)

// minVariety is how many different bytes a stretch must hold to be searched:
// runs of zeros and the grey of a JPEG are no document's own.
const minVariety = 12

// A Secret is a word or key that must not be found, and what to call it. One
// that is not Fresh stands in our own programs and sources, too, because it
// belongs to the demo: it says something where the thief looks, and nothing on
// the machine at large.
type Secret struct {
	Name  string
	Text  []byte
	Fresh bool
}

// A Document is a deposited file or a page image of it. Fresh is as in [Secret].
type Document struct {
	Name    string
	Content []byte
	Fresh   bool
}

// A Finder finds secrets and stretches of documents in bytes. It is safe for
// concurrent use once it is made.
type Finder struct {
	words   map[uint64][]word
	blocks  map[[block]byte][]place
	docs    []indexed
	sieve   sieve
	Words   int // secrets searched for
	Windows int // stretches searched for
}

type word struct {
	name string
	form []byte
}

type place struct{ doc, at int }

type indexed struct {
	Document
	own []bool // of each stretch, by its beginning: whether it is this document's own
}

// sieve tells quickly that something is surely not searched for.
type sieve []uint64

const sieveBits = 23

func newSieve() sieve { return make(sieve, 1<<(sieveBits-6)) }

func slot(x uint64) (i, bit uint64) {
	x = x * 0x9E3779B97F4A7C15 >> (64 - sieveBits)
	return x >> 6, 1 << (x & 63)
}

func (s sieve) add(x uint64) { i, bit := slot(x); s[i] |= bit }

func (s sieve) has(x uint64) bool { i, bit := slot(x); return s[i]&bit != 0 }

func mixed(b []byte) uint64 {
	return binary.LittleEndian.Uint64(b)*0xC2B2AE3D27D4EB4F ^ binary.LittleEndian.Uint64(b[8:])
}

// NewFinder makes a finder. Stretches that stand in common as well, such as the
// tables that begin every JPEG, are not searched for.
func NewFinder(secrets []Secret, docs, common []Document) *Finder {
	f := &Finder{words: map[uint64][]word{}, blocks: map[[block]byte][]place{}, sieve: newSieve()}
	seen := map[string]bool{}
	for _, s := range secrets {
		if len(s.Text) < minWord || seen[string(s.Text)] {
			continue
		}
		seen[string(s.Text)] = true
		f.Words++
		for _, form := range written(s.Text) {
			head := binary.LittleEndian.Uint64(form)
			f.words[head] = append(f.words[head], word{s.Name, form})
			f.sieve.add(head)
		}
	}
	known := windows(common)
	for _, d := range docs {
		f.index(d, known)
	}
	return f
}

// written gives the ways in which a text is written other than by an encoding
// of bytes: UTF-8, UTF-16, within JSON and within an address.
func written(text []byte) [][]byte {
	forms := map[string]bool{string(text): true}
	if s := string(text); strings.ToValidUTF8(s, "") == s {
		units := utf16.Encode([]rune(s))
		forms[string(units16(units, binary.LittleEndian))] = true
		forms[string(units16(units, binary.BigEndian))] = true
		forms[url.QueryEscape(s)], forms[url.PathEscape(s)] = true, true
		forms[escaped(s, false)], forms[escaped(s, true)] = true, true
	}
	var out [][]byte
	for form := range forms {
		if len(form) >= minWord {
			out = append(out, []byte(form))
		}
	}
	return out
}

func units16(units []uint16, order binary.AppendByteOrder) (out []byte) {
	for _, u := range units {
		out = order.AppendUint16(out, u)
	}
	return out
}

// escaped is the inside of a JSON string, with letters beyond ASCII as they are
// or as \u and four digits.
func escaped(s string, ascii bool) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	var out strings.Builder
	for _, r := range strings.Trim(string(b), `"`) {
		if ascii && r > 0x7e {
			for _, u := range utf16.Encode([]rune{r}) {
				const digits = "0123456789abcdef"
				out.WriteString(`\u`)
				for shift := 12; shift >= 0; shift -= 4 {
					out.WriteByte(digits[u>>shift&15])
				}
			}
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

// windows are all stretches of some documents.
func windows(docs []Document) map[[stretch]byte]bool {
	out := map[[stretch]byte]bool{}
	for _, d := range docs {
		for i := 0; i+stretch <= len(d.Content); i++ {
			out[[stretch]byte(d.Content[i:])] = true
		}
	}
	return out
}

func (f *Finder) index(d Document, common map[[stretch]byte]bool) {
	x := indexed{Document: d, own: make([]bool, max(0, len(d.Content)-stretch+1))}
	for i := range x.own {
		w := d.Content[i : i+stretch]
		if x.own[i] = varied(w) && !common[[stretch]byte(w)]; x.own[i] {
			f.Windows++
		}
	}
	f.docs = append(f.docs, x)
	for at := 0; at+block <= len(d.Content); at += block {
		if !x.ownAround(at, at+block) {
			continue
		}
		key := [block]byte(d.Content[at:])
		f.blocks[key] = append(f.blocks[key], place{len(f.docs) - 1, at})
		f.sieve.add(mixed(key[:]))
	}
}

// ownAround tells whether a stretch of the document's own lies around from..to.
func (x indexed) ownAround(from, to int) bool {
	for i := max(0, to-stretch); i <= from && i < len(x.own); i++ {
		if x.own[i] {
			return true
		}
	}
	return false
}

func varied(w []byte) bool {
	var seen [256]bool
	n := 0
	for _, c := range w {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n >= minVariety
}

// Scan reports the name of everything that stands in b as it is.
func (f *Finder) Scan(b []byte, report func(name string)) {
	for i := 0; i+minWord <= len(b); i++ {
		if head := binary.LittleEndian.Uint64(b[i:]); f.sieve.has(head) {
			for _, w := range f.words[head] {
				if bytes.HasPrefix(b[i:], w.form) {
					report(w.name)
				}
			}
		}
		if i+block <= len(b) && f.sieve.has(mixed(b[i:])) {
			for _, p := range f.blocks[[block]byte(b[i:])] {
				if f.matches(p, b, i) {
					report(f.docs[p.doc].Name)
				}
			}
		}
	}
}

// matches tells whether around a block that is the same a whole stretch is.
func (f *Finder) matches(p place, b []byte, at int) bool {
	x := f.docs[p.doc]
	from, to := 0, block
	for from > -block && at+from > 0 && p.at+from > 0 && b[at+from-1] == x.Content[p.at+from-1] {
		from--
	}
	for to < stretch && at+to < len(b) && p.at+to < len(x.Content) && b[at+to] == x.Content[p.at+to] {
		to++
	}
	for i := p.at + from; i+stretch <= p.at+to; i++ {
		if x.own[i] {
			return true
		}
	}
	return false
}

// Find reports what stands in b, as it is or encoded; see [views].
func (f *Finder) Find(b []byte) []string {
	found := map[string]bool{}
	views(b, deepest, func(view []byte) {
		f.Scan(view, func(name string) { found[name] = true })
	})
	return sorted(found)
}

func sorted[K cmp.Ordered](set map[K]bool) []K {
	out := make([]K, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	sortKeys(out)
	return out
}
