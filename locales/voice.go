package locales

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ErrNothingToSay is returned by [Synthesize] for a text without a letter or digit.
var ErrNothingToSay = errors.New("synthesize: nothing to say")

// ErrTooLong is returned by [Synthesize] for a text of more than 300 letters.
var ErrTooLong = errors.New("synthesize: text too long")

const longestSpoken = 300

// Synthesize says a text, such as a relay's name, in the voice of a language
// and returns a clip that [Join] joins with the others. A text in Latin letters
// is read by the French voice in a language of another script, and so is any
// text in a language without a voice. The words go to the engine on its
// standard input: other users of the machine can read command lines.
func Synthesize(ctx context.Context, tag, text string) ([]byte, error) {
	words := plain(text)
	if !speaks(words) {
		return nil, ErrNothingToSay
	}
	if len([]rune(words)) > longestSpoken {
		return nil, ErrTooLong
	}
	l := Must(tag)
	if !l.HasVoice() || l.Script() != "Latn" && isLatin(words) {
		l = Must(Fallback)
	}
	return l.speak(ctx, words)
}

// plain takes out what the engine would not read as text: control characters,
// and the brackets that mark phonemes.
func plain(text string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune("[]{}<>|", r) {
			return ' '
		}
		return r
	}, text)), " ")
}

func isLatin(text string) bool {
	for _, r := range text {
		if unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) {
			return false
		}
	}
	return true
}

// Speak says the words of a clip in the language's synthetic voice.
func (l *Locale) Speak(ctx context.Context, words string) ([]byte, error) {
	return l.speak(ctx, strings.TrimLeft(words, " .,;:!?؟،؛"))
}

func (l *Locale) speak(ctx context.Context, words string) ([]byte, error) {
	v := l.language.Voice
	wav, err := run(ctx, []byte(v.respelled(words)+"\n"), "espeak-ng", "--stdin", "--stdout", "-b", "1", "-z",
		"-v", v.Name, "-s", strconv.Itoa(v.Speed), "-p", strconv.Itoa(v.Pitch), "-g", strconv.Itoa(v.Gap))
	if err != nil {
		return nil, err
	}
	// The engine cannot know the length in a header that it streams.
	raw, err := run(ctx, wav, "sox", "-V1", "--ignore-length", "-t", "wav", "-", "-t", "raw", "-r", strconv.Itoa(ClipRate),
		"-e", "signed", "-b", "16", "-c", "1", "-L", "-", "gain", "-6", "highpass", "70")
	if err != nil {
		return nil, err
	}
	return Encode(ctx, raw, pauseAfter(words))
}

// Recorded makes a clip of a person's recording, in any format that ffmpeg reads.
func Recorded(ctx context.Context, file string) ([]byte, error) {
	raw, err := run(ctx, nil, "ffmpeg", "-v", "error", "-nostdin", "-i", file, "-ac", "1", "-ar", strconv.Itoa(ClipRate), "-f", "s16le", "-")
	if err != nil {
		return nil, err
	}
	return Encode(ctx, raw, 60*time.Millisecond)
}

// pauseAfter tells how long a voice rests after the words.
func pauseAfter(words string) time.Duration {
	last, _ := utf8.DecodeLastRuneInString(strings.TrimSpace(words))
	switch {
	case strings.ContainsRune(".!?؟", last):
		return 260 * time.Millisecond
	case strings.ContainsRune(",;:،؛", last):
		return 90 * time.Millisecond
	}
	return 20 * time.Millisecond
}

// Encode makes a clip of 16-bit little-endian mono samples at [ClipRate]:
// silence cut off, brought to -16 LUFS, rest added at the end.
func Encode(ctx context.Context, raw []byte, rest time.Duration) ([]byte, error) {
	samples := make([]float64, len(raw)/2)
	for i := range samples {
		samples[i] = float64(int16(binary.LittleEndian.Uint16(raw[2*i:]))) / 32768
	}
	samples = level(trim(samples, ClipRate), ClipRate)
	samples = append(samples, make([]float64, int(rest.Seconds()*ClipRate))...)
	return encode(ctx, samples)
}

// Silence makes a clip that says nothing for about so long.
func Silence(ctx context.Context, length time.Duration) ([]byte, error) {
	return encode(ctx, make([]float64, int(length.Seconds()*ClipRate)))
}

// Tick makes the plain tick of a touched code picture: 45 ms of 1,100 Hz.
func Tick(ctx context.Context) ([]byte, error) {
	samples := make([]float64, ClipRate*45/1000)
	for i := range samples {
		t := float64(i) / ClipRate
		samples[i] = 0.6 * math.Exp(-t*90) * math.Sin(2*math.Pi*1100*t)
	}
	return encode(ctx, samples)
}

func encode(ctx context.Context, samples []float64) ([]byte, error) {
	raw := make([]byte, 2*len(samples))
	for i, x := range samples {
		binary.LittleEndian.PutUint16(raw[2*i:], uint16(int16(max(-1, min(1, x))*32767)))
	}
	// -t leaves out the Xing frame, --nores the bit reservoir.
	clip, err := run(ctx, raw, "lame", "--quiet", "-r", "-s", "24", "--bitwidth", "16", "--signed", "--little-endian",
		"-m", "m", "-t", "--nores", "--cbr", "-b", "32", "--resample", "24", "-", "-")
	if err != nil {
		return nil, err
	}
	if err := CheckFrames(clip); err != nil {
		return nil, fmt.Errorf("encode clip: %w", err)
	}
	return clip, nil
}

// run feeds a program and returns what it writes. What it complains of is left
// out of the error, for it may repeat the text.
func run(ctx context.Context, input []byte, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "HOME=/nonexistent"}
	out, err := cmd.Output()
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("voice: %s: %w", program, err)
	}
	return out, nil
}
