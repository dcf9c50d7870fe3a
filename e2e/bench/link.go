package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"consigne/e2e/stage"
)

var (
	onceInPage = regexp.MustCompile(`name="once" value="([^"]+)"`)
	linkInSMS  = regexp.MustCompile(`/l/[0-9A-Za-z]{16}`)
	// What a browser loads by itself: style, scripts, pictures. A voice that
	// says preload="none" waits for its player to be touched.
	loaded = regexp.MustCompile(`<(?:link|img|script|source|use|iframe|object)\b[^>]*\b(?:href|src|data)="([^"#]+)"`)
	inCSS  = regexp.MustCompile(`url\(["']?([^"')]+)["']?\)`)
	eager  = regexp.MustCompile(`<audio\b[^>]*>`)
)

// link sends a paper to a phone and weighs the page that the message leads to.
func (b *bench) link(ctx context.Context) ([]figure, []string, error) {
	f := figure{name: "link page before the clip is played", unit: "bytes", limit: 14336}
	path, err := b.sendLink(ctx)
	if err != nil {
		return nil, nil, err
	}
	total, parts, err := weigh(ctx, strings.TrimPrefix(b.house.PortalURL, "http://"), path)
	f.values = []float64{float64(total)}
	return []figure{f}, []string{"Link page: all bytes that the server sends over the TCP connection, headers among them, to a browser that accepts gzip: " +
		strings.Join(parts, ", ") + ". The pictures lie in the page; TLS and the system's own packet headers are not counted."}, err
}

// sendLink has a person of the demo send their first paper to their phone, and
// reads the link off the simulated phone.
func (b *bench) sendLink(ctx context.Context) (string, error) {
	person := b.house.Demo.People[0]
	v, err := b.kiosk()
	if err != nil {
		return "", err
	}
	if err := (holder{person.Card, person.Pictures}).open(ctx, v); err != nil {
		return "", err
	}
	id := person.Documents[0].ID
	page, err := v.get(ctx, "/k/paper?id="+id)
	if err != nil {
		return "", err
	}
	once := onceInPage.FindStringSubmatch(page)
	if once == nil {
		return "", errors.New("the paper cannot be sent to a phone")
	}
	if err := v.post(ctx, "/k/send", url.Values{"id": {id}, "once": {once[1]}}, "/k/sent"); err != nil {
		return "", err
	}
	phone, err := newVisitor(b.house.PhoneURL, nil)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var link string
	err = stage.Until(ctx, func() (bool, error) {
		page, err := phone.get(ctx, "/")
		link = linkInSMS.FindString(page)
		return link != "", err
	})
	return link, err
}

// weigh fetches a page and all that it loads, and counts what came.
func weigh(ctx context.Context, addr, path string) (total int, parts []string, err error) {
	waiting, seen := []string{path, "/favicon.ico"}, map[string]bool{}
	for len(waiting) > 0 {
		next := waiting[0]
		waiting = waiting[1:]
		if seen[next] {
			continue
		}
		seen[next] = true
		bytes, kind, body, err := fetchRaw(ctx, addr, next)
		if err != nil {
			return 0, nil, fmt.Errorf("weigh the link page: %w", err)
		}
		total += bytes
		name := next
		if next == path {
			name = "the page"
		}
		parts = append(parts, fmt.Sprintf("%s %d", name, bytes))
		found, err := loads(kind, body, next)
		if err != nil {
			return 0, nil, err
		}
		waiting = append(waiting, found...)
	}
	return total, parts, nil
}

// loads lists what a page or a style loads by itself.
func loads(kind, body, from string) (paths []string, err error) {
	var found [][]string
	switch {
	case strings.HasPrefix(kind, "text/html"):
		found = loaded.FindAllStringSubmatch(body, -1)
		for _, tag := range eager.FindAllString(body, -1) {
			if !strings.Contains(tag, `preload="none"`) {
				return nil, errors.New("the page loads its voice before it is played")
			}
		}
	case strings.HasPrefix(kind, "text/css"):
		found = inCSS.FindAllStringSubmatch(body, -1)
	}
	base, err := url.Parse(from)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		u, err := base.Parse(f[1])
		if err != nil {
			return nil, err
		}
		if u.Scheme == "" {
			paths = append(paths, u.Path)
		}
	}
	return paths, nil
}

// counted counts what is read from a connection.
type counted struct {
	net.Conn
	read int
}

// Read reads and counts.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read += n
	return n, err
}

// fetchRaw gets one thing as an old phone's browser would. It closes the
// connection after it, so that all that was sent is counted.
func fetchRaw(ctx context.Context, addr, path string) (bytes int, kind, body string, err error) {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return 0, "", "", err
	}
	conn := &counted{Conn: raw}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nAccept-Language: fr\r\nConnection: close\r\n\r\n", path, addr)
	if err != nil {
		return 0, "", "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, "", "", err
	}
	defer resp.Body.Close()
	plain, err := unzipped(resp)
	if err != nil {
		return 0, "", "", err
	}
	if _, err := io.Copy(io.Discard, conn); err != nil {
		return 0, "", "", err
	}
	if resp.StatusCode != http.StatusOK && path != "/favicon.ico" {
		err = fmt.Errorf("%s: status %d", path[:3], resp.StatusCode)
	}
	return conn.read, resp.Header.Get("Content-Type"), plain, err
}

// unzipped reads a body to its end and unpacks it.
func unzipped(resp *http.Response) (string, error) {
	body := io.Reader(resp.Body)
	if resp.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return "", err
		}
		body = z
	}
	plain, err := io.ReadAll(body)
	return string(plain), err
}
