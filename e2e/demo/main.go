// Command demo starts portal, smsd and kiosk on this machine and says how to walk through them. It is what "make run"
// hands over to.
//
//	bin/demo run     fill an empty data folder, start the three programs, stop them at Ctrl-C
//	bin/demo codes   print the six digits with which the demo's staff sign in at this moment
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/pquerna/otp/totp"

	"consigne/internal/service"
)

func main() {
	// The programs are started from this thread and told to stop when it ends, see start.
	runtime.LockOSThread()
	service.Main(program())
}

func program() service.Program {
	return service.Program{
		Name:  "demo",
		About: "portal, smsd and kiosk on one machine, with invented people",
		Commands: []service.Command{
			{Name: "run", About: "start everything and say where it is", Setup: setupRun},
			{Name: "codes", About: "print the six digits of the demo's staff", Setup: setupCodes},
		},
	}
}

func setupCodes(f *service.Flags) service.Run {
	paths := f.Paths()
	return func(_ context.Context, env *service.Env) error {
		d, err := load(demoFile(paths))
		if err != nil {
			return fmt.Errorf("codes: %w", err)
		}
		now := service.Now()
		for _, s := range d.Staff {
			code, err := totp.GenerateCode(s.TOTPSecret, now)
			if err != nil {
				return fmt.Errorf("codes: %s: %w", s.Relay, err)
			}
			fmt.Fprintf(env.Stdout, "%s  %s\n", code, s.Email)
		}
		left := 30*time.Second - now.Sub(now.Truncate(30*time.Second))
		fmt.Fprintf(env.Stdout, "for another %d s\n", int(left.Seconds()))
		return nil
	}
}

func setupRun(f *service.Flags) service.Run {
	paths := f.Paths()
	bin := f.String("bin", "", "`DIR` of portal, smsd and kiosk (default: where this program lies)")
	return func(ctx context.Context, env *service.Env) error {
		if *bin == "" {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			*bin = near(filepath.Dir(self))
		}
		h := &house{paths: paths, bin: *bin, env: env}
		err := errors.Join(h.run(ctx), h.stop())
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("run: %w", err)
		}
		return nil
	}
}

// near gives dir as seen from the working folder where it lies below that: what is printed is to be typed.
func near(dir string) string {
	here, err := os.Getwd()
	if err != nil {
		return dir
	}
	if rel, err := filepath.Rel(here, dir); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return dir
}
