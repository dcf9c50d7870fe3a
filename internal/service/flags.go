package service

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Flags declares the flags of a command, with the methods of the standard library's FlagSet.
type Flags struct {
	*flag.FlagSet
	program string
	checks  []func() error
}

// shared are the flags that all programs read from the same variable, since they must agree about them.
var shared = []string{"data", "database", "keys", "blobs"}

// programs are the names between CONSIGNE_ and the flag's in the variables of one program.
var programs = []string{"portal", "smsd", "kiosk", "demo"}

// Variable gives the environment twin of a program's flag.
func Variable(program, flagName string) string {
	name := flagName
	if !slices.Contains(shared, flagName) {
		name = program + "_" + flagName
	}
	return "CONSIGNE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func (p Program) setup(cmd Command) (*Flags, Run) {
	f := &Flags{FlagSet: flag.NewFlagSet(cmd.Name, flag.ContinueOnError), program: p.Name}
	f.SetOutput(io.Discard) // errors come back as values, help is written by describe
	run := cmd.Setup(f)
	f.VisitAll(func(one *flag.Flag) { one.Value = plain{one.Value} })
	return f, run
}

// plain says what a value should look like, where the standard library says "parse error".
type plain struct{ flag.Value }

func (p plain) Set(value string) error {
	err := p.Value.Set(value)
	if err == nil {
		return nil
	}
	standard, _ := p.Value.(flag.Getter)
	if standard == nil {
		return err
	}
	switch standard.Get().(type) {
	case time.Duration:
		return errors.New("not a time such as 90s or 5m")
	case int:
		return errors.New("not a whole number")
	case bool:
		return errors.New("neither true nor false")
	}
	return err
}

// IsBoolFlag tells the parser whether a value follows.
func (p plain) IsBoolFlag() bool {
	b, is := p.Value.(interface{ IsBoolFlag() bool })
	return is && b.IsBoolFlag()
}

// variables picks this project's settings out of environ. It refuses names that no flag of this program has; those of
// the sister programs are theirs to check, so that one file of settings can serve all.
func (p Program) variables(environ []string) (map[string]string, error) {
	var known []string
	for _, name := range shared {
		known = append(known, Variable(p.Name, name))
	}
	for _, cmd := range p.Commands {
		f, _ := p.setup(cmd)
		f.VisitAll(func(one *flag.Flag) { known = append(known, Variable(p.Name, one.Name)) })
	}
	known = append(known, clockVariables...)
	vars := map[string]string{}
	for _, setting := range environ {
		name, value, _ := strings.Cut(setting, "=")
		switch {
		case !strings.HasPrefix(name, "CONSIGNE_") || p.sisters(name):
		case slices.Contains(known, name):
			vars[name] = value
		default:
			return nil, Usagef("unknown variable %s: did you mean %s?", name, nearest(name, known))
		}
	}
	return vars, nil
}

func (p Program) sisters(variable string) bool {
	for _, name := range programs {
		if name != p.Name && strings.HasPrefix(variable, "CONSIGNE_"+strings.ToUpper(name)+"_") {
			return true
		}
	}
	return false
}

// check refuses values that were read well and cannot be used.
func (f *Flags) check() error {
	for _, check := range f.checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// parse reads args, where flags and arguments may be mixed, and returns the arguments. What follows "--" is never a
// flag. Flags that args do not give take their value from vars; an empty variable counts as unset.
func (f *Flags) parse(args []string, vars map[string]string) (words []string, err error) {
	for {
		if err := f.known(args); err != nil {
			return nil, err
		}
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		rest := f.Args()
		ended := len(args) > len(rest) && args[len(args)-len(rest)-1] == "--"
		if len(rest) == 0 || ended {
			return append(words, rest...), f.fromVariables(vars)
		}
		words, args = append(words, rest[0]), rest[1:]
	}
}

// fromVariables sets the flags that were not given. Those given are left alone and not set twice: a flag may add up.
func (f *Flags) fromVariables(vars map[string]string) error {
	given := map[string]bool{}
	f.Visit(func(one *flag.Flag) { given[one.Name] = true })
	var wrong error
	f.VisitAll(func(one *flag.Flag) {
		name := Variable(f.program, one.Name)
		value := vars[name]
		if given[one.Name] || value == "" || wrong != nil {
			return
		}
		if err := f.Set(one.Name, value); err != nil {
			wrong = fmt.Errorf("%s: invalid value %q: %w", name, value, err)
		}
	})
	return wrong
}

// known refuses the first flag of args when the command has none of that name, so that the error can name the nearest;
// the values between flags are told apart by FlagSet itself, which stops at the first flag it does not know.
func (f *Flags) known(args []string) error {
	probe := flag.NewFlagSet(f.Name(), flag.ContinueOnError)
	probe.SetOutput(io.Discard)
	var names []string
	f.VisitAll(func(one *flag.Flag) {
		names = append(names, "--"+one.Name)
		probe.Var(ignored{one.Value.(plain)}, one.Name, "")
	})
	err := probe.Parse(args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return nil
	}
	rest := len(args) - len(probe.Args())
	if rest == 0 {
		return nil
	}
	name := flagName(args[rest-1])
	if slices.Contains(names, name) {
		return nil // known, with a wrong value: FlagSet's own words will do
	}
	if len(names) == 0 {
		return fmt.Errorf("unknown flag %s: there are none", name)
	}
	return fmt.Errorf("unknown flag %s: did you mean %s?", name, nearest(name, names))
}

// flagName strips the value from "--name=value" and gives both spellings two dashes.
func flagName(arg string) string {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	return "--" + name
}

// ignored stands in for a flag's value while names are checked.
type ignored struct{ plain }

func (i ignored) String() string   { return "" }
func (i ignored) Set(string) error { return nil }
