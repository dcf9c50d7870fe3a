package adversary

import (
	"bytes"
	"cmp"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"io"
	"slices"
)

// deepest is how many encodings may lie within each other: Base64 of a gzip
// stream in JSON is two.
const deepest = 2

// maxStream bounds what one compressed stream may become.
const maxStream = 64 << 20

// Shortest runs that are decoded: what holds a secret of minWord bytes.
const (
	minBase64 = 11
	minHex    = 2 * minWord
	minWide   = minWord
)

func sortKeys[K cmp.Ordered](k []K) { slices.Sort(k) }

// views shows b, and whatever b holds encoded: text in Base64 (both alphabets)
// and hexadecimal digits (both cases) at every alignment, bytes widened to
// UTF-16, and gzip, zlib and bare deflate streams wherever they begin.
func views(b []byte, depth int, show func([]byte)) {
	show(b)
	if depth == 0 || len(b) < minBase64 {
		return
	}
	inner := func(view []byte) {
		if len(view) < stretch {
			show(view)
			return
		}
		views(view, depth-1, show)
	}
	base64Runs(b, inner)
	hexRuns(b, inner)
	wideRuns(b, inner)
	streams(b, inner)
}

const none = 0xff

// sextets are the values of Base64 digits in both alphabets (RFC 4648, 4 and 5),
// nibbles those of hexadecimal ones.
var sextets, nibbles = func() (s, n [256]byte) {
	for i := range s {
		s[i], n[i] = none, none
	}
	for v, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		s[c] = byte(v)
	}
	s['-'], s['_'] = 62, 63
	for v, c := range []byte("0123456789abcdef") {
		n[c] = byte(v)
		n[bytes.ToUpper([]byte{c})[0]] = byte(v)
	}
	return s, n
}()

// runs calls use with every run of at least min digits.
func runs(b []byte, digits *[256]byte, min int, use func([]byte)) {
	start := 0
	for i, c := range b {
		if digits[c] != none {
			continue
		}
		if i-start >= min {
			use(b[start:i])
		}
		start = i + 1
	}
	if len(b)-start >= min {
		use(b[start:])
	}
}

func base64Runs(b []byte, show func([]byte)) {
	runs(b, &sextets, minBase64, func(run []byte) {
		for skip := range 4 {
			var out []byte
			var bits, have uint32
			for _, c := range run[skip:] {
				bits, have = bits<<6|uint32(sextets[c]), have+6
				if have >= 8 {
					have -= 8
					out = append(out, byte(bits>>have))
				}
			}
			show(out)
		}
	})
}

func hexRuns(b []byte, show func([]byte)) {
	runs(b, &nibbles, minHex, func(run []byte) {
		for skip := range 2 {
			out := make([]byte, 0, len(run)/2)
			for i := skip; i+1 < len(run); i += 2 {
				out = append(out, nibbles[run[i]]<<4|nibbles[run[i+1]])
			}
			show(out)
		}
	})
}

// wideRuns narrows bytes that were widened with a zero after or before each.
func wideRuns(b []byte, show func([]byte)) {
	var out []byte
	for parity := range 2 {
		meaning := 0
		for i := parity; i+1 < len(b); i += 2 {
			if b[i+1] == 0 {
				out = append(out, b[i])
				if b[i] != 0 {
					meaning++
				}
				continue
			}
			if meaning >= minWide-1 {
				// Where the zeros stand in front, the last byte is followed by none.
				show(append(out, b[i]))
			}
			out, meaning = out[:0], 0
		}
		if meaning >= minWide {
			show(out)
		}
		out = out[:0]
	}
}

// streams inflates what is compressed, also where a stream is cut short.
func streams(b []byte, show func([]byte)) {
	in := bytes.NewReader(nil)
	inflater := flate.NewReader(in)
	reset, ok := inflater.(flate.Resetter)
	if !ok {
		panic("flate readers can be reset") // as their documentation says
	}
	for i := 0; i+minWord < len(b); i++ {
		from, least := beginning(b[i:])
		if from < 0 {
			continue
		}
		in.Reset(b[i+from:])
		if err := reset.Reset(in, nil); err != nil {
			continue
		}
		// A cut or damaged stream still tells what came before.
		out, _ := io.ReadAll(io.LimitReader(inflater, maxStream))
		if len(out) >= least {
			show(out)
		}
	}
}

// beginning tells where, after a header, deflated blocks begin (RFC 1950, 1951,
// 1952), and from how many bytes on their content counts; -1 where none begin.
// A bare block is only believed where it begins with a whole set of code
// lengths: with the fixed codes anything would pass for one.
func beginning(b []byte) (from, least int) {
	switch {
	case b[0] == 0x1f && b[1] == 0x8b && b[2] == 8:
		return gzipHeader(b), minWord
	case b[0]&15 == 8 && b[0]>>4 <= 7 && (int(b[0])<<8|int(b[1]))%31 == 0 && b[1]&0x20 == 0:
		return 2, minWord
	case ownCodes(b):
		return 0, stretch
	}
	return -1, 0
}

// gzipHeader is the length of a gzip header.
func gzipHeader(b []byte) int {
	r := bytes.NewReader(b)
	if _, err := gzip.NewReader(r); err != nil {
		return -1
	}
	// The reader took the header byte by byte, and nothing after it.
	return len(b) - r.Len()
}

// ownCodes tells whether b begins with a deflate block that brings its own
// codes, and these are complete.
func ownCodes(b []byte) bool {
	if len(b) < 16 {
		return false
	}
	lo, hi := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	if lo>>1&3 != 2 || lo>>3&31 > 29 || lo>>8&31 > 29 {
		return false
	}
	count, room := int(lo>>13&15)+4, 1<<7
	for i := range count {
		at := uint(17 + 3*i)
		length := hi >> (at - 64) & 7
		if at < 64 {
			length = (lo>>at | hi<<(64-at)) & 7
		}
		if length > 0 {
			room -= 1 << (7 - length)
		}
	}
	return room == 0
}
