package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Dir is a Store in a folder: blobs at AB/CD/ABCD…, what is being written in
// tmp. Files are 0600, folders 0700. One folder may be used by several
// processes at once.
type Dir struct {
	root string
}

var _ Store = (*Dir)(nil)

// tmpFolder holds what is being written. Three letters, so that no id's folder
// (two letters) can be it.
const tmpFolder = "tmp"

// NewDir opens the store in the folder path, making it when it is missing, and
// removes what writers that died left behind.
func NewDir(path string) (*Dir, error) {
	if err := os.MkdirAll(filepath.Join(path, tmpFolder), 0o700); err != nil {
		return nil, fmt.Errorf("open blob folder: %w", ours(err))
	}
	d := &Dir{root: path}
	if err := d.sweep(); err != nil {
		return nil, fmt.Errorf("sweep blob folder: %w", err)
	}
	return d, nil
}

// sweep removes temporary files whose writer is gone. A living writer holds a
// lock on its file, in whatever process; the kernel drops it with the process.
func (d *Dir) sweep() error {
	entries, err := os.ReadDir(d.path(tmpFolder))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := removeUnlocked(d.path(tmpFolder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func removeUnlocked(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return nil
	}
	err = os.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Create begins a blob under a fresh id.
func (d *Dir) Create(ctx context.Context) (Writer, error) { return d.CreateAs(ctx, newID()) }

// CreateAs begins a blob under a given id.
func (d *Dir) CreateAs(ctx context.Context, id string) (Writer, error) {
	if err := CheckID(id); err != nil {
		return nil, fmt.Errorf("create blob: %w", err)
	}
	for {
		w, err := d.create(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("create blob: %w", ours(err))
		}
		if w != nil {
			return w, nil
		}
	}
}

// create makes and locks a temporary file. Between the two a sweep of another
// process may take it for a dead one's: then create returns nothing, and the
// caller tries again.
func (d *Dir) create(ctx context.Context, id string) (*dirWriter, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// Beside the id a random part: two writers of one id do not meet.
	name := d.path(tmpFolder, id+"-"+newID())
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, nil
		}
		os.Remove(name)
		return nil, err
	}
	if _, err := os.Lstat(name); err != nil {
		f.Close()
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	return &dirWriter{ctx: ctx, dir: d, id: id, name: name, file: f, sum: sha256.New()}, nil
}

// Open reads a blob.
func (d *Dir) Open(ctx context.Context, id string) (io.ReadCloser, error) {
	if err := ready(ctx, id); err != nil {
		return nil, fmt.Errorf("open blob: %w", err)
	}
	f, err := os.OpenFile(d.place(id), os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("open blob: %w", missing(err))
	}
	return f, nil
}

// Size is the length of a blob in bytes.
func (d *Dir) Size(ctx context.Context, id string) (int64, error) {
	if err := ready(ctx, id); err != nil {
		return 0, fmt.Errorf("measure blob: %w", err)
	}
	info, err := os.Lstat(d.place(id))
	if err != nil {
		return 0, fmt.Errorf("measure blob: %w", missing(err))
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("measure blob: %w", ErrNotFound)
	}
	return info.Size(), nil
}

// Delete removes a blob for good.
func (d *Dir) Delete(ctx context.Context, id string) error {
	if err := ready(ctx, id); err != nil {
		return fmt.Errorf("delete blob: %w", err)
	}
	place := d.place(id)
	err := os.Remove(place)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = syncDir(filepath.Dir(place))
	}
	if err != nil {
		return fmt.Errorf("delete blob: %w", err)
	}
	return nil
}

// List yields the ids of all committed blobs. Files that are no blobs are
// passed over.
func (d *Dir) List(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := filepath.WalkDir(d.root, func(name string, e fs.DirEntry, err error) error {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			if e.IsDir() && name == d.path(tmpFolder) {
				return fs.SkipDir
			}
			if d.isBlob(name, e) && !yield(e.Name(), nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield("", fmt.Errorf("list blobs: %w", err))
		}
	}
}

func (d *Dir) isBlob(name string, e fs.DirEntry) bool {
	return e.Type().IsRegular() && CheckID(e.Name()) == nil && name == d.place(e.Name())
}

// Path is where the blob of that id lies; ErrID.
func (d *Dir) Path(id string) (string, error) {
	if err := CheckID(id); err != nil {
		return "", err
	}
	return d.place(id), nil
}

// Link gives a blob of another folder on the same file system a second name
// here, instead of copying it: blobs never change. ErrExists, ErrNotFound; any
// other error means that this file system will not, and the blob must be copied.
func (d *Dir) Link(from *Dir, id string) error {
	if err := CheckID(id); err != nil {
		return fmt.Errorf("link blob: %w", err)
	}
	if err := d.makeFan(id); err != nil {
		return fmt.Errorf("link blob: %w", ours(err))
	}
	if err := os.Link(from.place(id), d.place(id)); err != nil {
		return fmt.Errorf("link blob: %w", missing(ours(err)))
	}
	if err := syncDir(filepath.Dir(d.place(id))); err != nil {
		return fmt.Errorf("link blob: %w", err)
	}
	return nil
}

// Same tells whether path is this store's folder, by whatever name.
func (d *Dir) Same(path string) bool {
	own, err := os.Stat(d.root)
	if err != nil {
		return false
	}
	other, err := os.Stat(path)
	return err == nil && os.SameFile(own, other)
}

func (d *Dir) path(parts ...string) string {
	return filepath.Join(append([]string{d.root}, parts...)...)
}

// place is the file of an id that was checked before.
func (d *Dir) place(id string) string { return d.path(id[:2], id[2:4], id) }

func ready(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return CheckID(id)
}

type dirWriter struct {
	ctx  context.Context
	dir  *Dir
	id   string
	name string   // of the temporary file
	file *os.File // nil once ended
	sum  hash.Hash
	size int64
	err  error // the first failed write
}

func (w *dirWriter) ID() string { return w.id }

func (w *dirWriter) Write(p []byte) (int, error) {
	if w.file == nil {
		return 0, fmt.Errorf("write blob: %w", fs.ErrClosed)
	}
	if w.err == nil {
		w.err = w.ctx.Err()
	}
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.file.Write(p)
	w.sum.Write(p[:n])
	w.size += int64(n)
	if err != nil {
		w.err = fmt.Errorf("write blob: %w", ours(err))
	}
	return n, w.err
}

func (w *dirWriter) Commit() (Info, error) {
	if w.file == nil {
		return Info{}, fmt.Errorf("commit blob: %w", fs.ErrClosed)
	}
	defer w.Abort()
	if w.err == nil {
		w.err = w.ctx.Err()
	}
	if w.err != nil {
		return Info{}, fmt.Errorf("commit blob: %w", w.err)
	}
	if err := w.settle(); err != nil {
		return Info{}, fmt.Errorf("commit blob: %w", ours(err))
	}
	return Info{ID: w.id, Size: w.size, Sum: w.sum.Sum(nil)}, nil
}

// settle gives the file its place: content first, then the name, then the
// folder that holds the name.
func (w *dirWriter) settle() error {
	if err := w.file.Sync(); err != nil {
		return err
	}
	place := w.dir.place(w.id)
	if err := w.dir.makeFan(w.id); err != nil {
		return err
	}
	if _, err := os.Lstat(place); err == nil {
		return ErrExists // whole stores are copied by one writer at a time
	}
	if err := os.Rename(w.name, place); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(place)); err != nil {
		return errors.Join(err, os.Remove(place))
	}
	return nil
}

func (w *dirWriter) Abort() {
	if w.file == nil {
		return
	}
	os.Remove(w.name) // after a commit the blob has another name
	w.file.Close()
	w.file = nil
}

// makeFan makes the two folders above a blob, and makes them durable.
func (d *Dir) makeFan(id string) error {
	outer, inner := d.path(id[:2]), d.path(id[:2], id[2:4])
	for _, f := range []string{outer, inner} {
		err := os.Mkdir(f, 0o700)
		if err == nil {
			err = syncDir(filepath.Dir(f))
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

func syncDir(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// ours turns the ways of a system to say "no room" into ErrFull, and "there
// already" into ErrExists.
func ours(err error) error {
	for _, e := range []error{unix.ENOSPC, unix.EDQUOT, unix.EFBIG} {
		if errors.Is(err, e) {
			return ErrFull
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return ErrExists
	}
	return err
}

func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ELOOP) {
		return ErrNotFound
	}
	return err
}
