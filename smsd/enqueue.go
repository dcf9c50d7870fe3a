package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"consigne/internal/database"
	"consigne/internal/service"
	"consigne/smsd/queue"
)

// One transaction takes at most this many lines: its sync to disk is shared by
// all, and the first waits for the last.
const enqueueBatch = 1000

// longestLine bounds one line of input in bytes; a text of ten segments is far
// below.
const longestLine = 64 << 10

// setupEnqueue declares "smsd enqueue". Each line of input is answered by one
// line, once what it says is durable. The status is 1 if a line was refused.
func setupEnqueue(f *service.Flags) service.Run {
	paths := f.Paths()
	return func(ctx context.Context, env *service.Env) error {
		return withStore(ctx, paths, func(db *database.DB) error {
			pub, err := queue.PublicKey(ctx, db, paths.Keys())
			if err != nil {
				return err
			}
			e := &enqueuer{db: db, sender: queue.NewSender(pub, service.Now), out: bufio.NewWriter(env.Stdout)}
			return e.run(ctx, env.Stdin)
		})
	}
}

type enqueuer struct {
	db      *database.DB
	sender  *queue.Sender
	out     *bufio.Writer
	refused int
}

// run takes lines as they come: whatever is there already shares a transaction,
// so a slow writer gets each answer at once.
func (e *enqueuer) run(ctx context.Context, in io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	orders := make(chan queue.Line, enqueueBatch)
	failed := make(chan error, 1)
	go func() {
		defer close(orders)
		failed <- readOrders(ctx, in, orders)
	}()
	for {
		batch := nextBatch(ctx, orders)
		if len(batch) == 0 {
			break
		}
		if err := e.commit(ctx, batch); err != nil {
			return fmt.Errorf("enqueue: nothing since the last line printed was queued: %w", err)
		}
		if err := e.answer(batch); err != nil {
			return fmt.Errorf("enqueue: lines were queued whose answers could not be printed: send them again, they are known: %w", err)
		}
	}
	if ctx.Err() != nil {
		return errors.New("enqueue: stopped before the end of the input")
	}
	if err := <-failed; err != nil {
		return fmt.Errorf("enqueue: read standard input: %w", err)
	}
	if e.refused > 0 {
		return fmt.Errorf("enqueue: lines refused: %d", e.refused)
	}
	return nil
}

// nextBatch waits for one order and takes what else is there.
func nextBatch(ctx context.Context, orders <-chan queue.Line) []queue.Line {
	var batch []queue.Line
	select {
	case o, ok := <-orders:
		if !ok {
			return nil
		}
		batch = append(batch, o)
	case <-ctx.Done():
		return nil
	}
	for len(batch) < enqueueBatch {
		select {
		case o, ok := <-orders:
			if !ok {
				return batch
			}
			batch = append(batch, o)
		default:
			return batch
		}
	}
	return batch
}

// commit queues a batch in one transaction; each line then knows what became of it.
func (e *enqueuer) commit(ctx context.Context, batch []queue.Line) error {
	return e.db.Write(ctx, func(tx database.Handle) error { return e.sender.EnqueueLines(ctx, tx, batch) })
}

// answer prints what became of a batch that is durable.
func (e *enqueuer) answer(batch []queue.Line) error {
	for _, l := range batch {
		fmt.Fprintf(e.out, "%s %s\n", name(l), e.outcome(l))
	}
	return e.out.Flush()
}

func (e *enqueuer) outcome(l queue.Line) string {
	switch l.Outcome {
	case queue.Queued:
		return "accepted"
	case queue.Known:
		return "known"
	}
	e.refused++
	return "refused " + string(l.Reason)
}

// name is the id that an answer begins with, or "-" for a line without a usable
// one.
func name(l queue.Line) string {
	if l.Message.ID == "" {
		return "-"
	}
	return l.Message.ID
}

func readOrders(ctx context.Context, in io.Reader, orders chan<- queue.Line) error {
	r := bufio.NewReaderSize(in, longestLine)
	for {
		line, long, err := readLine(r)
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return err
		}
		if last && len(line) == 0 && !long {
			return nil
		}
		o := queue.Line{Reason: "line-too-long"}
		if !long {
			o = parseOrder(line)
		}
		select {
		case orders <- o:
		case <-ctx.Done():
			return nil
		}
		if last {
			return nil
		}
	}
}

// readLine reads up to and without the end of line. What exceeds the reader's
// buffer is passed over and told as long.
func readLine(r *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long = true
			continue
		}
		if err == nil {
			part = part[:len(part)-1]
		}
		return part, long, err
	}
}

// parseOrder reads one line. Its id is kept only where it is one, so that it can
// stand in an answer.
func parseOrder(line []byte) queue.Line {
	if !utf8.Valid(line) {
		return queue.Line{Reason: queue.ReasonUTF8}
	}
	var in struct{ ID, To, Text, Due, Expires, Kind *string }
	if err := json.Unmarshal(line, &in); err != nil {
		return queue.Line{Reason: "bad-json"}
	}
	var o queue.Line
	if in.ID != nil && queue.ValidID(*in.ID) {
		o.Message.ID = *in.ID
	}
	for _, field := range []struct {
		name string
		in   *string
		set  func(string) queue.Reason
	}{
		{"id", in.ID, func(string) queue.Reason {
			if o.Message.ID == "" {
				return queue.ReasonID
			}
			return ""
		}},
		{"to", in.To, func(v string) queue.Reason { o.To = v; return "" }},
		{"text", in.Text, func(v string) queue.Reason { o.Message.Text = v; return "" }},
		{"due", in.Due, instant(&o.Message.Due, "bad-due")},
		{"expires", in.Expires, instant(&o.Message.Expires, "bad-expires")},
		{"kind", in.Kind, func(v string) queue.Reason { o.Message.Kind = queue.Kind(v); return "" }},
	} {
		if field.in == nil {
			o.Reason = queue.Reason("missing-" + field.name)
			return o
		}
		if o.Reason = field.set(*field.in); o.Reason != "" {
			return o
		}
	}
	return o
}

func instant(t *time.Time, reason queue.Reason) func(string) queue.Reason {
	return func(v string) (no queue.Reason) {
		var err error
		if *t, err = time.Parse(time.RFC3339, v); err != nil {
			return reason
		}
		return ""
	}
}
