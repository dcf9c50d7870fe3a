package sheet

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"codeberg.org/go-pdf/fpdf"
)

// pen draws on the page in a drawing's own units.
type pen struct {
	pdf *fpdf.Fpdf
	style
}

func (p pen) at(a point) (x, y float64) {
	return p.shift.x + a.x*p.scale, p.shift.y + a.y*p.scale
}

func (p pen) move(a point) { p.pdf.MoveTo(p.at(a)) }

func (p pen) line(a point) { p.pdf.LineTo(p.at(a)) }

func (p pen) curve(b, c, d point) {
	bx, by := p.at(b)
	cx, cy := p.at(c)
	dx, dy := p.at(d)
	p.pdf.CurveBezierCubicTo(bx, by, cx, cy, dx, dy)
}

// arguments says how many numbers follow each command of a path.
var arguments = map[byte]int{'M': 2, 'L': 2, 'H': 1, 'V': 1, 'C': 6, 'S': 4, 'Q': 4, 'T': 2, 'A': 7, 'Z': 0}

// pathReader draws what the d attribute of a path says: all of SVG 1.1, 8.3.
type pathReader struct {
	data    string
	pen     pen
	now     point // where the pen is
	start   point // of this part of the path, where Z leads back
	control point // the last curve's last control point, which S and T mirror
	last    byte  // the last command, as a capital
}

// run draws the whole path. Error: errDrawing.
func (r *pathReader) run() error {
	command := byte('M')
	for first := true; ; first = false {
		r.skip()
		if r.data == "" {
			return nil
		}
		if c := r.data[0]; c >= 'A' {
			command, r.data = c, r.data[1:]
		} else if first || command == 'Z' || command == 'z' {
			return fmt.Errorf("%w: number without a command", errDrawing)
		}
		numbers, err := r.numbers(command)
		if err != nil {
			return err
		}
		r.step(command&^0x20, numbers)
		// Further pairs after a move are lines.
		switch command {
		case 'M':
			command = 'L'
		case 'm':
			command = 'l'
		}
	}
}

// numbers reads the arguments of a command and makes them absolute.
func (r *pathReader) numbers(command byte) ([]float64, error) {
	capital := command &^ 0x20
	count, known := arguments[capital]
	if !known {
		return nil, fmt.Errorf("%w: path command %q", errDrawing, command)
	}
	numbers := make([]float64, count)
	for i := range numbers {
		var err error
		if numbers[i], err = r.number(capital == 'A' && (i == 3 || i == 4)); err != nil {
			return nil, err
		}
	}
	if command == capital {
		return numbers, nil
	}
	switch capital {
	case 'H':
		numbers[0] += r.now.x
	case 'V':
		numbers[0] += r.now.y
	case 'A':
		numbers[5] += r.now.x
		numbers[6] += r.now.y
	default:
		for i := range numbers {
			numbers[i] += []float64{r.now.x, r.now.y}[i%2]
		}
	}
	return numbers, nil
}

func (r *pathReader) skip() { r.data = strings.TrimLeft(r.data, " ,\t\r\n") }

// number reads one number. A flag is one digit, and the next number may follow
// it without a gap.
func (r *pathReader) number(flag bool) (float64, error) {
	r.skip()
	end := numberEnd(r.data)
	if flag {
		end = min(end, 1)
	}
	n, err := strconv.ParseFloat(r.data[:end], 64)
	if err != nil {
		return 0, fmt.Errorf("%w: number in a path", errDrawing)
	}
	r.data = r.data[end:]
	return n, nil
}

// numberEnd finds where a number ends: at a second point, at a sign that does
// not follow an exponent, or at anything else.
func numberEnd(data string) int {
	point := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c >= '0' && c <= '9', c == 'e', c == 'E':
		case (c == '-' || c == '+') && (i == 0 || data[i-1] == 'e' || data[i-1] == 'E'):
		case c == '.' && !point:
			point = true
		default:
			return i
		}
	}
	return len(data)
}

// step draws one command with absolute arguments.
func (r *pathReader) step(command byte, n []float64) {
	switch command {
	case 'M':
		r.now = point{n[0], n[1]}
		r.start = r.now
		r.pen.move(r.now)
	case 'L':
		r.line(point{n[0], n[1]})
	case 'H':
		r.line(point{n[0], r.now.y})
	case 'V':
		r.line(point{r.now.x, n[0]})
	case 'C':
		r.cubic(point{n[0], n[1]}, point{n[2], n[3]}, point{n[4], n[5]})
	case 'S':
		r.cubic(r.mirrored("CS"), point{n[0], n[1]}, point{n[2], n[3]})
	case 'Q':
		r.quadratic(point{n[0], n[1]}, point{n[2], n[3]})
	case 'T':
		r.quadratic(r.mirrored("QT"), point{n[0], n[1]})
	case 'A':
		r.arc(n[0], n[1], n[2]*math.Pi/180, n[3] != 0, n[4] != 0, point{n[5], n[6]})
	case 'Z':
		r.pen.pdf.ClosePath()
		r.now = r.start
	}
	r.last = command
}

func (r *pathReader) line(to point) {
	r.pen.line(to)
	r.now = to
}

func (r *pathReader) cubic(b, c, to point) {
	r.pen.curve(b, c, to)
	r.control, r.now = c, to
}

// quadratic draws the same curve with two control points, each two thirds of
// the way to the one.
func (r *pathReader) quadratic(control, to point) {
	b := between(r.now, control, 2.0/3)
	c := between(to, control, 2.0/3)
	r.pen.curve(b, c, to)
	r.control, r.now = control, to
}

// mirrored returns the control point that goes smoothly on from the last curve,
// if that was one of the same kind.
func (r *pathReader) mirrored(kind string) point {
	if !strings.Contains(kind, string(r.last)) {
		return r.now
	}
	return between(r.control, r.now, 2)
}

// between goes from a towards b, all the way for 1.
func between(a, b point, part float64) point {
	return point{a.x + (b.x-a.x)*part, a.y + (b.y-a.y)*part}
}
