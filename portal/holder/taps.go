package holder

import (
	"crypto/rand"
	"sync"
	"time"
)

// tapLife is how long the second touch of a double one may come after the first.
const tapLife = time.Minute

// taps remembers, for a minute and in memory only, to which browser a form's
// number opened a link: the second touch of a double one comes before the first
// one's cookie, and must not read "opened on another phone". A form's number is
// known to the page that bears it alone.
type taps struct {
	now  func() time.Time
	mu   sync.Mutex
	seen map[string]tap
}

type tap struct {
	browser string
	until   time.Time
}

func newTaps(now func() time.Time) *taps { return &taps{now: now, seen: map[string]tap{}} }

// number makes a form's number.
func (t *taps) number() string { return rand.Text() }

func (t *taps) note(letters, once, browser string) {
	if once == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for key, old := range t.seen {
		if now.After(old.until) {
			delete(t.seen, key)
		}
	}
	t.seen[letters+"/"+once] = tap{browser, now.Add(tapLife)}
}

func (t *taps) find(letters, once string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.seen[letters+"/"+once]
	if once == "" || t.now().After(found.until) {
		return ""
	}
	return found.browser
}

// idSet is a set of ids in memory.
type idSet struct {
	mu  sync.Mutex
	ids map[string]bool
}

func newIDSet() *idSet { return &idSet{ids: map[string]bool{}} }

func (s *idSet) add(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids[id] = true
}

func (s *idSet) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ids[id]
}
