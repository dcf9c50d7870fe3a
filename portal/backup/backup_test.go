package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"consigne/internal/database"
	"consigne/portal/blob"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, path string, by int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-by); err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[at%len(b)] ^= 0x10
	write(t, path, string(b))
}

// someBlob is a blob's file in a backup.
func someBlob(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, blobFolder, "??", "??", "*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("%d blobs, %v", len(found), err)
	}
	return found[len(found)/2]
}

func mendSum(text string) string {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	body := strings.Join(lines[:len(lines)-1], "")
	_, rest, _ := strings.Cut(lines[len(lines)-1], `"rows":`)
	rows, _, _ := strings.Cut(rest, ",")
	sum := sha256.Sum256([]byte(body))
	return body + fmt.Sprintf(`{"rows":%s,"sum":"%s"}`, rows, hex.EncodeToString(sum[:])) + "\n"
}

// counting is a blob store that counts what is read from it, and that no hard
// link can go past.
type counting struct {
	blob.Store
	opened []string
}

func (c *counting) Open(ctx context.Context, id string) (io.ReadCloser, error) {
	c.opened = append(c.opened, id)
	return c.Store.Open(ctx, id)
}

func TestMake_SecondTimeCopiesOnlyWhatIsNew(t *testing.T) {
	s := load(t, freshSQLite(t))
	through := &counting{Store: s.Blobs}
	s.Blobs = through
	dir := filepath.Join(t.TempDir(), "backup")
	if err := Make(t.Context(), s, dir, noon, quiet); err != nil {
		t.Fatal(err)
	}
	if len(through.opened) < 10 {
		t.Fatalf("%d blobs were copied", len(through.opened))
	}
	gone := through.opened[3]
	through.opened = nil
	addBlob(t, s)
	err := s.DB.Write(t.Context(), func(tx database.Handle) error {
		_, err := tx.Exec(t.Context(), "DELETE FROM item_blob WHERE blob_id = ?", gone)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := Make(t.Context(), s, dir, noon, quiet); err != nil {
		t.Fatal(err)
	}
	if len(through.opened) != 1 {
		t.Errorf("%d blobs were copied again, want the new one only", len(through.opened))
	}
	copied, err := blob.NewDir(filepath.Join(dir, blobFolder))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := copied.Size(t.Context(), gone); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("a blob that no row names any more is still in the backup: %v", err)
	}
}

// addBlob adds a blob to some paper.
func addBlob(t *testing.T, s Store) {
	t.Helper()
	w, err := s.Blobs.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("a new one")); err != nil {
		t.Fatal(err)
	}
	info, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	err = s.DB.Write(t.Context(), func(tx database.Handle) error {
		_, err := tx.Exec(t.Context(), "INSERT INTO item_blob (blob_id, item_id, size, sum) SELECT ?, MIN(id), CAST(? AS BIGINT), CAST(? AS blob) FROM item",
			info.ID, info.Size, info.Sum)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A damaged or missing blob stops the backup, and the one before stays whole.
func TestMake_KeepsTheBackupBefore(t *testing.T) {
	for name, harm := range map[string]func(*testing.T, string){
		"changed": func(t *testing.T, path string) { flip(t, path, 99) },
		"cut":     func(t *testing.T, path string) { cut(t, path, 5) },
		"missing": remove,
	} {
		t.Run(name, func(t *testing.T) {
			s := load(t, freshSQLite(t))
			dir := filepath.Join(t.TempDir(), "backup")
			if err := Make(t.Context(), s, dir, noon, quiet); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(filepath.Join(dir, dumpFile))
			if err != nil {
				t.Fatal(err)
			}
			addBlob(t, s)
			rows, err := blobRows(t.Context(), s.DB.Read())
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(rows, func(r blobRow) bool { return r.size == int64(len("a new one")) })
			path, err := s.Blobs.(*blob.Dir).Path(rows[i].id)
			if err != nil {
				t.Fatal(err)
			}
			harm(t, path)
			if err := Make(t.Context(), s, dir, noon, quiet); err == nil {
				t.Fatal("the backup was made")
			}
			after, err := os.ReadFile(filepath.Join(dir, dumpFile))
			if err != nil || string(after) != string(before) {
				t.Errorf("the dump before was replaced (%v)", err)
			}
			if err := Restore(t.Context(), emptyStore(t, freshSQLite(t)), dir, needSample(t).keys(), noon, quiet); err != nil {
				t.Errorf("the backup before no longer restores: %v", err)
			}
		})
	}
}

func TestMake_RefusesOtherFolders(t *testing.T) {
	s := load(t, freshSQLite(t))
	used := t.TempDir()
	write(t, filepath.Join(used, "letter.txt"), "mine")
	if err := Make(t.Context(), s, used, noon, quiet); !errors.Is(err, ErrFolder) {
		t.Errorf("a used folder: %v, want ErrFolder", err)
	}
	if left, err := os.ReadDir(used); err != nil || len(left) != 1 {
		t.Errorf("the used folder has %d entries now, %v", len(left), err)
	}
	// The store's own folder, in which only its blobs lie.
	path := blobFiles(t, s)[0]
	own := filepath.Dir(filepath.Dir(filepath.Dir(filepath.Dir(path))))
	if err := Make(t.Context(), s, own, noon, quiet); !errors.Is(err, ErrFolder) {
		t.Errorf("the store's own folder: %v, want ErrFolder", err)
	}
	checkSound(t, s)
}

// A store that was mistaken for another must not take that one's only copy, nor
// prune its papers.
func TestMake_AnotherStoresBackup(t *testing.T) {
	s := load(t, freshSQLite(t))
	dir := filepath.Join(t.TempDir(), "backup")
	if err := Make(t.Context(), s, dir, noon, quiet); err != nil {
		t.Fatal(err)
	}
	empty, other := emptyStore(t, freshSQLite(t)), emptyStore(t, freshSQLite(t))
	tie(t, other, "portal", "bb")
	for name, mistaken := range map[string]Store{"empty": empty, "other": other} {
		if err := Make(t.Context(), mistaken, dir, noon, quiet); !errors.Is(err, ErrOther) {
			t.Errorf("%s: %v, want ErrOther", name, err)
		}
	}
	b, err := openBackup(dir)
	if err != nil || len(b.blobs) == 0 || !maps.Equal(b.head.Keys, needSample(t).keys()) {
		t.Fatalf("the backup before: %v", err)
	}
	for _, row := range b.blobs {
		if _, err := os.Stat(filepath.Join(dir, blobFolder, row.id[:2], row.id[2:4], row.id)); err != nil {
			t.Error(err)
		}
	}
	tie(t, s, "smsd", "cc") // made after the first backup
	if err := Make(t.Context(), s, dir, noon, quiet); err != nil {
		t.Errorf("the same store again: %v", err)
	}
}

func tie(t *testing.T, s Store, name, fingerprint string) {
	t.Helper()
	err := s.DB.Write(t.Context(), func(tx database.Handle) error {
		return database.SetFingerprint(t.Context(), tx, name, fingerprint)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMake_OneAtATime(t *testing.T) {
	s := load(t, freshSQLite(t))
	dir := filepath.Join(t.TempDir(), "backup")
	unlock, err := takeFolder(s, dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := Make(t.Context(), s, dir, noon, quiet); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("a second backup at once: %v", err)
	}
	unlock()
	if err := Make(t.Context(), s, dir, noon, quiet); err != nil {
		t.Error(err)
	}
}

// Nobody but the owner reads a backup.
func TestMake_Modes(t *testing.T) {
	s := load(t, freshSQLite(t))
	dir := filepath.Join(t.TempDir(), "backup")
	if err := Make(t.Context(), s, dir, noon, quiet); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %o", e.Name(), info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A full disk: a small file system where root can mount one, else a limit on
// the size of files, which the kernel answers alike. It is tried in a child,
// since both last as long as the process.
const fullDiskVariable = "CONSIGNE_BACKUP_TEST_FULL"

func TestMake_FullDisk(t *testing.T) {
	s := needSample(t)
	for _, room := range []int{1 << 10, 64 << 10, 600 << 10} {
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s:%s:%d", fullDiskVariable, s.folder, dir, room))
		if os.Geteuid() == 0 {
			// Its own mounts, which end with it.
			cmd.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("room for %d bytes: %v: %s", room, err, out)
		}
	}
}

// fullDiskChild runs the child's part and tells whether this process is it.
func fullDiskChild() bool {
	job := os.Getenv(fullDiskVariable)
	if job == "" {
		return false
	}
	if err := backupWithoutRoom(job); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
	return true
}

func backupWithoutRoom(job string) error {
	var room uint64
	parts := strings.Split(job, ":")
	sampled, dir := parts[0], parts[1]
	if _, err := fmt.Sscan(parts[2], &room); err != nil {
		return err
	}
	ctx := context.Background()
	store, err := openSample(ctx, sampled, filepath.Join(dir, "store"))
	if err != nil {
		return err
	}
	target := filepath.Join(dir, "small")
	if err := os.Mkdir(target, 0o700); err != nil {
		return err
	}
	if err := limitRoom(target, room); err != nil {
		return err
	}
	full := Make(ctx, store, filepath.Join(target, "backup"), noon, quiet)
	if full == nil {
		return errors.New("the backup was made")
	}
	if !errors.Is(full, unix.ENOSPC) && !errors.Is(full, unix.EFBIG) && !errors.Is(full, blob.ErrFull) {
		return fmt.Errorf("%w, want a full disk", full)
	}
	return filepath.WalkDir(filepath.Join(target, "backup"), func(name string, e fs.DirEntry, err error) error {
		if err == nil && (e.Name() == dumpFile || strings.HasPrefix(e.Name(), tmpPrefix)) {
			return fmt.Errorf("%s is there", e.Name())
		}
		return err
	})
}

func limitRoom(target string, room uint64) error {
	err := error(unix.EPERM)
	if os.Geteuid() == 0 {
		err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	}
	// EINVAL comes in a chroot whose root is no mount: nothing can be kept private there. The limit is for each file,
	// so it has to be less than the largest.
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) {
		room = min(room, 64<<10)
		return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: room, Max: room})
	}
	if err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	return unix.Mount("tmpfs", target, "tmpfs", 0, fmt.Sprintf("size=%d", max(room, 8<<10)))
}

// openSample restores the sample into a new store, outside any test.
func openSample(ctx context.Context, sampled, dir string) (Store, error) {
	db, err := database.Open(ctx, "sqlite:"+filepath.Join(dir, "consigne.db"))
	if err != nil {
		return Store{}, err
	}
	blobs, err := blob.NewDir(filepath.Join(dir, "blobs"))
	if err != nil {
		return Store{}, err
	}
	store := Store{DB: db, Blobs: blobs, Revoked: OpenRevoked(filepath.Join(dir, RevokedFile))}
	o, err := openBackup(sampled)
	if err != nil {
		return Store{}, err
	}
	return store, Restore(ctx, store, sampled, o.head.Keys, noon, quiet)
}
