package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"consigne/internal/database"
)

// plan says how much is done to smsd.
type plan struct {
	binary   string
	dir      string // of its own
	database string // address of an empty store
	messages int
	kills    int
	daemons  int
	seed     uint64
	progress io.Writer
}

const (
	lot         = 100 // lines for one enqueuer
	enqueuers   = 2   // at once
	oftenKilled = 3   // times at most that one lot's enqueuer is killed
	grace       = 2 * time.Second
	longestEnd  = 5 * time.Minute
)

// run is one torture under way.
type run struct {
	plan
	net *network

	mu       sync.Mutex
	random   *rand.Rand
	kills    int
	accepted map[string]order
}

// torture does it all and says what became of it.
func torture(ctx context.Context, p plan) (verdict, error) {
	r := &run{plan: p, net: newNetwork(p.seed), random: rand.New(rand.NewPCG(p.seed, 2)), accepted: map[string]order{}}
	defer r.net.stop()
	db, err := database.Open(ctx, p.database)
	if err != nil {
		return verdict{}, err
	}
	v, err := r.all(ctx, db)
	return v, errors.Join(err, db.Close())
}

func (r *run) all(ctx context.Context, db *database.DB) (verdict, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var daemons, handing sync.WaitGroup
	calm := make(chan struct{}) // closed when the killing ends
	for slot := range r.daemons {
		address, err := freeAddress(ctx)
		if err != nil {
			return verdict{}, err
		}
		random := rand.New(rand.NewPCG(r.seed, 100+uint64(slot)))
		daemons.Go(func() {
			if err := r.keepDaemon(ctx, address, random, calm); err != nil {
				cancel(err)
			}
		})
	}
	lots := make(chan []order)
	for n := range enqueuers {
		random := rand.New(rand.NewPCG(r.seed, 200+uint64(n)))
		handing.Go(func() {
			for l := range lots {
				if err := r.handOver(ctx, l, random); err != nil {
					cancel(err)
				}
			}
		})
	}
	r.feed(ctx, lots)
	handing.Wait()
	r.await(ctx, func() bool { return r.killed() >= r.plan.kills })
	close(calm)
	err := r.settled(ctx, db)
	if ctx.Err() != nil { // interrupted, or a program that should not have ended did
		err = context.Cause(ctx)
	}
	cancel(nil)
	daemons.Wait()
	if err != nil {
		return verdict{}, err
	}
	v, err := tally(context.WithoutCancel(ctx), db, r.net, r.accepted)
	v.Kills = r.killed()
	return v, err
}

// feed gives out lots at the pace of the killing, so that there is work from its
// first to its last moment. One message in twenty has a twin.
func (r *run) feed(ctx context.Context, lots chan<- []order) {
	defer close(lots)
	for at := 0; at < r.messages; {
		r.await(ctx, func() bool { return r.killed()*r.messages >= (at-lot*enqueuers)*r.plan.kills })
		if ctx.Err() != nil {
			return
		}
		var some []order
		for ; len(some) < lot && at < r.messages; at++ {
			o := order{fmt.Sprint("m", at), letter{fmt.Sprintf("+336399%05d", at%5000), fmt.Sprint("Message ", at)}}
			if at%20 == 1 {
				o.letter = some[len(some)-1].letter
			}
			some = append(some, o)
		}
		select {
		case lots <- some:
			r.say("%d of %d messages handed over, %d kills", at, r.messages, r.killed())
		case <-ctx.Done():
			return
		}
	}
}

func (r *run) say(format string, args ...any) {
	if r.progress != nil {
		fmt.Fprintf(r.progress, "\r\033[K"+format, args...)
	}
}

// await looks until a condition holds.
func (r *run) await(ctx context.Context, holds func() bool) {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

func (r *run) killed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kills
}

// kill counts and carries out one kill, unless there have been enough.
func (r *run) kill(cmd *exec.Cmd) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kills >= r.plan.kills {
		return false
	}
	r.kills++
	_ = cmd.Process.Kill() // it may have ended by itself
	return true
}

