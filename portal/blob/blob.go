// Package blob keeps sealed content: byte strings that are written once, read
// whole and deleted, each under a random id. It never sees a key; what it keeps
// is sealed before it arrives.
//
// A blob appears all at once, at Commit, and is then durable: a crash at any
// moment leaves either the whole blob or none.
package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"iter"
)

// The errors of a store, for errors.Is.
var (
	// ErrNotFound: there is no blob of that id.
	ErrNotFound = errors.New("no such blob")
	// ErrID: the text is no blob id; nothing was looked up.
	ErrID = errors.New("not a blob id")
	// ErrExists: there is a blob of that id already; it was left as it is.
	ErrExists = errors.New("blob exists already")
	// ErrFull: the store has no room (disk, quota or file size); nothing was
	// kept.
	ErrFull = errors.New("no room for the blob")
)

// Info describes a committed blob.
type Info struct {
	ID   string
	Size int64
	// Sum is the SHA-256 (32 bytes) of the bytes as they lie in the store.
	Sum []byte
}

// Writer receives one blob. Exactly one of Commit and Abort ends it; an Abort
// after either does nothing, so it can be deferred. Not for concurrent use.
type Writer interface {
	// Write appends; ErrFull when there is no room. After an error the blob
	// cannot be committed any more.
	io.Writer
	// ID is known before the first byte, for use as associated data.
	ID() string
	// Commit makes the blob durable and visible. On any error nothing is kept.
	Commit() (Info, error)
	// Abort drops what was written.
	Abort()
}

// Store keeps blobs. It is safe for concurrent use.
type Store interface {
	// Create begins a blob under a fresh id. Writes fail once ctx has ended.
	Create(ctx context.Context) (Writer, error)
	// CreateAs begins a blob under a given id, for a copy of a store: ErrID, and
	// at Commit ErrExists where there is one already.
	CreateAs(ctx context.Context, id string) (Writer, error)
	// Open reads a blob; ErrNotFound, ErrID. The caller closes it.
	Open(ctx context.Context, id string) (io.ReadCloser, error)
	// Size is the length in bytes; ErrNotFound, ErrID.
	Size(ctx context.Context, id string) (int64, error)
	// Delete removes a blob for good; deleting what is not there is no error,
	// so that a sweep can be repeated.
	Delete(ctx context.Context, id string) error
	// List yields the ids of all committed blobs, in no order. It stops at the
	// first error.
	List(ctx context.Context) iter.Seq2[string, error]
}

// idLength is the length of crypto/rand.Text, 130 bits.
const idLength = 26

func newID() string { return rand.Text() }

// CheckID returns ErrID unless id has the form of the ids that Create gives:
// 26 letters of RFC 4648 base 32. No such text can name another folder.
func CheckID(id string) error {
	if len(id) != idLength {
		return ErrID
	}
	for _, c := range []byte(id) {
		if (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return ErrID
		}
	}
	return nil
}
