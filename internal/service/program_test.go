package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"consigne/internal/service"
)

// tool is a program with all kinds of commands; each prints what it was given.
func tool() service.Program {
	show := func(_ context.Context, env *service.Env) error {
		_, err := fmt.Fprintf(env.Stdout, "%q\n", env.Args)
		return err
	}
	plain := func(*service.Flags) service.Run { return show }
	return service.Program{Name: "portal", About: "the hosted vault", Commands: []service.Command{
		{Name: "serve", About: "answer", Setup: func(f *service.Flags) service.Run {
			paths := f.PathsAndBlobs()
			listen := f.String("listen", "127.0.0.1:8080", "`ADDR` to answer on")
			wait := f.Duration("idle-wait", time.Minute, "how long")
			loud := f.Bool("loud", false, "say more")
			return func(_ context.Context, env *service.Env) error {
				_, err := fmt.Fprintln(env.Stdout, paths.Data(), paths.Database(), paths.Keys(), paths.Blobs(), *listen, *wait, *loud, env.Args)
				return err
			}
		}},
		{Name: "backup", Args: "DIR", About: "copy", Setup: func(f *service.Flags) service.Run {
			var all []string
			f.Func("add", "one more", func(s string) error {
				all = append(all, s)
				return nil
			})
			return func(ctx context.Context, env *service.Env) error {
				env.Args = append(env.Args, all...)
				return show(ctx, env)
			}
		}},
		{Name: "decode", Args: "FILE...", Setup: plain},
		{Name: "show", Args: "[NAME]", Setup: plain},
		{Name: "relay add", Setup: plain},
		{Name: "relay list", Setup: plain},
		{Name: "fail", Setup: func(*service.Flags) service.Run {
			return func(context.Context, *service.Env) error { return errors.New("fail: disk: gone") }
		}},
		{Name: "misuse", Setup: func(*service.Flags) service.Run {
			return func(context.Context, *service.Env) error {
				return fmt.Errorf("misuse: %w", service.Usagef("no such relay"))
			}
		}},
	}}
}

func call(args string, environ ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = tool().Run(context.Background(), strings.Fields(args), environ, &service.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err})
	return status, out.String(), err.String()
}

