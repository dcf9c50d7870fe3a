package blob_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"consigne/portal/blob"
)

// The test binary is its own child: with this variable set it writes blobs
// until it is killed, or until its disk is full.
const childVariable = "CONSIGNE_BLOB_TEST_CHILD"

func TestMain(m *testing.M) {
	if path, ok := strings.CutPrefix(os.Getenv(childVariable), "write:"); ok {
		if err := writeForEver(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if path, ok := strings.CutPrefix(os.Getenv(childVariable), "full:"); ok {
		if err := fillUp(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// pieces of a blob in the crash test: content follows from the id, so that a
// half blob is known without having been announced.
const pieces, pieceLength = 40, 8 << 10

func piece(id string, n int) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(id), uint64(n)))
	return bytes.Repeat(sum[:], pieceLength/len(sum))
}

func writeForEver(path string) error {
	d, err := blob.NewDir(path)
	if err != nil {
		return err
	}
	for {
		w, err := d.Create(context.Background())
		if err != nil {
			return err
		}
		for n := range pieces {
			if _, err := w.Write(piece(w.ID(), n)); err != nil {
				return err
			}
			fmt.Println("piece")
		}
		info, err := w.Commit()
		if err != nil {
			return err
		}
		fmt.Println("whole", info.ID, hex.EncodeToString(info.Sum))
	}
}

func child(t *testing.T, job, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+job+":"+path)
	return cmd
}

func TestDir_KilledWriterLeavesNoHalfBlob(t *testing.T) {
	d, path := newDir(t)
	announced := map[string]string{}
	// Killed after so many lines: within the first blob, at its very end, and
	// within later ones.
	for _, lines := range []int{1, 17, 40, 41, 55, 81, 82, 99, 123} {
		cmd := child(t, "write", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewScanner(out)
		for range lines {
			if !in.Scan() {
				t.Fatalf("the child ended: %v", in.Err())
			}
			if f := strings.Fields(in.Text()); f[0] == "whole" {
				announced[f[1]] = f[2]
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, out)
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
	}
	if len(announced) == 0 {
		t.Fatal("no blob was ever announced")
	}
	checkWhole(t, d, announced)
	if _, err := blob.NewDir(path); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(path + "/tmp")
	if err != nil || len(left) != 0 {
		t.Errorf("%d temporary files after a new start, %v", len(left), err)
	}
	checkWhole(t, d, announced)
}

// checkWhole demands every announced blob, and that every blob is whole.
func checkWhole(t *testing.T, d *blob.Dir, announced map[string]string) {
	t.Helper()
	found := map[string]bool{}
	for _, id := range list(t, d) {
		found[id] = true
		r, err := d.Open(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		for n := range pieces {
			want = append(want, piece(id, n)...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("blob %s has %d bytes, want %d whole ones", id, len(got), len(want))
		}
		sum := sha256.Sum256(got)
		if s, ok := announced[id]; ok && s != hex.EncodeToString(sum[:]) {
			t.Errorf("blob %s: the announced sum is not that of the disk", id)
		}
	}
	for id := range announced {
		if !found[id] {
			t.Errorf("blob %s was committed and is gone", id)
		}
	}
}

// fillUp runs with a limit on the size of files, which the kernel answers like
// a full disk.
func fillUp(path string) error {
	d, err := blob.NewDir(path)
	if err != nil {
		return err
	}
	const room = 100 << 10
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: room, Max: room}); err != nil {
		return err
	}
	w, err := d.Create(context.Background())
	if err != nil {
		return err
	}
	for range 3 {
		if _, err = w.Write(make([]byte, 64<<10)); err != nil {
			break
		}
	}
	if !errors.Is(err, blob.ErrFull) {
		return fmt.Errorf("write: %w, want ErrFull", err)
	}
	if _, err := w.Commit(); !errors.Is(err, blob.ErrFull) {
		return fmt.Errorf("commit: %w, want ErrFull", err)
	}
	return nil
}

func TestDir_FullDisk(t *testing.T) {
	d, path := newDir(t)
	before := put(t, d, []byte("from before")).ID
	if out, err := child(t, "full", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := files(t, path)
	place, err := d.Path(before)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0] != place {
		t.Errorf("after a full disk there are %v, want only %s", got, place)
	}
}
