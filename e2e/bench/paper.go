package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// times is how often each paper is deposited and read.
const times = 5

// papers measures deposit and reading at the desk beside the age command, which
// seals the same file in the same run.
func (b *bench) papers(ctx context.Context) (figures []figure, notes []string, err error) {
	for _, file := range []struct {
		name  string
		make  func() ([]byte, error)
		pages int
	}{{"JPEG", photograph, 1}, {"PDF", scans, scanned}} {
		content, err := file.make()
		if err != nil {
			return nil, nil, fmt.Errorf("make a %s: %w", file.name, err)
		}
		found, err := b.paper(ctx, file.name, content, file.pages)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", file.name, err)
		}
		figures = append(figures, found...)
		notes = append(notes, fmt.Sprintf("%s of %d bytes.", file.name, len(content)))
	}
	return figures, []string{"Papers: a photograph of 12 million pixels and a PDF of eight scanned pages; " + strings.Join(notes, " ") +
		" Deposit: from the first byte of the form to the answer, which comes once original and page images are sealed and synced; the pages are drawn meanwhile, which takes most of it. " +
		"Reading: all page images, sent one after the other; MB/s of the pages' own bytes (the original is not handed out at the desk). " +
		"age: encrypting and decrypting the same original to a file with the age command, its start among it."}, nil
}

func (b *bench) paper(ctx context.Context, name string, content []byte, pages int) ([]figure, error) {
	encrypt, decrypt, err := b.age(ctx, content)
	if err != nil {
		return nil, err
	}
	in := figure{name: "deposit of a 10 MB " + name, unit: "MB/s", peer: encrypt.median(), against: "age"}
	out := figure{name: "reading its pages", unit: "MB/s", peer: decrypt.median(), against: "age -d"}
	for range times {
		began := time.Now()
		if err := b.deposit(ctx, "paper."+strings.ToLower(name), content); err != nil {
			return nil, err
		}
		in.values = append(in.values, rate(len(content), began))
	}
	paper, err := b.share(ctx)
	if err != nil {
		return nil, err
	}
	for range times {
		began := time.Now()
		size, err := b.read(ctx, paper, pages)
		if err != nil {
			return nil, err
		}
		out.values = append(out.values, rate(size, began))
	}
	return []figure{in, out, encrypt, decrypt}, nil
}

// rate is in millions of bytes a second.
func rate(size int, began time.Time) float64 {
	return float64(size) / 1e6 / time.Since(began).Seconds()
}

// deposit sends the desk's form with a file to a person of the demo.
func (b *bench) deposit(ctx context.Context, name string, content []byte) error {
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	for _, f := range [][2]string{{"kind", "letter"}, {"title", "Mesure"}} {
		if err := parts.WriteField(f[0], f[1]); err != nil {
			return err
		}
	}
	file, err := parts.CreateFormFile("file", name)
	if err != nil {
		return err
	}
	if _, err := file.Write(content); err != nil {
		return err
	}
	if err := parts.Close(); err != nil {
		return err
	}
	resp, _, err := b.desk.send(ctx, http.MethodPost, "/desk/people/"+b.house.Demo.People[0].ID+"/deposit", parts.FormDataContentType(), &form)
	if err == nil && resp.StatusCode != http.StatusSeeOther {
		err = fmt.Errorf("deposit: status %d", resp.StatusCode)
	}
	return err
}

var (
	paperLink = regexp.MustCompile(`href="paper\?id=([A-Z2-7]+)`)
	pageLink  = regexp.MustCompile(`src="(/desk/paper/[A-Z2-7]+/page/[0-9]+)"`)
)

// share has the holder share their newest paper with the desk, which reads none
// that was not shared. It gives the paper's id.
func (b *bench) share(ctx context.Context) (string, error) {
	person := b.house.Demo.People[0]
	v, err := b.kiosk()
	if err != nil {
		return "", err
	}
	if err := (holder{person.Card, person.Pictures}).open(ctx, v); err != nil {
		return "", err
	}
	// The newest deposit comes first.
	page, err := v.get(ctx, "/k/papers")
	if err != nil {
		return "", err
	}
	newest := paperLink.FindStringSubmatch(page)
	if newest == nil {
		return "", errors.New("the holder has no paper")
	}
	paper := newest[1]
	page, err = v.get(ctx, "/k/confirm?"+url.Values{"id": {paper}, "relay": {b.relay}, "term": {"nights"}}.Encode())
	if err != nil {
		return "", err
	}
	once := onceInPage.FindStringSubmatch(page)
	if once == nil {
		return "", errors.New("the paper cannot be shared")
	}
	return paper, v.post(ctx, "/k/share", url.Values{"id": {paper}, "relay": {b.relay}, "term": {"nights"}, "once": {once[1]}}, "/k/shared")
}

// read reads all pages of a shared paper at the desk, and gives their size.
func (b *bench) read(ctx context.Context, paper string, pages int) (size int, err error) {
	page, err := b.desk.get(ctx, "/desk/paper/"+paper)
	if err != nil {
		return 0, err
	}
	links := pageLink.FindAllStringSubmatch(page, -1)
	if len(links) != pages {
		return 0, fmt.Errorf("the paper has %d pages, not %d", len(links), pages)
	}
	for _, l := range links {
		image, err := b.desk.get(ctx, l[1])
		if err != nil {
			return 0, err
		}
		size += len(image)
	}
	return size, nil
}
