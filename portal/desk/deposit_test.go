package desk_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"consigne/portal/vault"
)

// upload is a deposit as a browser sends it: the fields, then the file.
func (w *world) upload(person string, fields map[string]string, name string, content []byte) *http.Request {
	w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, field := range []string{"once", "kind", "title", "valid_from", "valid_until"} {
		must(w.t, form.WriteField(field, fields[field]))
	}
	part, err := form.CreateFormFile("file", name)
	must(w.t, err)
	_, err = part.Write(content)
	must(w.t, err)
	must(w.t, form.Close())
	r := w.request("POST", "/desk/people/"+person+"/deposit", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func letter(once string) map[string]string {
	return map[string]string{"once": once, "kind": "letter", "title": "Lettre de la caisse", "valid_until": "05/12/2026"}
}

func TestDeposit(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	to := "/desk/people/" + s.id + "?done=deposited"
	w.do(w.upload(s.id, letter("1"), "scan.jpg", scan(t)), w.cookie).leads(t, to)
	w.do(w.upload(s.id, letter("1"), "scan.jpg", scan(t)), w.cookie).leads(t, to)
	papers := w.holder(s).Papers()
	if len(papers) != 1 {
		t.Fatalf("%d papers after a form sent twice", len(papers))
	}
	if p := papers[0]; p.Kind != "letter" || p.Title != "Lettre de la caisse" || p.ValidUntil.String() != "2026-12-05" || p.Pages != 1 {
		t.Errorf("paper %+v", p)
	}
	a := w.get(to)
	a.says(t, 200, "Papier déposé et scellé.", "Aucun papier pour l’instant.")
	w.get("/desk/people/"+s.id+"/deposit").leads(t, "/desk/people/"+s.id)

	r := w.upload(s.id, letter("2"), "scan.jpg", scan(t))
	r.Header.Set("Accept", "application/json")
	w.do(r, w.cookie).says(t, 200, `"next":"`+to+`"`)
}

func TestDeposit_refusals(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	jpeg := scan(t)
	for name, c := range map[string]struct {
		status  int
		file    string
		content []byte
		change  map[string]string
		says    string
	}{
		"no file":         {422, "", nil, nil, "Choisissez un fichier"},
		"empty":           {422, "scan.jpg", nil, nil, "Ce fichier est vide."},
		"another type":    {415, "scan.jpg", []byte("PK\x03\x04 a word file that says it is a picture"), nil, "ni une photo JPEG ou PNG, ni un PDF"},
		"cut short":       {422, "scan.jpg", jpeg[:len(jpeg)/2], nil, "Ce fichier est coupé"},
		"no kind":         {422, "scan.jpg", jpeg, map[string]string{"kind": ""}, "Choisissez de quel papier il s’agit."},
		"unknown kind":    {422, "scan.jpg", jpeg, map[string]string{"kind": "sword"}, "Choisissez de quel papier il s’agit."},
		"no such day":     {422, "scan.jpg", jpeg, map[string]string{"valid_from": "31/02/2026"}, "Écrivez une date qui existe"},
		"ends before":     {422, "scan.jpg", jpeg, map[string]string{"valid_from": "06/12/2026"}, "qui vient après le début"},
		"far too long":    {400, "scan.jpg", jpeg, map[string]string{"title": strings.Repeat("x", 5000)}, "Il est arrivé incomplet ou trop long."},
		"too long titles": {422, "scan.jpg", jpeg, map[string]string{"title": strings.Repeat("x", 101)}, "Écrivez un titre plus court"},
	} {
		t.Run(name, func(t *testing.T) {
			fields := letter(name)
			for k, v := range c.change {
				fields[k] = v
			}
			w.do(w.upload(s.id, fields, c.file, c.content), w.cookie).says(t, c.status, c.says)
			r := w.upload(s.id, fields, c.file, c.content)
			r.Header.Set("Accept", "application/json")
			a := w.do(r, w.cookie)
			if a.status != c.status || !strings.HasPrefix(a.body, "{") || !strings.Contains(strings.ReplaceAll(a.body, "\u00a0", " "), c.says) {
				t.Errorf("the script is told %d %s", a.status, a.body)
			}
		})
	}
	if n := len(w.holder(s).Papers()); n != 0 {
		t.Errorf("%d papers were kept", n)
	}
	w.do(w.upload("nobody", letter("x"), "scan.jpg", jpeg), w.cookie).says(t, 404, "Introuvable")
}

// What no browser sends is told as a form that is none; the log holds nothing of it.
func TestDeposit_malformedIsNoFaultOfOurs(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	field := "--x\r\nContent-Disposition: form-data; name=\"kind\"\r\n"
	for name, body := range map[string]string{
		"a line between parts": field + "\r\nletter\r\n--x\r\nPAPERSECRET\r\n\r\nv\r\n--x--\r\n",
		"no header":            "--x\r\nPAPERSECRET\r\n\r\nv\r\n--x--\r\n",
		"after the boundary":   field + "\r\nletter\r\n--xPAPERSECRET\r\n\r\nv\r\n--x--\r\n",
		"odd encoding":         field + "Content-Transfer-Encoding: quoted-printable\r\n\r\n=PAPERSECRET\r\n--x--\r\n",
	} {
		for _, accept := range []string{"text/html", "application/json"} {
			r := w.request("POST", "/desk/people/"+s.id+"/deposit", strings.NewReader(body))
			r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
			r.Header.Set("Accept", accept)
			if a := w.do(r, w.cookie); a.status < 400 || a.status >= 500 || strings.Contains(a.body, "PAPERSECRET") {
				t.Errorf("%s, %s: answered %d %s", name, accept, a.status, a.body)
			}
		}
	}
	if strings.Contains(log.String(), "PAPERSECRET") || strings.Contains(log.String(), "desk action failed") {
		t.Errorf("the log holds %s", log.String())
	}
}

// endless counts what is read of a file that is too large.
type endless struct{ read int64 }

func (e *endless) Read(b []byte) (int, error) {
	e.read += int64(len(b))
	return len(b), nil
}

func TestDeposit_tooLargeIsToldBeforeTheUploadEnds(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	const size = 4 << 30
	file := &endless{}
	r := w.request("POST", "/desk/people/"+s.id+"/deposit", io.LimitReader(file, size))
	r.ContentLength = size
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	r.Header.Set("Expect", "100-continue") // lets the client wait for a "no"
	w.do(r, w.cookie).says(t, 413, "Ce fichier est trop lourd : 25 Mo au plus.")
	if file.read > 32<<20 {
		t.Errorf("%d bytes were sent before the answer", file.read)
	}
}

func TestDeposit_tooLargeWithoutALength(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	head := "--x\r\nContent-Disposition: form-data; name=\"once\"\r\n\r\n1\r\n--x\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\nletter\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\n\xff\xd8\xff\xe0"
	r := w.request("POST", "/desk/people/"+s.id+"/deposit", io.MultiReader(strings.NewReader(head), io.LimitReader(zeros{}, vault.MaxUpload+1<<20)))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	if a := w.do(r, w.cookie); a.status != 413 && a.status != 422 {
		t.Errorf("status %d", a.status) // the first bytes alone may already be damage
	}
	if n := len(w.holder(s).Papers()); n != 0 {
		t.Errorf("%d papers were kept", n)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestDeposit_formOfAnotherMaking(t *testing.T) {
	w := newWorld(t)
	s := w.enrol(andrei)
	w.post("/desk/people/"+s.id+"/deposit", "kind", "letter").says(t, 400, "Ce formulaire ne va pas")
	var many strings.Builder
	for i := range 40 {
		fmt.Fprintf(&many, "--x\r\nContent-Disposition: form-data; name=\"f%d\"\r\n\r\nv\r\n", i)
	}
	many.WriteString("--x--\r\n")
	r := w.request("POST", "/desk/people/"+s.id+"/deposit", strings.NewReader(many.String()))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	w.do(r, w.cookie).says(t, 400, "Ce formulaire ne va pas")
	r = w.request("POST", "/desk/people/"+s.id+"/deposit", strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\nlet"))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	w.do(r, w.cookie).says(t, 422, "Ce fichier est coupé")
}
