package session

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// pollTime is how long a browser's question waits: less than its own patience.
const pollTime = 25 * time.Second

// own answers the child's own routes, those after /-/.
func (p *Proxy) own(w http.ResponseWriter, r *http.Request, name string) {
	switch {
	case strings.HasPrefix(name, "down/"):
		p.down(w, r, strings.TrimPrefix(name, "down/"))
	case name == "end" && p.isActive():
		p.leave(w, r, WhyLeft)
	case r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed)
	case name == "next":
		p.answerNext(w, r)
	case name == "enrol":
		p.enrol(w, r)
	case name == "up":
		p.answerUp(w, r)
	default:
		refuse(w, http.StatusNotFound)
	}
}

func (p *Proxy) isActive() bool {
	select {
	case <-p.active:
		return true
	default:
		return false
	}
}

// answerNext waits until there is a page to go to.
func (p *Proxy) answerNext(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pollTime)
	defer cancel()
	select {
	case name := <-p.next:
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"go": name}) // a browser that is gone needs no page
	case <-ctx.Done():
		refuse(w, http.StatusNoContent)
	}
}

// answerUp tells whether the portal is there again.
func (p *Proxy) answerUp(w http.ResponseWriter, r *http.Request) {
	response, err := p.ask(r.Context(), http.MethodGet, "/healthz", "", nil)
	if err != nil {
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	refuse(w, http.StatusNoContent)
}
