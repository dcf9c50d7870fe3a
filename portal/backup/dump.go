package backup

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"time"
	"unicode/utf8"

	"consigne/internal/database"
)

// The dump is JSON Lines and belongs to no database:
//
//	{"format":"consigne-backup-1","schema":2,"made":"…","keys":{"portal":"<fingerprint>",…}}
//	{"table":"relay","columns":["id",…]}
//	["ABC…","Les Tilleuls",0,null,{"b":"<base64>"}]      a row; {"b":…} holds bytes
//	…
//	{"rows":4711,"sum":"<SHA-256 of all lines before this one>"}
//
// Tables stand in an order in which foreign keys hold at every line.
const dumpFormat = "consigne-backup-1"

// maxLine bounds one row; the largest is a spoken name of some 100 KB.
const maxLine = 64 << 20

type dumpHead struct {
	Format string            `json:"format"`
	Schema int64             `json:"schema"`
	Made   time.Time         `json:"made"`
	Keys   map[string]string `json:"keys"`
}

type dumpTable struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
}

type dumpEnd struct {
	Rows *int64 `json:"rows"`
	Sum  string `json:"sum"`
}

type dumpBytes struct {
	B []byte `json:"b"`
}

type dumpWriter struct {
	out  io.Writer
	sum  hash.Hash
	rows int64
}

func (d *dumpWriter) line(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	b = append(b, '\n')
	d.sum.Write(b)
	_, err = d.out.Write(b)
	return err
}

// writeDump writes all tables as h sees them.
func writeDump(ctx context.Context, h database.Handle, w io.Writer, now time.Time, p Progress) error {
	d := &dumpWriter{out: w, sum: sha256.New()}
	head := dumpHead{Format: dumpFormat, Made: now.UTC()}
	var err error
	if head.Schema, err = schemaVersion(ctx, h); err != nil {
		return err
	}
	if head.Keys, err = fingerprints(ctx, h); err != nil {
		return err
	}
	if err := d.line(head); err != nil {
		return err
	}
	tables, err := orderedTables(ctx, h)
	if err != nil {
		return err
	}
	for i, t := range tables {
		if err := d.table(ctx, h, t); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
		p("tables", i+1, len(tables))
	}
	return d.line(dumpEnd{Rows: &d.rows, Sum: hex.EncodeToString(d.sum.Sum(nil))})
}

func (d *dumpWriter) table(ctx context.Context, h database.Handle, t database.Table) error {
	if err := d.line(dumpTable{t.Name, t.Columns}); err != nil {
		return err
	}
	return eachRow(ctx, h, t, func(values []any) (err error) {
		for i, v := range values {
			if values[i], err = dumpValue(v); err != nil {
				return fmt.Errorf("column %s: %w", t.Columns[i], err)
			}
		}
		d.rows++
		return d.line(values)
	})
}

// dumpValue is a value of one of the four types that both databases share.
func dumpValue(v any) (any, error) {
	switch v := v.(type) {
	case nil, int64:
		return v, nil
	case []byte:
		return dumpBytes{v}, nil
	case string:
		if !utf8.ValidString(v) {
			return nil, fmt.Errorf("%w: text that is not UTF-8", ErrDamaged)
		}
		return v, nil
	}
	return nil, fmt.Errorf("a type that a backup cannot hold: %T", v)
}

// A dumpVisitor takes in the lines of a dump, in order. Its functions may be nil.
type dumpVisitor struct {
	head  func(dumpHead) error
	table func(dumpTable) error
	row   func(t dumpTable, values []any) error
}

// readDump reads a dump from its first line to its last and returns ErrDamaged
// for one that is not exactly as it was written.
func readDump(path string, v dumpVisitor) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := &dumpReader{dumpVisitor: v, sum: sha256.New()}
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 1<<16), maxLine)
	lines.Split(wholeLines)
	for n := 1; lines.Scan(); n++ {
		if err := r.line(n, lines.Bytes()); err != nil {
			return fmt.Errorf("%s: line %d: %w", dumpFile, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w: %w", dumpFile, ErrDamaged, err)
	}
	if !r.ended {
		return fmt.Errorf("%s: %w: cut short", dumpFile, ErrDamaged)
	}
	return nil
}

// dumpKeys gives the fingerprints in a dump's first line; none where there is no
// dump, or one that is no longer readable and so nobody's last copy.
func dumpKeys(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var head dumpHead
	lines := bufio.NewScanner(f)
	if !lines.Scan() || decode(lines.Bytes(), &head) != nil {
		return nil, lines.Err()
	}
	return head.Keys, nil
}

// wholeLines splits at line ends and keeps them, so that the sum covers every
// byte; a last line without an end is refused.
func wholeLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i+1], nil
	}
	if atEOF && len(data) > 0 {
		return 0, nil, errors.New("cut short")
	}
	return 0, nil, nil
}

type dumpReader struct {
	dumpVisitor
	sum   hash.Hash
	at    dumpTable
	rows  int64
	ended bool
}

func (r *dumpReader) line(n int, b []byte) error {
	if r.ended {
		return fmt.Errorf("%w: something follows the end", ErrDamaged)
	}
	var err error
	switch {
	case n == 1:
		err = r.first(b)
	case b[0] == '[':
		err = r.values(b)
	case bytes.HasPrefix(b, []byte(`{"table":`)):
		r.at = dumpTable{}
		if err = decode(b, &r.at); err == nil && r.table != nil {
			err = r.table(r.at)
		}
	default:
		err = r.end(b)
	}
	r.sum.Write(b)
	return err
}

func (r *dumpReader) first(b []byte) error {
	var head dumpHead
	if err := decode(b, &head); err != nil {
		return err
	}
	if head.Format != dumpFormat {
		return fmt.Errorf("%w: format %q", ErrVersion, head.Format)
	}
	if r.head == nil {
		return nil
	}
	return r.head(head)
}

func (r *dumpReader) values(b []byte) error {
	var raw []json.RawMessage
	if err := decode(b, &raw); err != nil {
		return err
	}
	if len(raw) != len(r.at.Columns) {
		return fmt.Errorf("%w: %d values for %d columns", ErrDamaged, len(raw), len(r.at.Columns))
	}
	r.rows++
	if r.row == nil {
		return nil
	}
	values := make([]any, len(raw))
	for i := range raw {
		var err error
		if values[i], err = readValue(raw[i]); err != nil {
			return err
		}
	}
	return r.row(r.at, values)
}

// readValue is the way back of dumpValue.
func readValue(raw json.RawMessage) (any, error) {
	switch raw[0] {
	case 'n':
		return nil, nil
	case '"':
		var s string
		err := decode(raw, &s)
		return s, err
	case '{':
		var b dumpBytes
		err := decode(raw, &b)
		if b.B == nil {
			b.B = []byte{}
		}
		return b.B, err
	}
	var n int64
	err := decode(raw, &n)
	return n, err
}

func (r *dumpReader) end(b []byte) error {
	var end dumpEnd
	if err := decode(b, &end); err != nil {
		return err
	}
	if end.Rows == nil || *end.Rows != r.rows || end.Sum != hex.EncodeToString(r.sum.Sum(nil)) {
		return fmt.Errorf("%w: the sum is another", ErrDamaged)
	}
	r.ended = true
	return nil
}

// decode reads one JSON value, strictly.
func decode(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}
