package locales

import "math"

// The loudness of every clip: -16 LUFS, peaks at most -1.5 dBFS.
const (
	targetLoudness = -16.0
	ceiling        = 0.841
)

// biquad is a second-order filter, transposed direct form II.
type biquad struct{ b0, b1, b2, a1, a2, z1, z2 float64 }

func (f *biquad) next(x float64) float64 {
	y := f.b0*x + f.z1
	f.z1 = f.b1*x - f.a1*y + f.z2
	f.z2 = f.b2*x - f.a2*y
	return y
}

// kWeighting is the filter pair of ITU-R BS.1770 for any rate: a shelf for the
// head, then a high pass. The constants give the standard's own coefficients at
// 48 kHz (De Man, "Evaluation of implementations of the EBU R128 loudness
// measurement", AES 145, 2018).
func kWeighting(rate float64) (shelf, high biquad) {
	k := math.Tan(math.Pi * 1681.974450955533 / rate)
	q, vh := 0.7071752369554196, math.Pow(10, 3.999843853973347/20)
	vb := math.Pow(vh, 0.4996667741545416)
	a0 := 1 + k/q + k*k
	shelf = biquad{
		b0: (vh + vb*k/q + k*k) / a0, b1: 2 * (k*k - vh) / a0, b2: (vh - vb*k/q + k*k) / a0,
		a1: 2 * (k*k - 1) / a0, a2: (1 - k/q + k*k) / a0,
	}
	k, q = math.Tan(math.Pi*38.13547087602444/rate), 0.5003270373238773
	a0 = 1 + k/q + k*k
	high = biquad{b0: 1, b1: -2, b2: 1, a1: 2 * (k*k - 1) / a0, a2: (1 - k/q + k*k) / a0}
	return shelf, high
}

// loudness is the integrated loudness of mono samples in LUFS, gated as
// ITU-R BS.1770-4 says; a clip shorter than a block is one block. Silence
// answers minus infinity.
func loudness(samples []float64, rate int) float64 {
	shelf, high := kWeighting(float64(rate))
	weighted := make([]float64, len(samples))
	for i, x := range samples {
		y := high.next(shelf.next(x))
		weighted[i] = y * y
	}
	block := min(rate*4/10, len(weighted))
	var powers []float64
	for at := 0; block > 0 && at+block <= len(weighted); at += max(1, block/4) {
		sum := 0.0
		for _, p := range weighted[at : at+block] {
			sum += p
		}
		powers = append(powers, sum/float64(block))
	}
	absolute := gatedMean(powers, math.Pow(10, (-70+0.691)/10))
	return decibels(gatedMean(powers, absolute/10)) - 0.691
}

func gatedMean(powers []float64, gate float64) float64 {
	sum, n := 0.0, 0
	for _, p := range powers {
		if p > gate {
			sum, n = sum+p, n+1
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

func decibels(power float64) float64 { return 10 * math.Log10(power) }

// level brings samples to the target loudness. What would clip is turned down
// around the peak, which costs loudness, so it goes over them again.
func level(samples []float64, rate int) []float64 {
	for range 4 {
		now := loudness(samples, rate)
		if math.IsInf(now, 0) || math.IsNaN(now) {
			return samples
		}
		gain := math.Pow(10, (targetLoudness-now)/20)
		if math.Abs(gain-1) < 0.005 {
			break
		}
		for i := range samples {
			samples[i] *= gain
		}
		samples = limit(samples, rate/250)
	}
	return samples
}

// limit keeps all samples under the ceiling: the gain that a peak needs is held
// for reach samples on both sides of it and eased over as many.
func limit(samples []float64, reach int) []float64 {
	n := len(samples)
	need := make([]float64, n)
	for i, x := range samples {
		need[i] = math.Min(1, ceiling/math.Max(math.Abs(x), 1e-9))
	}
	held := lowest(need, 2*reach)
	out := make([]float64, n)
	sum, from, to := 0.0, 0, 0
	for i := range out {
		for ; to < min(n, i+reach+1); to++ {
			sum += held[to]
		}
		for ; from < i-reach; from++ {
			sum -= held[from]
		}
		out[i] = samples[i] * sum / float64(to-from)
	}
	return out
}

// lowest answers for each place the least value within reach of it. The queue
// holds the places that can still be the least, in rising order of value.
func lowest(values []float64, reach int) []float64 {
	out := make([]float64, len(values))
	var queue []int
	to := 0
	for i := range out {
		for ; to < min(len(values), i+reach+1); to++ {
			for len(queue) > 0 && values[queue[len(queue)-1]] >= values[to] {
				queue = queue[:len(queue)-1]
			}
			queue = append(queue, to)
		}
		for queue[0] < i-reach {
			queue = queue[1:]
		}
		out[i] = values[queue[0]]
	}
	return out
}

// trim cuts silence off both ends, leaving a breath at each.
func trim(samples []float64, rate int) []float64 {
	peak := 0.0
	for _, x := range samples {
		peak = math.Max(peak, math.Abs(x))
	}
	floor := peak / 100
	first, last := 0, len(samples)-1
	for first < last && math.Abs(samples[first]) < floor {
		first++
	}
	for last > first && math.Abs(samples[last]) < floor {
		last--
	}
	return samples[max(0, first-rate/100):min(len(samples), last+rate/25)]
}
