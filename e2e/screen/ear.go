package screen

import (
	"context"
	"encoding/binary"

	"io"
	"math"
	"os/exec"
)

// An Ear listens at the loudspeaker.
type Ear struct {
	cmd  *exec.Cmd
	out  io.ReadCloser
	loud chan float64
}

// Listen starts to record what is played.
func (s *Screen) Listen(ctx context.Context) (*Ear, error) {
	e := &Ear{cmd: exec.CommandContext(ctx, "parec", "-s", s.soundServer(), "-d", "ear.monitor", "--format=s16le", "--channels=1", "--rate=44100", "--raw"),
		loud: make(chan float64, 1)}
	var err error
	if e.out, err = e.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { e.loud <- loudest(e.out) }()
	return e, nil
}

// Stop ends the recording and tells how loud its loudest half second was, in
// dBFS; silence is −120.
func (e *Ear) Stop() (float64, error) {
	err := e.cmd.Process.Kill()
	loud := <-e.loud
	e.cmd.Wait() // killed: its status says so
	return loud, err
}

// loudest measures the root mean square of each half second.
func loudest(r io.Reader) float64 {
	best, window := 0.0, make([]byte, 44100)
	for {
		n, err := io.ReadFull(r, window)
		var sum float64
		for i := 0; i+1 < n; i += 2 {
			v := float64(int16(binary.LittleEndian.Uint16(window[i:]))) / 32768
			sum += v * v
		}
		if n > 1 {
			best = max(best, math.Sqrt(sum/float64(n/2)))
		}
		if err != nil { // the recording ended
			break
		}
	}
	return max(-120, 20*math.Log10(best+1e-9))
}
