package seal

import (
	"errors"
	"io"
	"math/bits"

	"filippo.io/age"
)

// stanzaType names our recipient in the header of an age file.
const stanzaType = "consigne-item"

// A Stream is content being sealed; what is written to it goes out as an age
// file (age-encryption.org/v1), padded so that its size tells little.
type Stream struct {
	age io.WriteCloser
	n   int64
}

// Encrypt seals what is written to the stream into w. Close finishes the file;
// a stream that is not closed does not open. Length tells the true length,
// which belongs into a sealed record: [Key.Decrypt] needs it.
func (k Key) Encrypt(w io.Writer, p Place) (*Stream, error) {
	a, err := age.Encrypt(w, itemRecipient{k, p})
	if err != nil {
		return nil, err
	}
	return &Stream{age: a}, nil
}

// Write seals b.
func (s *Stream) Write(b []byte) (int, error) {
	n, err := s.age.Write(b)
	s.n += int64(n)
	return n, err
}

// Length is the number of bytes written so far, without padding.
func (s *Stream) Length() int64 { return s.n }

// Close pads and finishes the file.
func (s *Stream) Close() error {
	if _, err := io.CopyN(s.age, zeros{}, padme(s.n)-s.n); err != nil {
		return err
	}
	return s.age.Close()
}

// Decrypt opens what [Key.Encrypt] sealed for the same place. length is the
// true length. The reader returns [io.EOF] only after the whole file, padding
// included, has been found whole; a cut or changed file gives [ErrSealed].
func (k Key) Decrypt(r io.Reader, p Place, length int64) (io.Reader, error) {
	a, err := age.Decrypt(r, itemRecipient{k, p})
	if err != nil {
		return nil, ErrSealed
	}
	return &opened{age: a, left: length}, nil
}

type opened struct {
	age  io.Reader
	left int64
}

func (o *opened) Read(b []byte) (int, error) {
	if o.left == 0 {
		if _, err := io.Copy(io.Discard, o.age); err != nil {
			return 0, ErrSealed
		}
		return 0, io.EOF
	}
	if int64(len(b)) > o.left {
		b = b[:o.left]
	}
	n, err := o.age.Read(b)
	o.left -= int64(n)
	switch {
	case err == nil, errors.Is(err, io.EOF) && o.left == 0:
		return n, nil
	default:
		return n, ErrSealed
	}
}

// padme rounds a length up so that at most 12 % are added and only a few bits
// of the length can be learnt (Nikitin et al., PoPETs 2019).
func padme(n int64) int64 {
	if n < 2 {
		return n
	}
	e := bits.Len64(uint64(n)) - 1
	s := bits.Len64(uint64(e))
	mask := int64(1)<<(e-s) - 1
	return (n + mask) &^ mask
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// itemRecipient boxes age's file key under an item key. The place, which names
// the blob, is the associated data of the box.
type itemRecipient struct {
	key   Key
	place Place
}

var (
	_ age.Recipient = itemRecipient{}
	_ age.Identity  = itemRecipient{}
)

func (r itemRecipient) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	return []*age.Stanza{{Type: stanzaType, Body: r.key.Derive("stream").Box(r.place, fileKey)}}, nil
}

func (r itemRecipient) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if s.Type != stanzaType {
			continue
		}
		if key, err := r.key.Derive("stream").Open(r.place, s.Body); err == nil {
			return key, nil
		}
	}
	return nil, age.ErrIncorrectIdentity
}
