package adversary

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"consigne/internal/seal"
)

// A visitor is a browser, or a kiosk's program with a device of its own.
type visitor struct {
	base   string
	client *http.Client
	header http.Header
}

func newVisitor(base string) *visitor {
	jar, _ := cookiejar.New(nil) // never fails without options
	return &visitor{base: base, header: http.Header{}, client: &http.Client{Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// An answer is what came back.
type answer struct {
	status   int
	location string
	body     []byte
}

func (v *visitor) do(ctx context.Context, method, path, kind string, body io.Reader) (a answer, err error) {
	req, err := http.NewRequestWithContext(ctx, method, v.base+path, body)
	if err != nil {
		return a, err
	}
	for name, values := range v.header {
		req.Header[name] = values
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	a.status, a.location = resp.StatusCode, resp.Header.Get("Location")
	a.body, err = io.ReadAll(resp.Body)
	return a, err
}

func (v *visitor) get(ctx context.Context, path string) (answer, error) {
	return v.do(ctx, http.MethodGet, path, "", http.NoBody)
}

func (v *visitor) post(ctx context.Context, path string, form url.Values) (answer, error) {
	return v.do(ctx, http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

// led posts a form and requires that it leads to a page whose address contains
// to.
func (v *visitor) led(ctx context.Context, path string, form url.Values, to string) error {
	a, err := v.post(ctx, path, form)
	if err == nil && (a.status != http.StatusSeeOther || !strings.Contains(a.location, to)) {
		err = fmt.Errorf("%s led to status %d %q, not to %q\n%s", path, a.status, a.location, to, cut(a.body))
	}
	return err
}

func cut(b []byte) []byte { return b[:min(len(b), 400)] }

// A device is a kiosk of our own making.
type device struct {
	*visitor
	id  string
	key seal.Key
}

// enrolDevice makes a device known to a portal with a relay's eight digits.
func enrolDevice(ctx context.Context, base, code string) (*device, error) {
	d := &device{visitor: newVisitor(base), key: seal.NewKey()}
	token := seal.NewKey()
	body, err := json.Marshal(map[string]any{"code": strings.TrimSpace(code), "name": "Borne du fond",
		"public": []byte(d.key.Identity().Public()), "token": hex.EncodeToString(token.Bytes())})
	if err != nil {
		return nil, err
	}
	a, err := d.do(ctx, http.MethodPost, "/device/enrol", "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	var answer struct{ ID string }
	if err := json.Unmarshal(a.body, &answer); err != nil || answer.ID == "" {
		return nil, fmt.Errorf("device is not enrolled: status %d %s", a.status, cut(a.body))
	}
	d.id = answer.ID
	d.header.Set("Consigne-Device", d.id)
	d.header.Set("Consigne-Token", hex.EncodeToString(token.Bytes()))
	return d, nil
}

func picked(pictures [5]string) url.Values {
	form := url.Values{}
	for i, p := range pictures {
		form.Set(fmt.Sprintf("p%d", i+1), p)
	}
	return form
}