// keepDaemon runs smsd on an address again and again, and kills it at random
// moments until it is calm.
func (r *run) keepDaemon(ctx context.Context, address string, random *rand.Rand, calm <-chan struct{}) error {
	for ctx.Err() == nil {
		cmd, ready, err := r.daemon(address)
		if err != nil {
			return err
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-ready:
		case err := <-ended:
			return fmt.Errorf("smsd did not start: %w: see %s", err, r.logPath(address))
		}
		select {
		case <-time.After(time.Duration(random.Int64N(int64(1200 * time.Millisecond)))):
			if r.kill(cmd) {
				<-ended //nolint:errcheck // a killed process ends badly
				continue
			}
			err = r.lastDaemon(ctx, cmd, ended)
		case <-calm:
			err = r.lastDaemon(ctx, cmd, ended)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lastDaemon lives until the end, and stops as it should.
func (r *run) lastDaemon(ctx context.Context, cmd *exec.Cmd, ended <-chan error) error {
	select {
	case <-ctx.Done():
	case err := <-ended:
		return fmt.Errorf("smsd ended by itself: %w", err)
	}
	return errors.Join(cmd.Process.Signal(syscall.SIGTERM), <-ended)
}

func (r *run) logPath(address string) string {
	return filepath.Join(r.dir, "smsd-"+strings.ReplaceAll(address, ":", "-")+".log")
}

// daemon starts "smsd run"; ready closes once it works.
func (r *run) daemon(address string) (cmd *exec.Cmd, ready <-chan struct{}, err error) {
	log, err := os.OpenFile(r.logPath(address), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	cmd = r.command("run", "--listen", address, "--internal", "127.0.0.1:0", "--public-url", "http://"+address, "--grace", grace.String(), "--timeout", "4s")
	out, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, nil, errors.Join(err, log.Close())
	}
	started := make(chan struct{})
	go func() {
		defer log.Close()
		said := false
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fmt.Fprintln(log, lines.Text())
			if !said && strings.Contains(lines.Text(), `"msg":"started"`) {
				said = true
				close(started)
			}
		}
	}()
	return cmd, started, nil
}

func (r *run) command(args ...string) *exec.Cmd {
	cmd := exec.Command(r.binary, args...) //nolint:noctx // it is killed by hand, or stops by itself
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = []string{
		"HOME=" + r.dir, "CONSIGNE_DATABASE=" + r.database, "CONSIGNE_DATA=" + filepath.Join(r.dir, "data"),
		"CONSIGNE_KEYS=" + filepath.Join(r.dir, "keys"), "TWILIO_ACCOUNT_SID=" + r.net.Account.SID,
		"TWILIO_AUTH_TOKEN=" + r.net.Account.Token, "TWILIO_FROM=" + r.net.Account.From, "TWILIO_API_URL=" + r.net.URL,
	}
	return cmd
}

// handOver runs "smsd enqueue" on the same lines until all are answered.
func (r *run) handOver(ctx context.Context, some []order, random *rand.Rand) error {
	var in bytes.Buffer
	lines := json.NewEncoder(&in)
	for _, o := range some {
		err := lines.Encode(map[string]any{
			"id": o.id, "to": o.to, "text": o.text, "kind": "notice",
			"due": time.Now().Add(-time.Second), "expires": time.Now().Add(48 * time.Hour),
		})
		if err != nil {
			return err
		}
	}
	for try := 0; ctx.Err() == nil; try++ {
		said, err := r.enqueue(ctx, in.Bytes(), try < oftenKilled && random.IntN(2) == 0, time.Duration(random.Int64N(int64(200*time.Millisecond))))
		if err != nil {
			return err
		}
		r.mu.Lock()
		for _, o := range some {
			if word := said[o.id]; word == "accepted" || word == "known" {
				r.accepted[o.id] = o
			}
		}
		r.mu.Unlock()
		if len(said) == len(some) {
			return nil
		}
	}
	return nil
}

func (r *run) enqueue(ctx context.Context, in []byte, victim bool, after time.Duration) (map[string]string, error) {
	cmd := r.command("enqueue")
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &errs
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var killed bool
	var err error
	select {
	case err = <-ended:
	case <-time.After(after):
		if victim {
			killed = r.kill(cmd)
		}
		err = <-ended
	}
	if err != nil && !killed && ctx.Err() == nil {
		return nil, fmt.Errorf("smsd enqueue: %w: %s", err, errs.String())
	}
	return answers(out.String()), nil
}

// settled waits until no message is on its way any more.
func (r *run) settled(ctx context.Context, db *database.DB) error {
	late := time.Now().Add(longestEnd)
	var open int
	var failure error
	r.await(ctx, func() bool {
		failure = db.Read().QueryRow(ctx, `SELECT COUNT(*) FROM message WHERE state IN ('planned', 'claimed', 'unknown')`).Scan(&open)
		r.say("%d messages under way", open)
		return failure != nil || open == 0 || time.Now().After(late)
	})
	r.say("")
	if failure == nil && open > 0 && ctx.Err() == nil {
		failure = fmt.Errorf("%d messages are still under way after %v: their fate is unknown", open, longestEnd)
	}
	return failure
}

// freeAddress finds a port for a daemon that is called back wherever it is
// started anew.
func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
