package locales

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// builtClips lists all clips that must be there, and fails at the first that is not.
func builtClips(t *testing.T, l *Locale) map[string][]byte {
	t.Helper()
	clips := map[string][]byte{}
	for _, s := range l.Spoken() {
		data, ok := Clip(s.Name)
		if !ok {
			t.Fatalf("clip %s is not built: run make voices", s.Name)
		}
		clips[s.Name] = data
	}
	return clips
}

func TestEveryClipIsThereAndJoins(t *testing.T) {
	for _, name := range []string{TickClip, SilenceClip, pauseClip} {
		data, ok := Clip(name)
		if !ok {
			t.Fatalf("clip %s is not built: run make voices", name)
		}
		if err := CheckFrames(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	each(t, func(t *testing.T, l *Locale) {
		clips := builtClips(t, l)
		if len(clips) < 300 {
			t.Errorf("%d clips", len(clips))
		}
		for name, data := range clips {
			if err := CheckFrames(data); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !Synthetic(name) {
				if found, _ := filepath.Glob("recordings/" + name + ".*"); len(found) == 0 {
					t.Errorf("%s: a machine's voice that is not marked so", name)
				}
			}
		}
	})
}

// samples decodes MP3 frames with ffmpeg, which knows nothing of this package.
func samples(t *testing.T, mp3 []byte) []float64 {
	t.Helper()
	cmd := exec.Command("ffmpeg", "-v", "error", "-f", "mp3", "-i", "-", "-f", "s16le", "-ac", "1", "-ar", "24000", "-")
	cmd.Stdin = bytes.NewReader(mp3)
	raw, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	out := make([]float64, len(raw)/2)
	for i := range out {
		out[i] = float64(int16(binary.LittleEndian.Uint16(raw[2*i:]))) / 32768
	}
	return out
}

func peak(samples []float64) float64 {
	most := 0.0
	for _, x := range samples {
		most = math.Max(most, math.Abs(x))
	}
	return 20 * math.Log10(most)
}

// Every clip is loud enough to be heard and about as loud as the others. All
// clips of a language are decoded in one go, as frames of one stream: each has
// the samples of its frames.
func TestEveryClipIsAudible(t *testing.T) {
	each(t, func(t *testing.T, l *Locale) {
		clips := builtClips(t, l)
		var names []string
		var stream bytes.Buffer
		for _, s := range l.Spoken() {
			names = append(names, s.Name)
			stream.Write(clips[s.Name])
		}
		cmd := exec.Command("ffmpeg", "-v", "error", "-f", "mp3", "-i", "-", "-f", "s16le", "-")
		cmd.Stdin = &stream
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			raw := make([]byte, 2*FrameSamples*len(clips[name])/frameSize)
			// The decoder's delay may cost the last clip its end.
			if _, err := io.ReadFull(out, raw); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%s: %v", name, err)
			}
			sound := make([]float64, len(raw)/2)
			for i := range sound {
				sound[i] = float64(int16(binary.LittleEndian.Uint16(raw[2*i:]))) / 32768
			}
			if level := peak(sound); level < -20 {
				t.Errorf("%s: %.1f dBFS at its loudest", name, level)
			}
			if lufs := loudness(sound, ClipRate); lufs < targetLoudness-5 || lufs > targetLoudness+3 {
				t.Errorf("%s: %.1f LUFS", name, lufs)
			}
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// A joined sentence sounds: it lasts as long as its clips together, and is loud.
func TestJoinedSentenceSounds(t *testing.T) {
	each(t, func(t *testing.T, l *Locale) {
		s := l.Say("papers.voice", Args{"n": 9, "expired": 1, "soon": 2})
		joined, err := Join(s.Clips)
		if err != nil {
			t.Fatal(err)
		}
		frames := 0
		for _, name := range s.Clips {
			data, _ := Clip(name)
			frames += len(data) / frameSize
		}
		sound := samples(t, joined)
		if got, want := len(sound), frames*FrameSamples; got < want-2*FrameSamples || got > want {
			t.Errorf("%d samples of %d frames, %d expected", got, frames, want)
		}
		if level := peak(sound); level < -6 {
			t.Errorf("%.1f dBFS", level)
		}
	})
}

func TestTickIsShortAndSilenceIsSilent(t *testing.T) {
	tick, _ := Clip(TickClip)
	if length := len(samples(t, tick)) * 1000 / ClipRate; length > 150 {
		t.Errorf("tick: %d ms", length)
	}
	if level := peak(samples(t, tick)); level < -20 {
		t.Errorf("tick: %.1f dBFS", level)
	}
	silence, _ := Clip(SilenceClip)
	if level := peak(samples(t, silence)); level > -60 {
		t.Errorf("silence: %.1f dBFS", level)
	}
}

func TestJoinRefuses(t *testing.T) {
	own := func(name string) ([]byte, bool) {
		switch name {
		case "relay/broken":
			return []byte("ID3 and so on"), true
		case "relay/empty":
			return nil, true
		}
		return nil, false
	}
	for _, name := range []string{"fr/none", "", "../clips/fr/rest.voice", "fr/../fr/rest.voice", "relay/1"} {
		_, err := Join([]string{TickClip, name}, own)
		var unknown *UnknownClipError
		if !errors.As(err, &unknown) || unknown.Name != name {
			t.Errorf("Join(%q): %v", name, err)
		}
	}
	for _, name := range []string{"relay/broken", "relay/empty"} {
		_, err := Join([]string{name}, own)
		var frame *FrameError
		if !errors.As(err, &frame) {
			t.Errorf("Join(%q): %v", name, err)
		}
	}
	if data, err := Join(nil); err != nil || len(data) != 0 {
		t.Errorf("Join of nothing: %d bytes, %v", len(data), err)
	}
}

func TestCheckFramesRefuses(t *testing.T) {
	good, ok := Clip(TickClip)
	if !ok {
		t.Fatal("clip " + TickClip + " is not built: run make voices")
	}
	for name, change := range map[string]func([]byte) []byte{
		"cut":               func(b []byte) []byte { return b[:len(b)-1] },
		"a tag before":      func(b []byte) []byte { return append([]byte("ID3\x04"), b...) },
		"a tag after":       func(b []byte) []byte { return append(b, "TAG"...) },
		"another bit rate":  func(b []byte) []byte { b[2] = 0x54; return b },
		"another rate":      func(b []byte) []byte { b[2] = 0x40; return b },
		"padding":           func(b []byte) []byte { b[2] |= 2; return b },
		"stereo":            func(b []byte) []byte { b[3] &= 0x3F; return b },
		"layer II":          func(b []byte) []byte { b[1] = 0xF5; return b },
		"borrowed bits":     func(b []byte) []byte { b[frameSize+4] = 1; return b },
		"a Xing header":     func(b []byte) []byte { copy(b[13:], "Xing"); return b },
		"an Info header":    func(b []byte) []byte { copy(b[13:], "Info"); return b },
		"second frame gone": func(b []byte) []byte { b[frameSize] = 0; return b },
	} {
		var frame *FrameError
		if err := CheckFrames(change(bytes.Clone(good))); !errors.As(err, &frame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzJoin(f *testing.F) {
	tick, _ := Clip(TickClip)
	f.Add(tick, tick)
	f.Add([]byte{}, []byte{0xFF, 0xF3, 0x44, 0xC4})
	f.Add(tick[:frameSize], bytes.Repeat([]byte{0}, frameSize))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		joined, err := Join([]string{"own/a", "own/b"}, func(name string) ([]byte, bool) {
			return map[string][]byte{"own/a": a, "own/b": b}[name], true
		})
		good := CheckFrames(a) == nil && CheckFrames(b) == nil
		if good != (err == nil) {
			t.Fatalf("clips good: %v, join: %v", good, err)
		}
		if good && (!bytes.Equal(joined, append(bytes.Clone(a), b...)) || CheckFrames(joined) != nil) {
			t.Fatal("joined otherwise than one after the other")
		}
	})
}

func TestSynthesize(t *testing.T) {
	for tag, text := range map[string]string{"fr": "CCAS du quartier Gare", "ar": "مركز الاستقبال"} {
		clip, err := Synthesize(context.Background(), tag, text)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckFrames(clip); err != nil {
			t.Error(err)
		}
		sound := samples(t, clip)
		if peak(sound) < -20 || len(sound) < ClipRate/2 {
			t.Errorf("%s: %.1f dBFS, %d samples", tag, peak(sound), len(sound))
		}
	}
	for text, want := range map[string]error{"": ErrNothingToSay, " .!\n": ErrNothingToSay, strings.Repeat("a", 301): ErrTooLong} {
		if _, err := Synthesize(context.Background(), "fr", text); !errors.Is(err, want) {
			t.Errorf("%.10q: %v, want %v", text, err, want)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Synthesize(ended, "fr", "trop tard"); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
}

// A name in Latin letters sounds the same in an Arabic sentence: an Arabic voice
// would spell it in English.
func TestSynthesizeReadsFrenchNamesInFrench(t *testing.T) {
	length := func(tag string) int {
		clip, err := Synthesize(context.Background(), tag, "Médiathèque du Pont")
		if err != nil {
			t.Fatal(err)
		}
		return len(clip)
	}
	if fr, ar := length("fr"), length("ar"); fr != ar {
		t.Errorf("%d bytes in French, %d in Arabic", fr, ar)
	}
}

// Other users can read command lines: what is said never stands on one, nor in
// an error. The engine here is a script that writes down its arguments and fails.
func TestSynthesizeKeepsWordsOffTheCommandLine(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\nprintf '%s\\n' \"$@\" > " + dir + "/args\ncat > " + dir + "/input\ncat " + dir + "/input >&2\nexit 3\n"
	if err := os.WriteFile(filepath.Join(dir, "espeak-ng"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	_, err := Synthesize(context.Background(), "fr", "Nom [[secret]]\x00 <b>")
	if err == nil || strings.Contains(err.Error(), "ecret") {
		t.Errorf("error: %v", err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if args := read("args"); strings.Contains(args, "ecret") || !strings.Contains(args, "--stdin") {
		t.Errorf("arguments: %q", args)
	}
	if got, want := read("input"), "Nom secret b\n"; got != want {
		t.Errorf("the engine read %q, want %q", got, want)
	}
}

func TestRecorded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "voice.wav")
	if out, err := exec.Command("sox", "-n", "-r", "44100", "-c", "2", file, "synth", "0.8", "sine", "300-900", "gain", "-30").CombinedOutput(); err != nil {
		t.Fatalf("sox: %v %s", err, out)
	}
	clip, err := Recorded(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	if got := loudness(samples(t, clip), ClipRate); math.Abs(got-targetLoudness) > 2 {
		t.Errorf("a quiet recording came out at %.1f LUFS", got)
	}
	if _, err := Recorded(context.Background(), file+".none"); err == nil {
		t.Error("a recording that is not there was read")
	}
}

// ITU-R BS.2217: a full-scale sine of 1 kHz reads -3.01 LUFS in one channel.
func TestLoudnessOfASine(t *testing.T) {
	for _, rate := range []int{24000, 48000} {
		sine := make([]float64, 2*rate)
		for i := range sine {
			sine[i] = math.Sin(2 * math.Pi * 997 * float64(i) / float64(rate))
		}
		if got := loudness(sine, rate); math.Abs(got+3.01) > 0.1 {
			t.Errorf("%d Hz: %.2f LUFS, want -3.01", rate, got)
		}
	}
	if got := loudness(make([]float64, 24000), 24000); !math.IsInf(got, -1) {
		t.Errorf("silence: %.1f LUFS", got)
	}
	if got := loudness(nil, 24000); !math.IsInf(got, -1) {
		t.Errorf("nothing: %.1f LUFS", got)
	}
}

func TestLevelKeepsPeaksUnderTheCeiling(t *testing.T) {
	clicks := make([]float64, ClipRate)
	for i := range clicks {
		clicks[i] = 0.01 * math.Sin(float64(i)/9)
		if i%4000 == 0 {
			clicks[i] = 1
		}
	}
	for i, x := range level(clicks, ClipRate) {
		if math.Abs(x) > ceiling+1e-9 {
			t.Fatalf("sample %d: %.3f", i, x)
		}
	}
	if got := trim(append(make([]float64, 5000), append([]float64{1}, make([]float64, 5000)...)...), ClipRate); len(got) > 1300 {
		t.Errorf("%d samples left of one", len(got))
	}
	if got := trim(nil, ClipRate); len(got) != 0 {
		t.Errorf("%d samples of none", len(got))
	}
}

func TestPauseAfter(t *testing.T) {
	for words, want := range map[string]time.Duration{"fini.": 260, "quoi ?": 260, "من؟": 260, "puis,": 90, "ثم،": 90, "neuf": 20, "": 20} {
		if got := pauseAfter(words); got != want*time.Millisecond {
			t.Errorf("%q: %v", words, got)
		}
	}
}
