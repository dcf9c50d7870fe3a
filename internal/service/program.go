// Package service is what the programs share around their work: commands and flags with environment twins, exit
// statuses, logs, HTTP listeners that stop gracefully, hardening and the clock.
//
// A program declares its commands and hands over:
//
//	service.Main(service.Program{Name: "portal", About: "the hosted vault", Commands: []service.Command{{
//		Name: "serve", About: "answer kiosks, desks and phones",
//		Setup: func(f *service.Flags) service.Run {
//			paths := f.Paths()
//			listen := f.String("listen", "127.0.0.1:8080", "`ADDR` to answer on")
//			return func(ctx context.Context, env *service.Env) error { … paths.Database(), *listen … }
//		},
//	}}})
//
// Every flag has a twin in the environment, CONSIGNE_PROGRAM_FLAG; the flag wins. Unknown commands, flags and variables
// are errors that name the nearest right one.
package service

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Exit statuses of every program.
const (
	StatusDone   = 0
	StatusFailed = 1
	StatusUsage  = 2
)

// Program is one executable and its commands.
type Program struct {
	Name     string // as it stands before every error, and in its variables
	About    string // half a sentence for the help text
	Commands []Command
}

// Command is one thing a program does.
type Command struct {
	Name  string // one word or two, such as "serve" or "relay add"
	Args  string // what follows the flags, for help and check: "DIR", "FILE...", "[NAME]"; empty: nothing
	About string // half a sentence for the help text
	// Setup declares the flags and gives what to run once they are read. It has no effect beside: it is also called for
	// help texts and to learn the names of flags.
	Setup func(f *Flags) Run
}

// Run carries out a command. ctx ends at SIGINT and SIGTERM; a command that was asked to stop and did returns nil.
// An error becomes "program: what: why" on standard error and status 1, one made by [Usagef] status 2.
type Run func(ctx context.Context, env *Env) error

// Env is what a command finds around it.
type Env struct {
	Args   []string // what follows the flags; their number was checked
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Log    *slog.Logger // JSON lines on Stderr: ids, codes and counts, never what belongs to a person
}

type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// Usagef makes an error for a command that was used wrongly: exit status 2.
func Usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// oneLine joins the lines of errors that have several.
var oneLine = strings.NewReplacer(":\n\t", ": ", "\n\t", "; ", "\n", "; ")

// Main runs the program with the process's own arguments, environment and streams, and ends the process.
func Main(p Program) {
	stops := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it; else a closed terminal stops in good order
		stops = append(stops, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), stops...)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(p.Run(ctx, os.Args[1:], os.Environ(), &Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}))
}

// Run carries out one call with args (without the program's name) and environ ("NAME=value") and gives the exit
// status. Of env the streams are used; the rest is filled in.
func (p Program) Run(ctx context.Context, args, environ []string, env *Env) int {
	err := p.run(ctx, args, environ, env)
	if err == nil {
		return StatusDone
	}
	fmt.Fprintf(env.Stderr, "%s: %s\n", p.Name, oneLine.Replace(err.Error()))
	if _, usage := errors.AsType[*usageError](err); usage {
		return StatusUsage
	}
	return StatusFailed
}

func (p Program) run(ctx context.Context, args, environ []string, env *Env) error {
	if len(args) > 0 && (args[0] == "help" || isHelp(args[0])) {
		return p.help(args[1:], env.Stdout)
	}
	cmd, rest, err := p.find(args)
	if err != nil {
		return err
	}
	vars, err := p.variables(environ)
	if err != nil {
		return err
	}
	f, run := p.setup(cmd)
	env.Args, err = f.parse(rest, vars)
	if errors.Is(err, flag.ErrHelp) {
		p.describe(cmd, env.Stdout)
		return nil
	}
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return &usageError{cmd.Name + ": " + err.Error()}
	}
	if err := checkArgs(cmd, env.Args); err != nil {
		return err
	}
	env.Log = slog.New(slog.NewJSONHandler(env.Stderr, nil)).With("program", p.Name)
	return run(ctx, env)
}

func isHelp(arg string) bool {
	return arg == "-h" || arg == "-help" || arg == "--help"
}

// find splits args into a command and what follows it.
func (p Program) find(args []string) (Command, []string, error) {
	if len(args) == 0 {
		return Command{}, nil, Usagef("which command? one of %s (see %s help)", strings.Join(p.names(), ", "), p.Name)
	}
	if strings.HasPrefix(args[0], "-") {
		return Command{}, nil, Usagef("%s: flags follow the command (see %s help)", flagName(args[0]), p.Name)
	}
	for words := min(2, len(args)); words > 0; words-- {
		name := strings.Join(args[:words], " ")
		for _, cmd := range p.Commands {
			if cmd.Name == name {
				return cmd, args[words:], nil
			}
		}
	}
	return Command{}, nil, p.unknownCommand(args)
}

// unknownCommand says what was meant, perhaps. Only a first word of a two-word command lists what can follow it.
func (p Program) unknownCommand(args []string) error {
	name := args[0]
	var inGroup []string
	for _, known := range p.names() {
		if strings.HasPrefix(known, name+" ") {
			inGroup = append(inGroup, known)
		}
	}
	if len(inGroup) > 0 && (len(args) == 1 || strings.HasPrefix(args[1], "-")) {
		return Usagef("%s: which? one of %s", name, strings.Join(inGroup, ", "))
	}
	if len(inGroup) > 0 {
		name += " " + args[1]
		return Usagef("unknown command %q: did you mean %q?", name, nearest(name, inGroup))
	}
	return Usagef("unknown command %q: did you mean %q?", name, nearest(name, p.names()))
}

func (p Program) names() []string {
	names := make([]string, len(p.Commands))
	for i, cmd := range p.Commands {
		names[i] = cmd.Name
	}
	return names
}

// checkArgs holds the number of arguments against the command's Args.
func checkArgs(cmd Command, args []string) error {
	least, most := 0, 0
	for word := range strings.FieldsSeq(cmd.Args) {
		most++
		if !strings.HasPrefix(word, "[") {
			least++
		}
		if strings.HasSuffix(strings.TrimSuffix(word, "]"), "...") {
			most = len(args) + 1
			break
		}
	}
	switch {
	case len(args) < least:
		return Usagef("%s: wants %s", cmd.Name, cmd.Args)
	case len(args) > most && cmd.Args == "":
		return Usagef("%s: takes no arguments", cmd.Name)
	case len(args) > most:
		return Usagef("%s: takes %s and no more", cmd.Name, cmd.Args)
	}
	return nil
}
