package adversary

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"image"
	"image/jpeg"
	"io"
	"mime/multipart"
	"net/textproto"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// papers makes a photograph full of noise and a letter of random words: no
// stretch of their content stands anywhere else.
func papers() ([]Document, error) {
	photo, err := photograph(func(b []byte) { rand.Read(b) }, 85)
	if err != nil {
		return nil, err
	}
	letter, err := letter(func() string { return rand.Text() })
	if err != nil {
		return nil, err
	}
	return []Document{{"photo.jpg", photo, true}, {"letter.pdf", letter, true}}, nil
}

func photograph(fill func([]byte), quality int) ([]byte, error) {
	img := image.NewGray(image.Rect(0, 0, 640, 480))
	fill(img.Pix)
	var out bytes.Buffer
	err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality})
	return out.Bytes(), err
}

func letter(word func() string) ([]byte, error) {
	p := fpdf.New("P", "mm", "A4", "")
	// The moment is no content: another document made in the same second holds it, too.
	p.SetCreationDate(time.Unix(0, 0))
	p.SetModificationDate(time.Unix(0, 0))
	p.SetFont("Helvetica", "", 11)
	for range 2 {
		p.AddPage()
		for range 30 {
			p.MultiCell(0, 6, word()+" "+word(), "", "L", false)
		}
	}
	var out bytes.Buffer
	err := p.Output(&out)
	return out.Bytes(), err
}

// common are files of the same kinds without content: what they hold as well, such
// as the tables that begin a JPEG, is nobody's secret. Nor is how a fresh letter is
// built: all content of ours lies compressed in its streams.
func common(docs []Document) ([]Document, error) {
	var out []Document
	blank, err := letter(func() string { return "x" })
	if err != nil {
		return nil, err
	}
	out = append(out, Document{Name: "blank letter", Content: blank})
	for _, d := range docs {
		if d.Fresh && bytes.HasPrefix(d.Content, []byte("%PDF-")) {
			out = append(out, Document{Name: "how it is built", Content: structure(d.Content)})
		}
	}
	for quality := 50; quality <= 100; quality++ {
		for _, img := range []image.Image{image.NewGray(image.Rect(0, 0, 64, 64)), image.NewRGBA(image.Rect(0, 0, 64, 64))} {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
				return nil, err
			}
			out = append(out, Document{Name: "blank photograph", Content: b.Bytes()})
		}
	}
	return out, nil
}

// edge is how many bytes at the beginning and at the end of a stream are nobody's
// content: the compressor's own words, and a checksum whose last byte is that of one in 256
// other streams, with an end behind it that all of them have.
const edge = 16

// structure is what a PDF says in plain letters, with the edges of each stream:
// another one of as many pages, or with a stream as long, says the same.
func structure(pdf []byte) []byte {
	const begins, ends = "\nstream\n", "\nendstream\n"
	out := make([]byte, len(pdf))
	for i, c := range pdf {
		before, after := pdf[max(0, i-edge-len(begins)):i], pdf[i:min(len(pdf), i+edge+len(ends))]
		if c < 0x80 || bytes.Contains(before, []byte(begins)) || bytes.Contains(after, []byte(ends)) {
			out[i] = c
		}
	}
	return out
}

// depositForm is the desk's form with a file.
func depositForm(title string, d Document) (kind string, body io.Reader, err error) {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for name, value := range map[string]string{"once": rand.Text(), "kind": "letter", "title": title} {
		if err := w.WriteField(name, value); err != nil {
			return "", nil, err
		}
	}
	part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="` + d.Name + `"`}})
	if err != nil {
		return "", nil, err
	}
	if _, err := part.Write(d.Content); err != nil {
		return "", nil, err
	}
	return w.FormDataContentType(), &out, w.Close()
}

func totpBytes(secret string) ([]byte, error) {
	return base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
}
