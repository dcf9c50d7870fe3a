package screen

import (
	"context"
	"fmt"
	"image"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"consigne/e2e/stage"
)

// A Role is what a thing on the screen is, as AT-SPI numbers it.
type Role uint32

// The roles that tests look at (at-spi2-core, atspi-constants.h).
const (
	Button  Role = 43
	Link    Role = 88
	Heading Role = 83
	Web     Role = 95 // the page; its name is the title
	app     Role = 75
)

// A Node is something on the screen as the accessibility tree tells it: what it
// is, how it is called, where it lies.
type Node struct {
	Role Role
	Name string
	image.Rectangle
}

func (n Node) String() string { return fmt.Sprintf("%d %q at %v", n.Role, n.Name, n.Rectangle) }

// A Page is all that is on the window in front, in reading order.
type Page []Node

// Text is all names on the page.
func (p Page) Text() string {
	var b strings.Builder
	for _, n := range p {
		if n.Name != "" {
			fmt.Fprintln(&b, n.Name)
		}
	}
	return b.String()
}

// Find gives the first thing that can be touched whose name holds the words.
func (p Page) Find(words string) (Node, bool) {
	for _, n := range p {
		if (n.Role == Button || n.Role == Link) && strings.Contains(n.Name, words) && n.Dx() > 0 {
			return n, true
		}
	}
	return Node{}, false
}

// Heard tells whether the page's voice spoke to its end.
func (p Page) Heard() bool {
	for _, n := range p {
		if n.Role == Web {
			return strings.HasPrefix(n.Name, "✓ ")
		}
	}
	return false
}

const (
	accessible = "org.a11y.atspi.Accessible"
	component  = "org.a11y.atspi.Component"
)

type reference struct {
	Bus  string
	Path dbus.ObjectPath
}

// Page reads the window in front.
func (s *Screen) Page(ctx context.Context) (Page, error) {
	front, err := s.front(ctx)
	if err != nil {
		return nil, err
	}
	apps, err := s.children(ctx, reference{"org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root"})
	if err != nil {
		return nil, err
	}
	for _, app := range apps {
		var pid uint32
		err := s.tree.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.GetConnectionUnixProcessID", 0, app.Bus).Store(&pid)
		if err != nil || pid != front {
			continue
		}
		var page Page
		err = s.walk(ctx, app, &page, 0)
		return page, err
	}
	return nil, fmt.Errorf("the window in front (process %d) has no accessibility tree", front)
}

// front is the process whose window lies uppermost.
func (s *Screen) front(ctx context.Context) (uint32, error) {
	id, err := s.tool(ctx, "getactivewindow")
	if err != nil {
		return 0, err
	}
	out, err := s.tool(ctx, "getwindowpid", id)
	if err != nil {
		return 0, err
	}
	var pid uint32
	_, err = fmt.Sscan(out, &pid)
	return pid, err
}

func (s *Screen) children(ctx context.Context, r reference) ([]reference, error) {
	o := s.tree.Object(r.Bus, r.Path)
	count, err := o.GetProperty(accessible + ".ChildCount")
	if err != nil {
		return nil, err
	}
	n, _ := count.Value().(int32)
	// One by one: GetChildren leaves out what is embedded from another process,
	// which is the page.
	refs := make([]reference, n)
	for i := range refs {
		if err := o.CallWithContext(ctx, accessible+".GetChildAtIndex", 0, int32(i)).Store(&refs[i]); err != nil {
			return nil, err
		}
	}
	return refs, nil
}

const deepest = 40

func (s *Screen) walk(ctx context.Context, r reference, page *Page, depth int) error {
	o := s.tree.Object(r.Bus, r.Path)
	var n Node
	if err := o.CallWithContext(ctx, accessible+".GetRole", 0).Store(&n.Role); err != nil {
		return err
	}
	name, err := o.GetProperty(accessible + ".Name")
	if err != nil {
		return err
	}
	n.Name, _ = name.Value().(string)
	var box struct{ X, Y, W, H int32 }
	if n.Role != app && o.CallWithContext(ctx, component+".GetExtents", 0, uint32(0)).Store(&box) == nil {
		n.Rectangle = image.Rect(int(box.X), int(box.Y), int(box.X+box.W), int(box.Y+box.H))
	}
	*page = append(*page, n)
	if depth == deepest {
		return nil
	}
	refs, err := s.children(ctx, r)
	if err != nil {
		return err
	}
	for _, c := range refs {
		// A page that changes under our hands loses nodes: the caller asks again.
		if err := s.walk(ctx, c, page, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// Wait waits until the window in front is as wanted, and gives it.
func (s *Screen) Wait(ctx context.Context, what string, want func(Page) bool) (Page, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var last Page
	var fault error
	// Reading the tree costs the page more than drawing itself: not too often.
	err := stage.Every(ctx, 200*time.Millisecond, func() (bool, error) {
		page, err := s.Page(ctx)
		if err != nil {
			fault = err
			return false, nil
		}
		last = page
		return want(page), nil
	})
	if err != nil {
		return last, fmt.Errorf("waiting for %s: %w (last fault: %v), on the screen:\n%s", what, err, fault, last.Text())
	}
	return last, nil
}
