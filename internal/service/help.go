package service

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// help answers "program help [COMMAND]" on standard output.
func (p Program) help(args []string, out io.Writer) error {
	if len(args) > 0 {
		cmd, _, err := p.find(args)
		if err != nil {
			return err
		}
		p.describe(cmd, out)
		return nil
	}
	fmt.Fprintf(out, "%s: %s\n\nUsage: %s COMMAND [--FLAG VALUE]... [ARGUMENT]...\n\nCommands:\n", p.Name, p.About, p.Name)
	width := 0
	for _, cmd := range p.Commands {
		width = max(width, len(cmd.Name))
	}
	for _, cmd := range p.Commands {
		fmt.Fprintf(out, "  %-*s  %s\n", width, cmd.Name, cmd.About)
	}
	fmt.Fprintf(out, "\n%s help COMMAND shows its flags. Each has a twin in the environment.\n", p.Name)
	return nil
}

// describe writes a command's usage and flags.
func (p Program) describe(cmd Command, out io.Writer) {
	f, _ := p.setup(cmd)
	usage := strings.TrimSpace(strings.Join([]string{p.Name, cmd.Name, "[--FLAG VALUE]...", cmd.Args}, " "))
	fmt.Fprintf(out, "%s %s: %s\n\nUsage: %s\n", p.Name, cmd.Name, cmd.About, usage)
	f.VisitAll(func(one *flag.Flag) {
		value, about := flag.UnquoteUsage(one)
		fmt.Fprintf(out, "\n  %s\n        %s", strings.TrimSpace("--"+one.Name+" "+value), about)
		if one.DefValue != "" && one.DefValue != "false" {
			fmt.Fprintf(out, " (default %s)", one.DefValue)
		}
		fmt.Fprintf(out, "\n        $%s\n", Variable(p.Name, one.Name))
	})
}
