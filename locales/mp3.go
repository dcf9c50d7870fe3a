package locales

import "fmt"

// Clips are MPEG-2 layer III, 24 kHz, 32 kbit/s, mono: every frame has the same
// 96 bytes and lasts 24 ms, so that any two clips join at a frame boundary
// (ISO/IEC 13818-3; 72 * 32000 / 24000 = 96, never padded).
const (
	ClipRate  = 24000 // samples a second
	frameSize = 96    // bytes
	// FrameSamples is how many samples a frame holds.
	FrameSamples = 576
)

// FrameError tells at which byte a clip stops being of our format.
type FrameError struct {
	Offset int
	Reason string
}

func (e *FrameError) Error() string { return fmt.Sprintf("mp3 frame at %d: %s", e.Offset, e.Reason) }

// CheckFrames tells whether data is frames of our format and nothing else: no
// tag, no Xing frame, no frame that borrows bits from the one before it, which
// would be another clip's after joining. It returns a [*FrameError].
func CheckFrames(data []byte) error {
	if len(data) == 0 {
		return &FrameError{0, "empty"}
	}
	for at := 0; at < len(data); at += frameSize {
		if reason := checkFrame(data[at:]); reason != "" {
			return &FrameError{at, reason}
		}
	}
	return nil
}

func checkFrame(f []byte) string {
	switch {
	case len(f) < frameSize:
		return "cut short"
	case f[0] != 0xFF || f[1]&0xFE != 0xF2:
		return "not MPEG-2 layer III"
	case f[2]&0xFE != 0x44:
		return "not 32 kbit/s at 24 kHz without padding"
	case f[3]&0xC0 != 0xC0:
		return "not mono"
	}
	side := f[4:]
	if f[1]&1 == 0 {
		side = f[6:] // after the check sum
	}
	if side[0] != 0 {
		return "borrows bits from the frame before"
	}
	for _, tag := range []string{"Xing", "Info"} {
		if at := 4 + 9; string(f[at:at+4]) == tag {
			return "a Xing header, not sound"
		}
	}
	return ""
}
