package pages

import (
	"context"
	"io"
	"time"
)

// RenderWithin is Render with other limits on the child: seconds of computing,
// and time by the clock.
func RenderWithin(ctx context.Context, r io.Reader, cpu int, clock time.Duration, page PageFunc) (Kind, error) {
	return renderWithin(ctx, r, limits{memory: childLimits.memory, cpu: cpu, clock: clock}, page)
}

// Places is how many papers are drawn at once.
func Places() int { return cap(places) }

// Orientation is the EXIF parser, for the fuzzer.
func Orientation(head []byte) int { return int(orientation(head)) }

// ReadPages is the reader of the child's output, for the fuzzer.
func ReadPages(r io.Reader, page PageFunc) (int, error) { return readPages(r, func() {}, page) }
