package vault

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"consigne/internal/database"
	"consigne/locales"
	"consigne/portal/blob"
	"consigne/portal/pages"
)

// MaxUpload is the largest file that can be deposited: 25 MiB.
const MaxUpload = 25 << 20

// A Deposit is what is said of a paper that comes in.
type Deposit struct {
	Kind, Title           string
	ValidFrom, ValidUntil Date
	Once                  string // the number of the form
}

// maxTitle is the longest title of a paper, in letters.
const maxTitle = 100

func (d *Deposit) check() error {
	if !slices.Contains(locales.PaperKinds, d.Kind) {
		return &Invalid{"kind", "unknown"}
	}
	if d.Title = strings.Join(strings.Fields(d.Title), " "); len([]rune(d.Title)) > maxTitle {
		return &Invalid{"title", "long"}
	}
	if !d.ValidFrom.IsZero() && !d.ValidUntil.IsZero() && d.ValidUntil.Number() < d.ValidFrom.Number() {
		return &Invalid{"valid_until", "range"}
	}
	return nil
}

// Deposit seals a file for a person of the relay. It is read once, as it
// arrives: while its pages are drawn the original is sealed, and neither lies
// anywhere in clear. The relay keeps no key to it. Besides *[Invalid] and
// [ErrRepeated] it returns the errors of a file: [ErrTooLarge], [ErrFileEmpty],
// [ErrFileType], [ErrFileCut], [ErrFileDamaged], [ErrFilePassword],
// [ErrFilePages] and [ErrFull]. On any error nothing is kept.
func (m *Member) Deposit(ctx context.Context, personID string, d Deposit, r io.Reader) error {
	if err := d.check(); err != nil {
		return err
	}
	if _, err := m.Person(ctx, personID); err != nil {
		return err
	}
	public, err := m.v.personKey(ctx, m.v.DB.Read(), personID)
	if err != nil {
		return err
	}
	p := &deposit{v: m.v, item: newItem(personID, record{Paper: &paperRecord{Kind: d.Kind, Title: d.Title,
		ValidFrom: d.ValidFrom, ValidUntil: d.ValidUntil, Deposited: m.v.Now().In(m.relay.location()), By: m.relay.ID}})}
	defer p.tidy(context.WithoutCancel(ctx))
	if err := p.read(ctx, r); err != nil {
		return fileError(err)
	}
	wrapped, err := public.Seal(placeItemKey(p.item.id, personID), p.item.key.Bytes())
	if err != nil {
		return err
	}
	return m.v.DB.Write(context.WithoutCancel(ctx), func(tx database.Handle) error {
		p.kept = false
		if err := m.v.once(ctx, tx, "deposit", d.Once); err != nil {
			return err
		}
		if err := p.insert(ctx, tx, wrapped); err != nil {
			return err
		}
		if err := m.v.journal(ctx, tx, personID, Entry{Actor: m.relay.ID, Verb: VerbDeposited, PaperKind: d.Kind, Title: d.Title}); err != nil {
			return err
		}
		// From here on the store decides: a commit whose answer was lost keeps
		// its rows, and a blob without a row is no damage.
		p.kept = true
		return nil
	})
}

// A deposit is a paper on its way in: its blobs are on disk, its rows are not.
type deposit struct {
	v     *Vault
	item  item
	blobs []blob.Info
	kept  bool
}

// read seals the original and its page images from one pass over r.
func (p *deposit) read(ctx context.Context, r io.Reader) error {
	original, err := p.create(ctx)
	if err != nil {
		return err
	}
	defer original.abort()
	kind, err := pages.Render(ctx, io.TeeReader(&limited{r, MaxUpload}, original), func(_ int, jpeg []byte, _, _ int) error {
		return p.page(ctx, jpeg)
	})
	if err != nil {
		return err
	}
	paper := p.item.record.Paper
	paper.Type = string(kind)
	paper.Original, err = original.commit()
	return err
}

func (p *deposit) page(ctx context.Context, jpeg []byte) error {
	w, err := p.create(ctx)
	if err != nil {
		return err
	}
	defer w.abort()
	if _, err := w.Write(jpeg); err != nil {
		return err
	}
	ref, err := w.commit()
	p.item.record.Paper.Pages = append(p.item.record.Paper.Pages, ref)
	return err
}

func (p *deposit) insert(ctx context.Context, tx database.Handle, wrapped []byte) error {
	if err := insertItem(ctx, tx, p.item, wrapped); err != nil {
		return err
	}
	for _, b := range p.blobs {
		if _, err := tx.Exec(ctx, "INSERT INTO item_blob (blob_id, item_id, size, sum) VALUES (?, ?, ?, ?)",
			b.ID, p.item.id, b.Size, b.Sum); err != nil {
			return err
		}
	}
	return nil
}

// tidy removes the blobs of a deposit that failed. What a crash leaves behind
// belongs to no row and is no damage.
func (p *deposit) tidy(ctx context.Context) {
	if p.kept {
		return
	}
	for _, b := range p.blobs {
		if err := p.v.Blobs.Delete(ctx, b.ID); err != nil {
			p.v.Log.Warn("blob of a failed deposit stays", "blob", b.ID, "why", err)
		}
	}
}

// A sealedBlob is content on its way to disk, sealed as it goes.
type sealedBlob struct {
	deposit *deposit
	file    blob.Writer
	stream  sealedStream
	done    bool
}

type sealedStream interface {
	io.WriteCloser
	Length() int64
}

func (p *deposit) create(ctx context.Context) (*sealedBlob, error) {
	file, err := p.v.Blobs.Create(ctx)
	if err != nil {
		return nil, err
	}
	stream, err := p.item.key.Encrypt(file, placeBlob(file.ID(), p.item.id))
	if err != nil {
		file.Abort()
		return nil, err
	}
	return &sealedBlob{deposit: p, file: file, stream: stream}, nil
}

func (s *sealedBlob) Write(b []byte) (int, error) { return s.stream.Write(b) }

func (s *sealedBlob) commit() (blobRef, error) {
	if err := s.stream.Close(); err != nil {
		return blobRef{}, err
	}
	s.done = true
	info, err := s.file.Commit()
	if err != nil {
		return blobRef{}, err
	}
	s.deposit.blobs = append(s.deposit.blobs, info)
	return blobRef{ID: info.ID, Length: s.stream.Length()}, nil
}

func (s *sealedBlob) abort() {
	if !s.done {
		s.file.Abort()
	}
}

// limited refuses what is longer than it may be, instead of cutting it.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	if l.left -= int64(n); l.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}

// fileError turns the errors of pages and blobs into those a person is told.
func fileError(err error) error {
	for from, to := range map[error]error{
		pages.ErrEmpty: ErrFileEmpty, pages.ErrType: ErrFileType, pages.ErrCut: ErrFileCut, pages.ErrDamaged: ErrFileDamaged,
		pages.ErrPassword: ErrFilePassword, pages.ErrTooManyPages: ErrFilePages, pages.ErrTooLarge: ErrFileDamaged, blob.ErrFull: ErrFull,
	} {
		if errors.Is(err, from) {
			return to
		}
	}
	return err
}
