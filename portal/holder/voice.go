package holder

import (
	"bytes"
	"errors"
	"net/http"
	"strings"

	"consigne/locales"
	"consigne/portal/vault"
	"consigne/portal/web"
)

// clipLimit is more than any sentence has.
const clipLimit = 80

// clipsOf reads the clips that an address asks for. A plus in a query is a space.
func clipsOf(r *http.Request) []string { return strings.Fields(r.URL.Query().Get("c")) }

// voice joins the clips of a sentence into one sound. Besides the room's own
// clips there are the names of relays and, in an open vault, of the places of
// its appointments.
func (s *server) voice(w http.ResponseWriter, r *http.Request) {
	clips := clipsOf(r)
	lang := languageOf(clips, localeOf(r).Tag())
	var h *vault.Holder
	own := func(name string) ([]byte, bool) {
		kind, id, _ := strings.Cut(name, "/")
		var clip []byte
		var err error
		switch kind {
		case "relay":
			clip, err = s.vault.RelayVoice(r.Context(), id, lang)
		case "place":
			if h == nil {
				if h, err = s.vault.Holder(r.Context(), deviceOf(r), web.CookieValue(r, cookieHolder)); err != nil {
					return nil, false
				}
			}
			clip, err = h.PlaceVoice(id)
		default:
			return nil, false
		}
		return clip, err == nil && len(clip) > 0
	}
	s.sendVoice(w, r, clips, own)
}

// languageOf is the language that a row of clips speaks: names are said in it too.
func languageOf(clips []string, otherwise string) string {
	for _, c := range clips {
		if tag, _, ok := strings.Cut(c, "/"); ok {
			if _, known := locales.Get(tag); known {
				return tag
			}
		}
	}
	return otherwise
}

func (s *server) sendVoice(w http.ResponseWriter, r *http.Request, clips []string, own ...func(string) ([]byte, bool)) {
	if len(clips) == 0 || len(clips) > clipLimit {
		http.NotFound(w, r)
		return
	}
	sound, err := locales.Join(clips, own...)
	var unknown *locales.UnknownClipError
	if errors.As(err, &unknown) {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		s.failPlain(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "audio/mpeg")
	// Players ask for stretches of a sound; this answers them.
	http.ServeContent(w, r, "", s.now(), bytes.NewReader(sound))
}
