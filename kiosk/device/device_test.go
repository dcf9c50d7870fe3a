package device

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"consigne/internal/seal"
)

func TestParsePortal(t *testing.T) {
	for text, want := range map[string]string{
		"https://portal.example":       "https://portal.example",
		"https://portal.example/":      "https://portal.example",
		"https://portal.example:8443":  "https://portal.example:8443",
		"http://127.0.0.1:8080":        "http://127.0.0.1:8080",
		"http://[::1]:8080":            "http://[::1]:8080",
		"http://localhost:8080":        "http://localhost:8080",
		"http://portal.example":        "",
		"http://127.0.0.1.evil.com":    "",
		"http://192.168.1.2":           "",
		"https://user:pw@host.example": "",
		"https://portal.example/k":     "",
		"https://portal.example?x":     "",
		"https://portal.example#x":     "",
		"ftp://portal.example":         "",
		"portal.example":               "",
		"":                             "",
		"https://":                     "",
		"https://a b":                  "",
	} {
		u, err := ParsePortal(text)
		switch {
		case want == "" && !errors.Is(err, ErrPortal):
			t.Errorf("%q: %v, %v", text, u, err)
		case want != "" && (err != nil || u.String() != want):
			t.Errorf("%q: %v, %v", text, u, err)
		}
	}
}

func TestParseCode(t *testing.T) {
	for text, want := range map[string]string{
		"12345678": "12345678", "1234 5678\n": "12345678", " 12-34-56-78\r\n": "12345678",
		"": "", "1234567": "", "123456789": "", "1234567a": "", "１２３４５６７８": "", "+1234567": "",
	} {
		got, err := ParseCode(text)
		if got != want || (want == "") != errors.Is(err, ErrCode) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// answering is a portal that answers every enrolment so, and keeps what it got.
func answering(t *testing.T, status int, answer string) (Enrolment, *map[string]string) {
	t.Helper()
	got := map[string]string{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || r.URL.Path != "/device/enrol" {
			t.Errorf("asked %s: %v", r.URL.Path, err)
		}
		w.WriteHeader(status)
		w.Write([]byte(answer))
	}))
	t.Cleanup(s.Close)
	portal, err := ParsePortal(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return Enrolment{Portal: portal, Dir: filepath.Join(t.TempDir(), "keys"), Name: "hall"}, &got
}

func TestEnrolment(t *testing.T) {
	e, got := answering(t, 200, `{"id":"DEV","relay":"REL"}`)
	if _, _, err := Load(e.Dir); !errors.Is(err, ErrNotEnrolled) {
		t.Errorf("before: %v", err)
	}
	info, err := e.Do(t.Context(), "12345678")
	if err != nil {
		t.Fatal(err)
	}
	dev, loaded, err := Load(e.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(info, loaded); diff != "" || dev.ID != "DEV" || info.Relay != "REL" {
		t.Error(diff)
	}
	token := dev.Token()
	if (*got)["code"] != "12345678" || (*got)["name"] != "hall" || (*got)["token"] != hex.EncodeToString(token[:]) {
		t.Error("the portal was told something else")
	}
	header := http.Header{}
	dev.Sign(header)
	if header.Get(HeaderDevice) != "DEV" || header.Get(HeaderToken) != (*got)["token"] {
		t.Error("the device signs with something else than it enrolled with")
	}
	checkModes(t, e.Dir)
	if _, err := e.Do(t.Context(), "12345678"); !errors.Is(err, ErrEnrolled) {
		t.Errorf("a second time: %v", err)
	}
}

func checkModes(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v, %v: want key and number, nothing else", entries, err)
	}
	for _, e := range entries {
		if st, err := e.Info(); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), st.Mode(), err)
		}
	}
}

func TestEnrolment_RefusalsLeaveNothing(t *testing.T) {
	for _, test := range []struct {
		status int
		answer string
		want   error
	}{
		{403, "", ErrRefused}, {404, "", ErrRefused}, {429, "", ErrWait}, {500, "", nil}, {200, "<html>", nil}, {200, `{"relay":"R"}`, nil},
	} {
		e, _ := answering(t, test.status, test.answer)
		_, err := e.Do(t.Context(), "12345678")
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%d %q: %v", test.status, test.answer, err)
		}
		if left, _ := os.ReadDir(e.Dir); len(left) > 0 {
			t.Errorf("%d %q left %v", test.status, test.answer, left)
		}
	}
}

func TestLoad_Refuses(t *testing.T) {
	enrolled := func() string {
		e, _ := answering(t, 200, `{"id":"DEV","relay":"REL"}`)
		if _, err := e.Do(t.Context(), "12345678"); err != nil {
			t.Fatal(err)
		}
		return e.Dir
	}
	for name, test := range map[string]struct {
		spoil func(dir string) error
		want  error
	}{
		"key readable by others": {func(dir string) error { return os.Chmod(filepath.Join(dir, keyFile), 0o640) }, seal.ErrKeyFile},
		"no key":                 {func(dir string) error { return os.Remove(filepath.Join(dir, keyFile)) }, ErrNotEnrolled},
		"another key": {func(dir string) error {
			path := filepath.Join(dir, keyFile)
			if err := os.Remove(path); err != nil {
				return err
			}
			_, err := seal.MakeKeyFile(path, label)
			return err
		}, ErrNotEnrolled},
		"half a number": {func(dir string) error { return os.WriteFile(filepath.Join(dir, infoFile), []byte(`{"id":`), 0o600) }, ErrNotEnrolled},
		"no number":     {func(dir string) error { return os.WriteFile(filepath.Join(dir, infoFile), []byte(`{}`), 0o600) }, ErrNotEnrolled},
	} {
		dir := enrolled()
		if err := test.spoil(dir); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Load(dir); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func TestOpenProfile(t *testing.T) {
	dev := Device{"DEV", seal.NewKey()}
	place := seal.Place{Table: "enrolment", Row: "E1", Column: "profile", Reader: "DEV"}
	sealed, err := dev.Key.Identity().Public().Seal(place, []byte("profile"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := dev.OpenProfile("E1", sealed); err != nil || string(got) != "profile" {
		t.Errorf("%q, %v", got, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another enrolment": func() ([]byte, error) { return dev.OpenProfile("E2", sealed) },
		"another device":    func() ([]byte, error) { return Device{"DEV2", dev.Key}.OpenProfile("E1", sealed) },
		"another key":       func() ([]byte, error) { return Device{"DEV", seal.NewKey()}.OpenProfile("E1", sealed) },
		"cut":               func() ([]byte, error) { return dev.OpenProfile("E1", sealed[:len(sealed)-1]) },
	} {
		if _, err := open(); !errors.Is(err, seal.ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
