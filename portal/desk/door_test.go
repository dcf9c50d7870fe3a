package desk_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	w.now = w.now.Add(time.Minute) // the code of this minute was used in setting up
	a := w.postAs("", "/desk/sign-in", "email", " Claire@example.org", "password", password, "code", spaced(w.code(w.secret)))
	a.leads(t, "/desk/")
	c := a.cookies["consigne_member"]
	if c == nil || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/desk" || c.Secure {
		t.Fatalf("cookie %+v", c) // not Secure: the test's server is on loopback
	}
	w.do(w.request("GET", "/desk/", nil), c.Value).says(t, 200, "Lundi 23 novembre 2026", "Claire Morel", "Les Tilleuls")
}

func spaced(code string) string { return code[:3] + " " + code[3:] }

func TestSignIn_cookieIsSecureOutsideLoopback(t *testing.T) {
	w := newWorld(t)
	w.now = w.now.Add(time.Minute)
	r := w.request("POST", "/desk/sign-in", strings.NewReader("email=claire@example.org&password="+strings.ReplaceAll(password, " ", "+")+"&code="+w.code(w.secret)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Host = "consigne.example"
	if c := w.do(r, "").cookies["consigne_member"]; c == nil || !c.Secure {
		t.Errorf("cookie %+v", c)
	}
}

func TestSignIn_refusals(t *testing.T) {
	w := newWorld(t)
	w.now = w.now.Add(time.Minute)
	for name, fields := range map[string][]string{
		"password": {"email", "claire@example.org", "password", "wrong", "code", w.code(w.secret)},
		"code":     {"email", "claire@example.org", "password", password, "code", "000000"},
		"stranger": {"email", "nobody@example.org", "password", password, "code", w.code(w.secret)},
	} {
		a := w.postAs("", "/desk/sign-in", fields...)
		a.says(t, 422, "L’adresse, le mot de passe ou le code ne vont pas ensemble.")
		if a.cookies["consigne_member"] != nil {
			t.Errorf("%s: a cookie was given", name)
		}
		if strings.Contains(a.body, password) || strings.Contains(a.body, fields[5]) {
			t.Errorf("%s: password or code stand in the page", name)
		}
		if !strings.Contains(a.body, `value="`+fields[1]+`"`) {
			t.Errorf("%s: the e-mail has to be typed again", name)
		}
	}
}

// try is one attempt to sign in.
func (w *world) try(email, password, code string) answer {
	w.t.Helper()
	return w.postAs("", "/desk/sign-in", "email", email, "password", password, "code", code)
}

// Known and unknown addresses get the same answers, to the letter.
func TestSignIn_slowsDown(t *testing.T) {
	w := newWorld(t)
	for i := range 7 {
		known := w.try("claire@example.org", "wrong", "000000")
		unknown := w.try("nobody@example.org", "wrong", "000000")
		same := strings.ReplaceAll(unknown.body, "nobody@example.org", "claire@example.org")
		if known.status != unknown.status || known.header.Get("Retry-After") != unknown.header.Get("Retry-After") || known.body != same {
			t.Errorf("try %d: %d for somebody who works here, %d for nobody", i+1, known.status, unknown.status)
		}
		if i < 5 {
			known.says(t, 422, "L’adresse, le mot de passe ou le code ne vont pas ensemble.")
			continue
		}
		known.says(t, 429, "Trop d’essais. Attendez 60 secondes, puis recommencez. Votre compte n’est pas bloqué.")
		if wait := known.header.Get("Retry-After"); wait != "60" {
			t.Errorf("Retry-After %q", wait)
		}
	}
	w.now = w.now.Add(time.Minute)
	w.try("CLAIRE@example.org ", "wrong", "000000").says(t, 422)
	w.try("claire@example.org", password, w.code(w.secret)).says(t, 429)
	w.now = w.now.Add(time.Minute)
	w.try("claire@example.org", password, w.code(w.secret)).leads(t, "/desk/")
}

// Somebody elsewhere, who knows the address of a member, cannot hold them up.
func TestSignIn_notFromAfar(t *testing.T) {
	w := newWorld(t)
	w.now = w.now.Add(time.Minute)
	w.from = "203.0.113.9:4000"
	for range 40 {
		w.try("claire@example.org", "wrong", "000000")
	}
	w.try("claire@example.org", password, w.code(w.secret)).says(t, 429)
	w.from = "198.51.100.7:4000"
	w.try("claire@example.org", password, w.code(w.secret)).leads(t, "/desk/")
}

// A household of IPv6 is one, whatever address it takes.
func TestSignIn_networks(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.from = "[2001:db8:1:2::" + string(rune('1'+i)) + "]:4000"
		w.try("claire@example.org", "wrong", "000000").says(t, 422)
	}
	w.from = "[2001:db8:1:ff:ffff::1]:4000"
	w.try("claire@example.org", "wrong", "000000").says(t, 429)
	w.from = "[2001:db8:1:100::1]:4000"
	w.try("claire@example.org", "wrong", "000000").says(t, 422)
}

// Who has the password guesses the code no faster from many networks, nor at once,
// learns nothing from being slowed down, and holds up nobody who was here before.
func TestSignIn_codesFromEverywhere(t *testing.T) {
	w := newWorld(t)
	w.now = w.now.Add(time.Minute)
	w.from = "198.51.100.7:4000"
	w.try("claire@example.org", password, w.code(w.secret)).leads(t, "/desk/")
	w.now = w.now.Add(time.Minute)
	for i := range 5 {
		w.from = fmt.Sprintf("203.0.113.%d:4000", i)
		w.try("claire@example.org", password, "000000").says(t, 422)
	}
	w.from = "203.0.113.9:4000"
	w.try("claire@example.org", password, w.code(w.secret)).says(t, 422, "L’adresse, le mot de passe ou le code ne vont pas ensemble.")
	w.from = "198.51.100.7:4000"
	w.try("claire@example.org", password, w.code(w.secret)).leads(t, "/desk/")
	w.now = w.now.Add(time.Minute)
	w.from = "203.0.113.10:4000"
	w.try("claire@example.org", password, w.code(w.secret)).leads(t, "/desk/")
}

// Who tries many addresses is slowed down, too, and holds up nobody elsewhere.
func TestSignIn_manyAddresses(t *testing.T) {
	w := newWorld(t)
	w.now = w.now.Add(time.Minute)
	w.from = "203.0.113.9:4000"
	for i := range 30 {
		w.try(strings.Repeat("a", i+1)+"@example.org", "wrong", "000000").says(t, 422)
	}
	w.try("another@example.org", "wrong", "000000").says(t, 429, "Attendez 10 secondes")
	w.try("claire@example.org", password, w.code(w.secret)).says(t, 429)
	w.now = w.now.Add(10 * time.Second)
	w.try("another@example.org", "wrong", "000000").says(t, 422)
	w.try("another@example.org", "wrong", "000000").says(t, 429)
	w.from = "198.51.100.7:4000"
	w.try("claire@example.org", password, w.code(w.secret)).leads(t, "/desk/")
}

// Signing in counts for nothing, however often; it takes earlier failures away.
func TestSignIn_rightTriesCountNot(t *testing.T) {
	w := newWorld(t)
	for range 12 {
		for range 4 {
			w.try("claire@example.org", "wrong", "000000").says(t, 422)
		}
		w.now = w.now.Add(time.Minute)
		w.try("claire@example.org", password, w.code(w.secret)).leads(t, "/desk/")
	}
}

func TestSession_ended(t *testing.T) {
	w := newWorld(t)
	w.get("/desk/people").says(t, 200)
	w.now = w.now.Add(13 * time.Hour)
	a := w.get("/desk/people")
	a.leads(t, "/desk/sign-in?note=ended")
	if c := a.cookies["consigne_member"]; c == nil || c.MaxAge >= 0 {
		t.Error("the dead cookie stays")
	}
	w.do(w.request("GET", "/desk/sign-in?note=ended", nil), "").says(t, 200, "Votre session est terminée.")
	w.post("/desk/team/device-code").leads(t, "/desk/sign-in?note=ended")
	w.do(w.request("GET", "/desk/team", nil), "").leads(t, "/desk/sign-in")
}

func TestSignOut(t *testing.T) {
	w := newWorld(t)
	w.post("/desk/sign-out").leads(t, "/desk/sign-in?note=left")
	w.get("/desk/").leads(t, "/desk/sign-in?note=ended")
	w.post("/desk/sign-out").leads(t, "/desk/sign-in?note=left")
}

func TestInvitation_toTheFirstDay(t *testing.T) {
	w := newWorld(t)
	path := "/desk/invitation/" + w.invite(w.relay, "jules@example.org", "Jules Fabre")
	w.do(w.request("GET", path, nil), "").says(t, 200, "Jules Fabre", "Les Tilleuls", "jules@example.org")
	w.postAs("", path, "password", password, "again", "something else").says(t, 422, "Les deux mots de passe ne sont pas les mêmes.")
	w.postAs("", path, "password", "short", "again", "short").says(t, 422, "Choisissez un mot de passe de 12 lettres et chiffres au moins.")
	a := w.postAs("", path, "password", password, "again", password)
	a.leads(t, "/desk/setup")
	setup := a.cookies["consigne_setup"]
	if setup == nil || !setup.HttpOnly || setup.SameSite != http.SameSiteStrictMode || setup.Path != "/desk" {
		t.Fatalf("cookie %+v", setup)
	}

	page := w.withSetup("GET", setup.Value, "")
	page.says(t, 200, "Code que montre l’application")
	if !strings.Contains(page.body, `<svg class="qr"`) {
		t.Error("no drawing to photograph")
	}
	secret := typedSecret(t, page.body)
	w.withSetup("POST", setup.Value, "code=000000").says(t, 422, "Ce code n’est pas bon")
	a = w.withSetup("POST", setup.Value, "code="+w.code(secret))
	a.leads(t, "/desk/")
	jules := a.cookies["consigne_member"].Value

	w.do(w.request("GET", "/desk/people", nil), jules).leads(t, "/desk/admission")
	w.do(w.request("GET", "/desk/admission", nil), jules).says(t, 200, "Un collègue doit encore vous admettre")
	w.get("/desk/").says(t, 200, "Un collègue attend", "Jules Fabre a accepté son invitation.")
	w.post("/desk/team/"+w.pending()+"/admit").leads(t, "/desk/team?done=admitted")
	w.get("/desk/team?done=admitted").says(t, 200, "Votre collègue peut maintenant travailler à ce relais.", "Jules Fabre")
	w.do(w.request("GET", "/desk/admission", nil), jules).leads(t, "/desk/")
	w.do(w.request("GET", "/desk/", nil), jules).says(t, 200, "Jules Fabre", "Lundi 23 novembre 2026")
	w.do(w.request("GET", path, nil), "").says(t, 404, "Cette invitation ne vaut plus")
}

func TestSetup_withoutAnInvitation(t *testing.T) {
	w := newWorld(t)
	w.withSetup("GET", "", "").says(t, 403, "Cette étape est terminée")
	w.withSetup("POST", "bm90IGEgY29va2ll", "code=123456").says(t, 403, "Cette étape est terminée")
}

func (w *world) pending() string {
	w.t.Helper()
	all, err := w.member(w.cookie).Pending(w.t.Context())
	must(w.t, err)
	if len(all) != 1 {
		w.t.Fatalf("%d colleagues wait", len(all))
	}
	return all[0].ID
}

func (w *world) withSetup(method, cookie, form string) answer {
	w.t.Helper()
	r := w.request(method, "/desk/setup", strings.NewReader(form))
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "consigne_setup", Value: cookie})
	}
	return w.do(r, "")
}

