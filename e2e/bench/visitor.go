package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// A visitor is a browser without a window: the desk's, or a kiosk's, whose
// requests bear the device's headers.
type visitor struct {
	base   string
	client *http.Client
	sign   func(http.Header) // nil for a desk
}

// wire is what all visitors share, with a connection for each.
var wire = &http.Transport{MaxIdleConnsPerHost: 64}

func newVisitor(base string, sign func(http.Header)) (*visitor, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &visitor{base, &http.Client{Transport: wire, Jar: jar, CheckRedirect: stay}, sign}, nil
}

// send sends a request and reads its answer to the end. An answer that is no
// success is an error.
func (v *visitor) send(ctx context.Context, method, path, kind string, body io.Reader) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, v.base+path, body)
	if err != nil {
		return nil, nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if v.sign != nil {
		v.sign(req.Header)
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: status %d", method, route(path), resp.StatusCode)
	}
	return resp, answer, err
}

// route is a path without what it asks, for an error.
func route(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path
}

// get reads a page, which must not lead elsewhere.
func (v *visitor) get(ctx context.Context, path string) (string, error) {
	resp, page, err := v.send(ctx, http.MethodGet, path, "", nil)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s leads to %s", route(path), resp.Header.Get("Location"))
	}
	return string(page), err
}

// post sends a form whose answer leads to a page whose address ends so.
func (v *visitor) post(ctx context.Context, path string, form url.Values, next string) error {
	resp, _, err := v.send(ctx, http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	if to := route(resp.Header.Get("Location")); !strings.HasSuffix(to, next) {
		return fmt.Errorf("%s leads to %q, not to %q", path, resp.Header.Get("Location"), next)
	}
	return nil
}