func TestProgram_Runs(t *testing.T) {
	for _, c := range []struct {
		name, args string
		environ    []string
		want       string
	}{
		{"defaults", "serve", nil,
			"data sqlite:data/consigne.db data.keys data/blobs 127.0.0.1:8080 1m0s false []"},
		{"flags", "serve --data /srv/c/ --listen :1 -idle-wait=5s --loud", nil,
			"/srv/c/ sqlite:/srv/c/consigne.db /srv/c.keys /srv/c/blobs :1 5s true []"},
		{"own places", "serve --database postgres://x/y --keys k --blobs b", nil,
			"data postgres://x/y k b 127.0.0.1:8080 1m0s false []"},
		{"twins", "serve", []string{"CONSIGNE_DATA=d", "CONSIGNE_PORTAL_LISTEN=:2", "CONSIGNE_PORTAL_IDLE_WAIT=2s", "CONSIGNE_PORTAL_LOUD=true"},
			"d sqlite:d/consigne.db d.keys d/blobs :2 2s true []"},
		{"the flag wins", "serve --listen :3", []string{"CONSIGNE_PORTAL_LISTEN=:2"},
			"data sqlite:data/consigne.db data.keys data/blobs :3 1m0s false []"},
		{"an empty variable is none", "serve", []string{"CONSIGNE_PORTAL_LISTEN="},
			"data sqlite:data/consigne.db data.keys data/blobs 127.0.0.1:8080 1m0s false []"},
		{"others' variables", "serve", []string{"PATH=/bin", "CONSIGNE_SMSD_ANYTHING=1", "CONSIGNE_KIOSK_PORTAL=http://x", "CONSIGNER=1"},
			"data sqlite:data/consigne.db data.keys data/blobs 127.0.0.1:8080 1m0s false []"},
		{"another command's variable", "backup x", []string{"CONSIGNE_PORTAL_LISTEN=:2"}, `["x"]`},
		{"flags after arguments", "backup x --add y --add z", nil, `["x" "y" "z"]`},
		{"the flag is not added to its twin", "backup x --add y", []string{"CONSIGNE_PORTAL_ADD=z"}, `["x" "y"]`},
		{"after two dashes", "backup -- --add", nil, `["--add"]`},
		{"many", "decode a b c", nil, `["a" "b" "c"]`},
		{"none of one", "show", nil, `[]`},
		{"one of one", "show a", nil, `["a"]`},
		{"two words", "relay list", nil, `[]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, out, errs := call(c.args, c.environ...)
			if status != service.StatusDone || strings.TrimSpace(out) != c.want || errs != "" {
				t.Errorf("status %d\ngot  %s\nwant %s\nerrors: %s", status, out, c.want, errs)
			}
		})
	}
}

func TestProgram_Refuses(t *testing.T) {
	for _, c := range []struct {
		name, args string
		environ    []string
		status     int
		want       string
	}{
		{"nothing", "", nil, 2, "portal: which command? one of serve, backup, decode, show, relay add, relay list, fail, misuse (see portal help)"},
		{"unknown command", "sevre", nil, 2, `portal: unknown command "sevre": did you mean "serve"?`},
		{"half a command", "relay", nil, 2, "portal: relay: which? one of relay add, relay list"},
		{"half a command and a flag", "relay --x", nil, 2, "portal: relay: which? one of relay add, relay list"},
		{"unknown second word", "relay lits", nil, 2, `portal: unknown command "relay lits": did you mean "relay list"?`},
		{"flag before the command", "--data x serve", nil, 2, "portal: --data: flags follow the command (see portal help)"},
		{"unknown flag", "serve --listn :1", nil, 2, "portal: serve: unknown flag --listn: did you mean --listen?"},
		{"unknown flag with a value", "serve -lisen=:1", nil, 2, "portal: serve: unknown flag --lisen: did you mean --listen?"},
		{"unknown flag after arguments", "backup x --ad y", nil, 2, "portal: backup: unknown flag --ad: did you mean --add?"},
		{"unknown flag where there are none", "show --x", nil, 2, "portal: show: unknown flag --x: there are none"},
		{"flag without value", "serve --listen", nil, 2, "portal: serve: flag needs an argument: -listen"},
		{"wrong value", "serve --idle-wait soon", nil, 2, `portal: serve: invalid value "soon" for flag -idle-wait: not a time such as 90s or 5m`},
		{"neither true nor false", "serve --loud=perhaps", nil, 2, `portal: serve: invalid boolean value "perhaps" for -loud: neither true nor false`},
		{"wrong value in a variable", "serve", []string{"CONSIGNE_PORTAL_IDLE_WAIT=soon"}, 2, `portal: serve: CONSIGNE_PORTAL_IDLE_WAIT: invalid value "soon": not a time such as 90s or 5m`},
		{"unknown variable", "serve", []string{"CONSIGNE_PORTAL_LISTN=:1"}, 2, "portal: unknown variable CONSIGNE_PORTAL_LISTN: did you mean CONSIGNE_PORTAL_LISTEN?"},
		{"unknown shared variable", "serve", []string{"CONSIGNE_DATABSE=x"}, 2, "portal: unknown variable CONSIGNE_DATABSE: did you mean CONSIGNE_DATABASE?"},
		{"unknown database", "serve --database mysql://me:hunter2@h/x", nil, 2, "portal: serve: --database: must be sqlite:PATH or postgres://USER@HOST/NAME"},
		{"unknown database in a variable", "serve", []string{"CONSIGNE_DATABASE=consigne.db"}, 2, "portal: serve: --database: must be sqlite:PATH or postgres://USER@HOST/NAME"},
		{"too few", "backup", nil, 2, "portal: backup: wants DIR"},
		{"none of many", "decode", nil, 2, "portal: decode: wants FILE..."},
		{"too many", "backup a b", nil, 2, "portal: backup: takes DIR and no more"},
		{"any", "fail a", nil, 2, "portal: fail: takes no arguments"},
		{"failure", "fail", nil, 1, "portal: fail: disk: gone"},
		{"misuse found by the command", "misuse", nil, 2, "portal: misuse: no such relay"},
		{"help for nothing", "help sevre", nil, 2, `portal: unknown command "sevre": did you mean "serve"?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, out, errs := call(c.args, c.environ...)
			if status != c.status || out != "" || strings.TrimSpace(errs) != c.want {
				t.Errorf("status %d, want %d\ngot  %s\nwant %s\noutput: %s", status, c.status, errs, c.want, out)
			}
		})
	}
}

func TestProgram_Help(t *testing.T) {
	for args, want := range map[string]string{
		"help":         "relay list",
		"--help":       "Usage: portal COMMAND",
		"-h":           "the hosted vault",
		"help serve":   "--listen ADDR\n        ADDR to answer on (default 127.0.0.1:8080)\n        $CONSIGNE_PORTAL_LISTEN",
		"serve --help": "--data DIR\n        DIR of the store (default data)\n        $CONSIGNE_DATA",
		"serve -h":     "--loud\n        say more\n        $CONSIGNE_PORTAL_LOUD",
		"backup x -h":  "Usage: portal backup [--FLAG VALUE]... DIR",
	} {
		t.Run(args, func(t *testing.T) {
			status, out, errs := call(args)
			if status != service.StatusDone || !strings.Contains(out, want) || errs != "" {
				t.Errorf("status %d, output:\n%s\nwant in it:\n%s\nerrors: %s", status, out, want, errs)
			}
		})
	}
}

// FuzzProgram looks for arguments and settings that make the parser panic or end with a status of its own.
func FuzzProgram(f *testing.F) {
	f.Add("serve --listen :1 x", "CONSIGNE_PORTAL_LISTEN=1")
	f.Add("backup -- --add", "CONSIGNE_")
	f.Add("relay - =", "CONSIGNE_PORTAL_=")
	f.Add("decode --=x", "=")
	f.Fuzz(func(t *testing.T, args, setting string) {
		if status, _, errs := call(args, setting); status > service.StatusUsage || (status != service.StatusDone) != strings.HasPrefix(errs, "portal: ") {
			t.Errorf("status %d with errors %q", status, errs)
		}
	})
}
