package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"consigne/internal/database"
	"consigne/internal/service"
	"consigne/smsd/queue"
)

// listed is one line of "smsd list --json".
type listed struct {
	ID        string      `json:"id"`
	State     queue.State `json:"state"`
	Attempts  int         `json:"attempts"`
	CarrierID string      `json:"carrier_id"`
	Segments  int         `json:"segments"`
	Error     string      `json:"error"`
}

// setupList declares "smsd list": every message, in the order in which they are
// due, without what they say and to whom.
func setupList(f *service.Flags) service.Run {
	paths := f.Paths()
	asJSON := f.Bool("json", false, "one JSON object a line")
	return func(ctx context.Context, env *service.Env) error {
		write := listTable
		if *asJSON {
			write = listJSON
		}
		return withExisting(ctx, paths, func(db *database.DB) error {
			out := bufio.NewWriter(env.Stdout)
			return errors.Join(write(ctx, db.Read(), out), out.Flush())
		})
	}
}

func listJSON(ctx context.Context, h database.Handle, out *bufio.Writer) error {
	lines := json.NewEncoder(out)
	return queue.List(ctx, h, func(id string, s queue.Status) error {
		return lines.Encode(listed{id, s.State, s.Attempts, s.CarrierID, s.Segments, s.Error})
	})
}

func listTable(ctx context.Context, h database.Handle, out *bufio.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTATE\tDUE\tATTEMPTS\tSEGMENTS\tCARRIER ID\tERROR")
	err := queue.List(ctx, h, func(id string, s queue.Status) error {
		_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\t%s\n",
			id, s.State, s.Due.Format(time.RFC3339), s.Attempts, s.Segments, dash(s.CarrierID), dash(s.Error))
		return err
	})
	return errors.Join(err, table.Flush())
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
