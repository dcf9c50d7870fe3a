package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"consigne/e2e/stage"
)

// A program is at rest that in quiet uses no more than quietTicks hundredths of a
// second of processor time: the queue looks at its table now and then.
const (
	quiet      = 3 * time.Second
	quietTicks = 3
)

// memory measures what portal and smsd keep resident once both are at rest. Only a
// start has a limit: after a rush the runtime gives memory back at its own pace.
func (b *bench) memory(ctx context.Context, when string, limit float64) ([]figure, error) {
	sum := figure{name: "resident memory of portal + smsd, " + when, unit: "MB", limit: limit, values: []float64{0}}
	var parts []figure
	for _, p := range []*stage.Process{b.house.Portal, b.house.SMS} {
		if err := atRest(ctx, p.PID()); err != nil {
			return nil, fmt.Errorf("%s at rest: %w", p.Name, err)
		}
		rss, err := field(p.PID(), "status", "VmRSS:")
		if err != nil {
			return nil, err
		}
		sum.values[0] += rss
		parts = append(parts, figure{name: "  " + p.Name + ", VmRSS", unit: "MB", values: []float64{rss}})
		// Only who may look into the program is told its share of what it maps
		// together with others.
		if pss, err := field(p.PID(), "smaps_rollup", "Pss:"); err == nil {
			parts = append(parts, figure{name: "  " + p.Name + ", Pss", unit: "MB", values: []float64{pss}})
		}
	}
	return append([]figure{sum}, parts...), nil
}

// field reads one line of a process's file, in megabytes of a million bytes.
func field(pid int, file, name string) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), name); ok {
			var kilobytes float64
			_, err := fmt.Sscanf(rest, "%f kB", &kilobytes)
			return kilobytes * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("%s: no %s", file, name)
}

// atRest waits until a program uses next to no processor time.
func atRest(ctx context.Context, pid int) error {
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	before, since := -quietTicks-1, time.Now()
	return stage.Until(ctx, func() (bool, error) {
		used, err := ticks(pid)
		if err != nil {
			return false, err
		}
		if used-before > quietTicks {
			before, since = used, time.Now()
		}
		return time.Since(since) >= quiet, nil
	})
}

// ticks is the processor time that a process has used, in hundredths of a second.
func ticks(pid int) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// proc(5): after the name in brackets, the 12th is utime, the 13th stime.
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("process %d: no times", pid)
	}
	user, err := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return user + system, errors.Join(err, err2)
}
