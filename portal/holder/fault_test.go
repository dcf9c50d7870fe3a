package holder

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"consigne/portal/vault"
)

// logged gives what is logged while fn runs.
func logged(t *testing.T, fn func()) string {
	t.Helper()
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	defer slog.SetDefault(before)
	fn()
	return log.String()
}

// TestFaults_Logged: a fault of ours stands in the log by its type, also where
// nobody sees more than another page or a missing picture; what a person met does
// not, nor does any error's own text.
func TestFaults_Logged(t *testing.T) {
	s := &server{}
	r := httptest.NewRequest(http.MethodPost, "/k/card", nil)
	inner := errors.New("SECRET")
	for _, c := range []struct {
		name  string
		err   error
		fn    func(http.ResponseWriter, *http.Request, error)
		wants bool
	}{
		{"card, inner", inner, s.seeTrouble, true},
		{"card, foreign", vault.ErrCardText, s.seeTrouble, false},
		{"card, session", vault.ErrSession, s.seeTrouble, false},
		{"image, inner", inner, noPicture, true},
		{"image, damaged", vault.ErrFileDamaged, noPicture, true},
		{"image, none", vault.ErrNotFound, noPicture, false},
		{"image, link over", vault.ErrLinkDead, noPicture, false},
		{"image, other browser", vault.ErrLinkOther, noPicture, false},
		{"image, session", vault.ErrSession, noPicture, false},
	} {
		log := logged(t, func() { c.fn(httptest.NewRecorder(), r, c.err) })
		if strings.Contains(log, `"cause"`) != c.wants || strings.Contains(log, "SECRET") {
			t.Errorf("%s: logged %q", c.name, log)
		}
	}
}

type deaf struct{ http.ResponseWriter }

func (deaf) Write([]byte) (int, error) { return 0, errors.New("line is cut") }

func TestSendContent_Cut(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/k/page-image", nil)
	send := func(w http.ResponseWriter, source io.Reader) (cut any) {
		defer func() { cut = recover() }()
		sendContent(w, r, &vault.Content{Type: "image/jpeg", Size: 4, ReadCloser: io.NopCloser(source)})
		return nil
	}
	for _, c := range []struct {
		name   string
		w      http.ResponseWriter
		source io.Reader
		cut    any
		wants  bool
	}{
		{"whole", httptest.NewRecorder(), strings.NewReader("page"), nil, false},
		{"cannot be read", httptest.NewRecorder(), iotest.ErrReader(errors.New("SECRET")), http.ErrAbortHandler, true},
		{"browser gone", deaf{httptest.NewRecorder()}, strings.NewReader("page"), http.ErrAbortHandler, false},
	} {
		var cut any
		log := logged(t, func() { cut = send(c.w, c.source) })
		if cut != c.cut || strings.Contains(log, `"cause"`) != c.wants || strings.Contains(log, "SECRET") {
			t.Errorf("%s: cut %v, logged %q", c.name, cut, log)
		}
	}
}
