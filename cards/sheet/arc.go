package sheet

import "math"

// arc draws a part of an ellipse as curves of at most a quarter turn each, by
// SVG 1.1, F.6: from the two ends and the radii to the centre and the angles.
func (r *pathReader) arc(rx, ry, turn float64, large, sweep bool, to point) {
	if rx == 0 || ry == 0 || to == r.now {
		r.line(to)
		return
	}
	e := ellipse{rx: math.Abs(rx), ry: math.Abs(ry)}
	e.sin, e.cos = math.Sincos(turn)
	from, delta := e.span(r.now, to, large, sweep)
	parts := math.Ceil(math.Abs(delta)/(math.Pi/2) - 1e-9)
	part := delta / parts
	// The control points of a curve that hugs a circle of radius 1 lie this
	// far out along its tangents.
	reach := 4.0 / 3 * math.Tan(part/4)
	for i := 0.0; i < parts; i++ {
		a, b := from+i*part, from+(i+1)*part
		sinA, cosA := math.Sincos(a)
		sinB, cosB := math.Sincos(b)
		end := e.at(cosB, sinB)
		if i == parts-1 {
			end = to // without a rounding error
		}
		r.pen.curve(e.at(cosA-reach*sinA, sinA+reach*cosA), e.at(cosB+reach*sinB, sinB-reach*cosB), end)
	}
	r.now = to
}

// ellipse is a unit circle stretched, turned and moved.
type ellipse struct {
	rx, ry   float64
	sin, cos float64
	centre   point
}

// at maps a point of the unit circle's plane onto the drawing.
func (e *ellipse) at(x, y float64) point {
	x, y = x*e.rx, y*e.ry
	return point{e.centre.x + x*e.cos - y*e.sin, e.centre.y + x*e.sin + y*e.cos}
}

// span finds the ellipse's centre, and the angle at which the arc starts and
// through which it goes. Radii too small to reach are grown until they do.
func (e *ellipse) span(from, to point, large, sweep bool) (start, delta float64) {
	// Half the way between the ends, on the plane of the unit circle.
	dx, dy := (from.x-to.x)/2, (from.y-to.y)/2
	x, y := (dx*e.cos+dy*e.sin)/e.rx, (dy*e.cos-dx*e.sin)/e.ry
	half := math.Hypot(x, y)
	if half > 1 {
		e.rx, e.ry = e.rx*half, e.ry*half
		x, y, half = x/half, y/half, 1
	}
	// There the ends are (x, y) and (-x, -y) seen from their middle, and the
	// centre lies square to that line, on the side that the flags say.
	away := math.Sqrt(1-half*half) / half
	if large == sweep {
		away = -away
	}
	cx, cy := away*y, -away*x
	middle := between(from, to, 0.5)
	e.centre = middle
	e.centre = e.at(cx, cy)
	start = math.Atan2(y-cy, x-cx)
	delta = math.Atan2(-y-cy, -x-cx) - start
	if sweep && delta < 0 {
		delta += 2 * math.Pi
	}
	if !sweep && delta > 0 {
		delta -= 2 * math.Pi
	}
	return start, delta
}
