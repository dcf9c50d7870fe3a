package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
)

// A figure is something measured, beside what it may be at most or at least, or
// beside the peer that it is held against.
type figure struct {
	name, unit string
	values     []float64
	limit      float64 // at most this; 0 without a limit
	least      float64 // at least this; 0 without
	peer       float64 // what the peer did in the same run; 0 without one
	against    string  // who the peer is
}

// quantile is the value that a share of all does not exceed, by nearest rank.
func quantile(values []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(share*float64(len(sorted))))-1)]
}

func (f figure) median() float64 { return quantile(f.values, 0.5) }
func (f figure) p99() float64    { return quantile(f.values, 0.99) }

// over tells whether a figure misses its limit: nearly all runs have to keep it.
func (f figure) over() bool {
	return f.limit > 0 && f.p99() > f.limit || f.least > 0 && quantile(f.values, 0.01) < f.least
}

// beside is the last columns: the limit or the peer, and the ratios to it.
func (f figure) beside() string {
	switch {
	case f.limit > 0:
		verdict := "ok"
		if f.over() {
			verdict = "over"
		}
		return fmt.Sprintf("at most %s\t%.2f\t%.2f\t%s", number(f.limit), f.median()/f.limit, f.p99()/f.limit, verdict)
	case f.least > 0:
		verdict := "ok"
		if f.over() {
			verdict = "under"
		}
		return fmt.Sprintf("at least %s\t%.2f\t%.2f\t%s", number(f.least), f.median()/f.least, f.p99()/f.least, verdict)
	case f.peer > 0:
		return fmt.Sprintf("%s: %s\t%.2f\t%.2f\t", f.against, number(f.peer), f.median()/f.peer, f.p99()/f.peer)
	default:
		return "\t\t\t"
	}
}

func number(v float64) string {
	if v >= 1000 || v == math.Trunc(v) {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

// print writes the table and the notes that say what was measured how.
func print(w io.Writer, figures []figure, notes []string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "figure\tunit\tmedian\tp99\tn\tlimit or peer\tmedian/it\tp99/it\t")
	for _, f := range figures {
		if len(f.values) == 0 {
			continue // did not get so far
		}
		p99 := number(f.p99())
		if len(f.values) == 1 {
			p99 = "–"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\n", f.name, f.unit, number(f.median()), p99, len(f.values), f.beside())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i, n := range notes {
		if _, err := fmt.Fprintf(w, "\n%d. %s", i+1, n); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}
