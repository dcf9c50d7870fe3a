package sheet

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// style is what an SVG element hands down to those inside it.
type style struct {
	fill, stroke string
	width        float64
	evenOdd      bool
	shift        point   // of the drawing's units, in millimetres
	scale        float64 // millimetres to a unit
}

// errDrawing says that a drawing holds something that cannot be printed.
var errDrawing = errors.New("unknown part of a drawing")

// svg prints a square drawing with its upper left corner at the given place,
// as vectors. It knows what our own drawings use: nested groups, paths and
// rectangles, filled and stroked in plain colours, and moved and scaled.
func (s *sheet) svg(r io.Reader, at point, size float64) error {
	decoder := xml.NewDecoder(r)
	stack := []style{{fill: "#000", stroke: "none", width: 1, shift: at, scale: size}}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a drawing: %w", err)
		}
		switch element := token.(type) {
		case xml.StartElement:
			st, err := stack[len(stack)-1].inside(element)
			if err != nil {
				return fmt.Errorf("read a drawing: %w", err)
			}
			stack = append(stack, st)
			if err := s.element(element, st); err != nil {
				return fmt.Errorf("print a drawing: %w", err)
			}
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		}
	}
}

// inside returns the style within an element.
func (st style) inside(element xml.StartElement) (style, error) {
	for _, a := range element.Attr {
		var err error
		switch a.Name.Local {
		case "fill":
			st.fill = a.Value
		case "stroke":
			st.stroke = a.Value
		case "stroke-width":
			st.width, err = strconv.ParseFloat(a.Value, 64)
		case "fill-rule":
			st.evenOdd = a.Value == "evenodd"
		case "viewBox":
			err = st.viewBox(a.Value)
		case "transform":
			err = st.transform(a.Value)
		}
		if err != nil {
			return st, err
		}
	}
	return st, nil
}

// viewBox maps a square of the drawing onto what was one unit: its place.
func (st *style) viewBox(value string) error {
	var x, y, w, h float64
	if _, err := fmt.Sscan(value, &x, &y, &w, &h); err != nil || w != h || w <= 0 {
		return fmt.Errorf("%w: view box %q", errDrawing, value)
	}
	st.scale /= w
	st.shift = st.shift.add(-x*st.scale, -y*st.scale)
	return nil
}

// transform applies a list of translate(x y) and scale(s).
func (st *style) transform(value string) error {
	for _, step := range strings.SplitAfter(value, ")") {
		step = strings.TrimSpace(step)
		var x, y float64
		switch {
		case step == "":
		case scan(step, "translate(%g %g)", &x, &y):
			st.shift = st.shift.add(x*st.scale, y*st.scale)
		case scan(step, "scale(%g)", &x):
			st.scale *= x
		default:
			return fmt.Errorf("%w: transform %q", errDrawing, step)
		}
	}
	return nil
}

func scan(text, format string, into ...any) bool {
	_, err := fmt.Sscanf(text, format, into...)
	return err == nil
}

// element prints a path or a rectangle; groups print nothing themselves.
func (s *sheet) element(element xml.StartElement, st style) error {
	switch element.Name.Local {
	case "svg", "g":
		return nil
	case "path":
		paint, err := s.paint(st)
		if err != nil || paint == "" {
			return err
		}
		reader := pathReader{data: attribute(element, "d"), pen: pen{s.pdf, st}}
		if err := reader.run(); err != nil {
			return err
		}
		s.pdf.DrawPath(paint)
		return nil
	case "rect":
		return s.rect(element, st)
	}
	return fmt.Errorf("%w: %q", errDrawing, element.Name.Local)
}

// rect prints a rectangle whose four corners are rounded alike.
func (s *sheet) rect(element xml.StartElement, st style) error {
	paint, err := s.paint(st)
	if err != nil || paint == "" {
		return err
	}
	var n [5]float64 // x, y, width, height, radius
	for i, name := range []string{"x", "y", "width", "height", "rx"} {
		if n[i], err = strconv.ParseFloat(attribute(element, name), 64); err != nil {
			return fmt.Errorf("%w: rectangle without %s", errDrawing, name)
		}
		n[i] *= st.scale
	}
	s.pdf.RoundedRect(st.shift.x+n[0], st.shift.y+n[1], n[2], n[3], n[4], "1234", paint)
	return nil
}

func attribute(element xml.StartElement, name string) string {
	for _, a := range element.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// paint sets the colours and returns how fpdf is to paint a path, which is ""
// for a path that shows nothing.
func (s *sheet) paint(st style) (string, error) {
	paint := ""
	if st.stroke != "none" {
		c, err := parseColour(st.stroke)
		if err != nil {
			return "", err
		}
		s.draw(c)
		s.pdf.SetLineWidth(st.width * st.scale)
		s.pdf.SetLineJoinStyle("round")
		paint = "D"
	}
	if st.fill != "none" {
		c, err := parseColour(st.fill)
		if err != nil {
			return "", err
		}
		s.fill(c)
		paint += "F"
		if st.evenOdd {
			paint += "*"
		}
	}
	return paint, nil
}
