package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// wanted is the size of a paper, and scanned how many pages the PDF has.
const (
	wanted  = 10_000_000
	scanned = 8
)

// photograph is a JPEG of 10 MB: grain of a seed of its own, so that it packs as
// badly as a phone's picture by night and is the same in every run.
func photograph() ([]byte, error) { return grain(4000, 3000, wanted) }

// grain makes a JPEG of that many dots whose size comes near to that, by the
// strength of its grain.
func grain(width, height, size int) (best []byte, err error) {
	low, high := 0, 255
	for low < high {
		strength := (low + high) / 2
		img := noise(width, height, strength)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}); err != nil {
			return nil, err
		}
		best = b.Bytes()
		switch ratio := float64(len(best)) / float64(size); {
		case ratio > 1.02:
			high = strength
		case ratio < 0.98:
			low = strength + 1
		default:
			return best, nil
		}
	}
	return best, nil
}

// noise is a grey page with grain of that strength.
func noise(width, height, strength int) image.Image {
	img := image.NewGray(image.Rect(0, 0, width, height))
	source := rand.New(rand.NewPCG(1, uint64(width)))
	for i := range img.Pix {
		img.Pix[i] = byte(128 - strength/2 + source.IntN(strength+1))
	}
	return img
}

// scans is a PDF of 10 MB: eight A4 pages, each a scanned picture.
func scans() ([]byte, error) {
	page, err := grain(1654, 2339, wanted/scanned)
	if err != nil {
		return nil, err
	}
	doc := fpdf.New("P", "mm", "A4", "")
	for n := range scanned {
		doc.AddPage()
		name, options := fmt.Sprint(n), fpdf.ImageOptions{ImageType: "JPG"}
		// A last byte of its own keeps the library from storing one picture once.
		doc.RegisterImageOptionsReader(name, options, bytes.NewReader(append(bytes.Clone(page), byte(n))))
		doc.ImageOptions(name, 0, 0, 210, 297, false, options, 0, "")
	}
	var b bytes.Buffer
	err = doc.Output(&b)
	return b.Bytes(), err
}

// age measures the age command on the same bytes.
func (b *bench) age(ctx context.Context, content []byte) (encrypt, decrypt figure, err error) {
	encrypt, decrypt = figure{name: "  age on the same file", unit: "MB/s"}, figure{name: "  age -d on the same file", unit: "MB/s"}
	dir, err := os.MkdirTemp(b.house.Dir, "age")
	if err != nil {
		return encrypt, decrypt, err
	}
	defer os.RemoveAll(dir)
	plain, sealed, opened, key := filepath.Join(dir, "plain"), filepath.Join(dir, "sealed"), filepath.Join(dir, "opened"), filepath.Join(dir, "key")
	if err := os.WriteFile(plain, content, 0o600); err != nil {
		return encrypt, decrypt, err
	}
	if _, err := command(ctx, "age-keygen", "-o", key); err != nil {
		return encrypt, decrypt, err
	}
	recipient, err := command(ctx, "age-keygen", "-y", key)
	if err != nil {
		return encrypt, decrypt, err
	}
	for range times {
		began := time.Now()
		if _, err := command(ctx, "age", "-e", "-r", recipient, "-o", sealed, plain); err != nil {
			return encrypt, decrypt, err
		}
		encrypt.values = append(encrypt.values, rate(len(content), began))
		began = time.Now()
		if _, err := command(ctx, "age", "-d", "-i", key, "-o", opened, sealed); err != nil {
			return encrypt, decrypt, err
		}
		decrypt.values = append(decrypt.values, rate(len(content), began))
	}
	same, err := os.ReadFile(opened)
	if err == nil && !bytes.Equal(same, content) {
		err = fmt.Errorf("age -d gave something else back")
	}
	return encrypt, decrypt, err
}

func command(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}
