package pages

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// inChild runs a program in the place of the one that draws and gives what it
// writes.
func inChild(t *testing.T, program ...string) string {
	t.Helper()
	c, err := startChild(t.Context(), childLimits, program)
	if err != nil {
		t.Fatal(err)
	}
	defer c.end()
	if err := c.feed(strings.NewReader("")); err != nil {
		t.Fatal(err)
	}
	c.limit(time.Minute)
	out, err := io.ReadAll(c.out)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.verdict(1, nil); err != nil {
		t.Fatalf("%v; it wrote %q", err, out)
	}
	return string(out)
}

func TestChild_Limits(t *testing.T) {
	got := inChild(t, "cat", "/proc/self/limits")
	for name, want := range map[string]string{
		"Max cpu time":       "60 +60 +seconds",
		"Max file size":      "0 +0 +bytes",
		"Max core file size": "0 +0 +bytes",
		"Max processes":      "0 +0 +processes",
		"Max open files":     "64 +64 +files",
		"Max address space":  "1073741824 +1073741824 +bytes",
	} {
		if !regexp.MustCompile(name + " +" + want).MatchString(got) {
			t.Errorf("%s is not %q in:\n%s", name, want, got)
		}
	}
}

func TestChild_Privileges(t *testing.T) {
	got := inChild(t, "cat", "/proc/self/status")
	want := []string{"NoNewPrivs:\t1\n"}
	if os.Geteuid() == 0 {
		want = append(want, "Uid:\t65534\t65534\t65534\t65534\n", "Gid:\t65534\t65534\t65534\t65534\n", "Groups:\t \n",
			"CapEff:\t0000000000000000\n", "CapPrm:\t0000000000000000\n")
	}
	for _, line := range want {
		if !strings.Contains(got, line) {
			t.Errorf("%q is missing in:\n%s", line, got)
		}
	}
}

func TestChild_InheritsNothing(t *testing.T) {
	t.Setenv("CONSIGNE_SECRET", "letters")
	if got := inChild(t, "cat", "/proc/self/environ"); got != "LC_ALL=C\x00" {
		t.Errorf("environment %q", got)
	}
	file, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	// ls has its three streams, and the folder that it lists.
	if got := strings.Fields(inChild(t, "ls", "/proc/self/fd")); len(got) != 4 {
		t.Errorf("descriptors %v", got)
	}
}

// Where the system lets us have a network of our own (root does, most systems
// let others), there is nothing in it but a loopback that is down.
func TestChild_NoNetwork(t *testing.T) {
	probe := exec.CommandContext(t.Context(), "true")
	probe.SysProcAttr = confinements()[0]
	got := inChild(t, "cat", "/proc/self/net/dev")
	others := regexp.MustCompile(`(?m)^ *([a-z0-9@]+):`).FindAllStringSubmatch(got, -1)
	if err := probe.Run(); err == nil && (len(others) != 1 || others[0][1] != "lo") {
		t.Errorf("interfaces %v", others)
	}
}

func TestChild_CannotWriteOrFork(t *testing.T) {
	for name, script := range map[string]string{
		"write a file":    "echo x > " + t.TempDir() + "/file",
		"start a process": "/bin/true; exit $?",
	} {
		c, err := startChild(t.Context(), childLimits, []string{"sh", "-c", script})
		if err != nil {
			t.Fatal(err)
		}
		c.limit(time.Minute)
		if err := c.feed(strings.NewReader("")); err != nil {
			t.Fatal(err)
		}
		if err := c.verdict(1, nil); !errors.Is(err, ErrDamaged) {
			t.Errorf("the child could %s: %v", name, err)
		}
	}
}

// A child that ends without reading, or never reads, does not keep the upload
// from being read.
func TestChild_DoesNotRead(t *testing.T) {
	c, err := startChild(t.Context(), childLimits, []string{"true"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.end()
	r := strings.NewReader(strings.Repeat("x", 1<<20))
	if err := c.feed(r); err != nil || r.Len() != 0 {
		t.Errorf("%v with %d bytes left", err, r.Len())
	}
}

func TestStartChild_Missing(t *testing.T) {
	_, err := startChild(t.Context(), childLimits, []string{"no-such-program"})
	if !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
}
