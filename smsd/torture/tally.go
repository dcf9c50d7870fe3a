package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"consigne/internal/database"
)

// order is a message that was handed to smsd.
type order struct {
	id string
	letter
}

// A verdict says what became of all messages.
type verdict struct {
	Store      string
	Messages   int // accepted from the enqueuers
	Requests   int
	Faulted    int
	Kills      int // of daemons and enqueuers
	Lost       int
	Duplicates int
	Held       int
	States     map[string]int
}

// good tells whether the promise was kept, and whether it was put to the test.
func (v verdict) good() bool {
	return v.Lost == 0 && v.Duplicates == 0 && 100*v.Held <= v.Messages && v.Faulted*5 >= v.Requests
}

func (v verdict) print(w io.Writer) {
	word := "kept"
	if !v.good() {
		word = "BROKEN"
	}
	fmt.Fprintf(w, "%-10s %d messages, %d requests (%.1f %% faulted), %d kills: lost %d, duplicates %d, held %d (%.2f %%), %v: %s\n",
		v.Store, v.Messages, v.Requests, 100*float64(v.Faulted)/float64(max(1, v.Requests)), v.Kills,
		v.Lost, v.Duplicates, v.Held, 100*float64(v.Held)/float64(max(1, v.Messages)), v.States, word)
}

// tally compares what was accepted with what the phones have. Twins, the same
// text to the same number, are counted together.
func tally(ctx context.Context, db *database.DB, n *network, accepted map[string]order) (verdict, error) {
	states, err := readStates(ctx, db)
	if err != nil {
		return verdict{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	v := verdict{Store: db.Kind().String(), Messages: len(accepted), Requests: n.requests, Faulted: n.faulted, States: map[string]int{}}
	wanted, held := map[letter]int{}, map[letter]int{}
	for id, o := range accepted {
		wanted[o.letter]++
		v.States[states[id]]++
		if states[id] == "held" {
			held[o.letter]++
			v.Held++
		}
	}
	for l, want := range wanted {
		v.Lost += max(0, want-held[l]-n.phones[l])
		v.Duplicates += max(0, n.phones[l]-want)
	}
	for l, got := range n.phones { // nobody may get what nobody was told is accepted
		if wanted[l] == 0 {
			v.Duplicates += got
		}
	}
	return v, nil
}

func readStates(ctx context.Context, db *database.DB) (map[string]string, error) {
	rows, err := db.Read().Query(ctx, `SELECT id, state FROM message`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var id, state string
		if err := rows.Scan(&id, &state); err != nil {
			return nil, err
		}
		out[id] = state
	}
	return out, rows.Err()
}

// answers reads what an enqueuer printed: whole lines only, the last may be cut.
func answers(out string) map[string]string {
	said := map[string]string{}
	for line := range strings.Lines(out) {
		if id, word, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok && strings.HasSuffix(line, "\n") {
			said[id] = word
		}
	}
	return said
}
