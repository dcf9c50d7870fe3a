package dbtest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"consigne/internal/database"
)

// server is the PostgreSQL of this test binary. It listens on a socket in its folder and nowhere else.
type server struct {
	folder string
	watch  *os.File // kept open as long as the binary lives: its end tells the keeper to stop and clean up
}

const (
	template  = "template_consigne" // the migrated database of which every test gets a copy
	startTime = 3 * time.Minute     // initdb takes one second, but shares the machine with other packages' tests
)

// keeper starts the server as its child and waits for the end of its standard input, which comes when the test binary
// is gone, however it went: so neither a process nor a folder outlives a killed test. $1 is the folder, $2 the binaries.
// $3 are settings of the server.
const keeper = `
"$2/initdb" -D "$1/data" -A trust -U postgres -E UTF8 --locale=C --no-sync >"$1/log" 2>&1 || { echo failed >"$1/failed"; }
"$2/postgres" -D "$1/data" -k "$1" -c listen_addresses= \
	-c max_connections=200 -c logging_collector=off $3 </dev/null >>"$1/log" 2>&1 &
server=$!
read -r nothing
kill -QUIT $server
wait $server
rm -rf "$1"
`

// quick is for tests: nothing needs to survive a crash.
const quick = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c shared_buffers=32MB -c autovacuum=off"

var running = sync.OnceValues(func() (*server, error) {
	s, err := start(memory(), quick)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	return s, s.prepare(ctx)
})

// durable keeps the last server from the garbage collector, which would close its
// watch.
var durable atomic.Pointer[server]

// Durable starts a PostgreSQL as it comes, with every commit synced to disk, and
// gives the address of an empty database in it. It is for programs that measure or
// torture, and ends with the process.
func Durable(ctx context.Context) (address string, err error) {
	s, err := start("", "-c shared_buffers=128MB")
	if err != nil {
		return "", err
	}
	durable.Store(s)
	return s.url("consigne"), s.do(ctx, "CREATE DATABASE consigne")
}

// memory is a place for files that need not outlive the machine's power, or "" where there is none with room enough, or
// where TMPDIR names another: a database is some six hundred files, which take a third of a second to make on a disk.
func memory() string {
	const place, enough = "/dev/shm", 1 << 30
	var fs syscall.Statfs_t
	if err := syscall.Statfs(place, &fs); os.Getenv("TMPDIR") != "" || err != nil || fs.Bavail*uint64(fs.Bsize) < enough || unix.Access(place, unix.W_OK) != nil {
		return ""
	}
	return place
}

// start makes a server in a folder of its own, under parent. The folder belongs to another user when the tests run as
// root, because PostgreSQL refuses root.
func start(parent, settings string) (*server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(parent, "consigne-postgres-")
	if err != nil {
		return nil, err
	}
	s := &server{folder: folder}
	who, err := owner(folder)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	input, watch, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	defer input.Close()
	s.watch = watch
	cmd := exec.Command("/bin/sh", "-c", keeper, "keeper", folder, bin, settings) //nolint:noctx // it outlives every context of a test
	cmd.Dir, cmd.Stdin = folder, input
	// A session of its own: a signal to the tests' process group must not reach the keeper, which has to clean up.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: who}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the keeper: %w", err), os.RemoveAll(folder))
	}
	go func() { _ = cmd.Wait() }() // only so that no zombie stays
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	if err := s.answering(ctx); err != nil {
		log, _ := os.ReadFile(filepath.Join(folder, "log"))
		watch.Close()
		return nil, fmt.Errorf("%w\n%s", err, bytes.TrimSpace(log))
	}
	return s, nil
}

// binaries finds the folder of initdb and postgres, which Debian keeps outside PATH.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("no PostgreSQL here: initdb is neither in PATH nor in /usr/lib/postgresql (Debian: apt-get install postgresql)")
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4])
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) })), nil
}

// owner gives folder to the user that the server shall run as: nil, ourselves, unless we are root.
func owner(folder string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("find a user for PostgreSQL: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(folder, int(uid), int(gid))
}

func (s *server) url(name string) string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + name, RawQuery: "host=" + url.QueryEscape(s.folder)}
	return u.String()
}

// prepare waits until the server answers and migrates the template.
func (s *server) prepare(ctx context.Context) error {
	if err := s.do(ctx, "CREATE DATABASE "+template); err != nil {
		return err
	}
	db, err := database.Open(ctx, s.url(template))
	if err != nil {
		return err
	}
	return db.Close()
}

func (s *server) answering(ctx context.Context) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := s.do(ctx, "SELECT 1")
		if err == nil {
			return nil
		}
		if _, failed := os.Stat(filepath.Join(s.folder, "failed")); failed == nil {
			return errors.New("initdb failed")
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w", err)
		case <-again.C:
		}
	}
}

// do runs one statement on a connection of its own, in the database that is nobody's template.
func (s *server) do(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// freshPostgreSQL makes a database that is a copy of another, and drops it when the test ends.
func freshPostgreSQL(t testing.TB, from string) string {
	t.Helper()
	s, err := running()
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := s.do(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+from); err != nil {
		t.Fatalf("make a database: %v", err)
	}
	t.Cleanup(func() {
		if err := s.do(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return s.url(name)
}
