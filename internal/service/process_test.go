package service_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"consigne/internal/service"
)

// childVariable turns this test binary into a program of its own, since signals, limits and exit statuses belong to
// whole processes.
const childVariable = "SERVICE_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	service.Main(service.Program{Name: "smsd", Commands: []service.Command{
		{Name: "serve", Setup: func(*service.Flags) service.Run { return serveForSignal }},
		{Name: "harden", Setup: func(*service.Flags) service.Run { return hardened }},
		{Name: "now", Setup: func(*service.Flags) service.Run {
			return func(_ context.Context, env *service.Env) error {
				_, err := fmt.Fprintln(env.Stdout, service.Now().UnixMilli())
				return err
			}
		}},
	}})
}

func serveForSignal(ctx context.Context, env *service.Env) error {
	s, err := service.Listen(ctx, "public", "127.0.0.1:0", http.NotFoundHandler(), env.Log)
	if err != nil {
		return err
	}
	fmt.Fprintln(env.Stdout, "ready")
	return service.RunAll(ctx, s.Run)
}

func hardened(_ context.Context, env *service.Env) error {
	if err := service.Harden(); err != nil {
		return err
	}
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		return err
	}
	var core unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &core); err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.Stdout, dumpable, core.Cur, core.Max)
	return err
}

func child(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	return cmd
}

func TestMain_StopsGracefully(t *testing.T) {
	// Where this test runs under nohup its children would ignore a hang-up, as they should; a signal that is caught
	// here is not ignored there.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	for _, stop := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(stop.String(), func(t *testing.T) {
			cmd := child(t, "serve")
			var errs strings.Builder
			cmd.Stderr = &errs
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
				t.Fatalf("the program said %q, %v", line, err)
			}
			if err := cmd.Process.Signal(stop); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("asked to stop, it ended with %v\n%s", err, errs.String())
			}
			if !strings.Contains(errs.String(), `"msg":"stopping"`) {
				t.Errorf("it does not say that it stops:\n%s", errs.String())
			}
		})
	}
}

func TestMain_Status(t *testing.T) {
	cmd := child(t, "sevre")
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != service.StatusUsage {
		t.Errorf("got %v, want status %d\n%s", err, service.StatusUsage, out)
	}
}

func TestHarden(t *testing.T) {
	out, err := child(t, "harden").Output()
	if err != nil || strings.TrimSpace(string(out)) != "0 0 0" {
		t.Errorf("dumpable and core limits are %q, %v; want zeros", out, err)
	}
}