// typedSecret reads the groups that one types where no camera is.
func typedSecret(t *testing.T, page string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, `<p class="secret">`)
	groups, _, done := strings.Cut(rest, "</p>")
	if !ok || !done {
		t.Fatal("no secret to type")
	}
	return strings.NewReplacer("<span>", "", "</span>", "", " ", "").Replace(groups)
}

func TestForm_tooLong(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("a", 70<<10)
	w.post("/desk/people/new", "name", long).says(t, 400, "Ce formulaire ne va pas")
	w.postAs("", "/desk/sign-in", "email", long).says(t, 400, "Ce formulaire ne va pas")
	w.post("/desk/people", "name", long).says(t, 400, "Ce formulaire ne va pas")
}

func TestAddresses_thatTakeNoGet(t *testing.T) {
	w := newWorld(t)
	w.get("/desk/team/device-code").leads(t, "/desk/team")
	w.get("/desk/sign-out").says(t, 405, "Ce n’est pas possible")
}

func TestHeaders(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/desk/", "/desk/sign-in", "/desk/nowhere", "/desk/calls"} {
		a := w.get(path)
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		policy := a.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
}

func TestCrossOrigin_isRefused(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/desk/sign-in", "/desk/sign-out", "/desk/team/device-code", "/desk/people/new", "/desk/people/x/deposit"} {
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			r := w.request("POST", path, nil)
			r.Header.Set(name, value)
			if a := w.do(r, w.cookie); a.status != http.StatusForbidden {
				t.Errorf("%s from elsewhere (%s): status %d", path, name, a.status)
			}
		}
	}
	w.get("/desk/").says(t, 200) // still signed in
}
