package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"consigne/cards"
	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/internal/service"
	"consigne/portal/demo"
)

// run calls the program as a shell would and gives its exit status and streams.
func run(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := &service.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}
	status = program().Run(t.Context(), args, nil, env)
	return status, out.String(), errs.String()
}

// done runs a command that has to succeed and gives what it printed.
func done(t *testing.T, args ...string) string {
	t.Helper()
	status, out, errs := run(t, args...)
	if status != service.StatusDone {
		t.Fatalf("portal %s: status %d: %s", strings.Join(args[:2], " "), status, errs)
	}
	return out
}

// newData names a data folder that is not there yet.
func newData(t *testing.T) string { return filepath.Join(t.TempDir(), "data") }

func TestCommands_UsedWrongly(t *testing.T) {
	data := newData(t)
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"relay", "close", "--data", data}, `did you mean "relay list"`},
		{[]string{"staff", "remove"}, `did you mean`},
		{[]string{"serv"}, `did you mean "serve"`},
		{[]string{"serve", "--listn", "x"}, "did you mean --listen"},
		{[]string{"serve", "--public-url", "c.example"}, "--public-url"},
		{[]string{"serve", "--trusted-proxy", "everybody"}, "no network"},
		{[]string{"serve", "--data", data, "--blobs", "s3://bucket"}, "--blobs"},
		{[]string{"backup", "--data", data}, "DIR"},
		{[]string{"serve", "--database", "mysql://me:hunter2@h/x"}, "serve: --database: must be sqlite:PATH or postgres://USER@HOST/NAME"},
		{[]string{"relay", "list", "--database", "consigne.db"}, "--database: must be sqlite:PATH"},
		{[]string{"restore", "a", "b"}, "DIR"},
		{[]string{"relay", "add", "--data", data, "--name", "X"}, "--phone"},
		{[]string{"relay", "add", "--data", data, "--phone", "1"}, "--name"},
		{[]string{"relay", "add", "--data", data, "--name", "X", "--phone", "0465712042", "--colour", "pink"}, "--colour"},
		{[]string{"relay", "add", "--data", data, "--name", "X", "--phone", "0465712042", "--badge", "skull"}, "--badge"},
		{[]string{"relay", "add", "--data", data, "--name", "X", "--phone", "12"}, "--phone"},
		{[]string{"relay", "add", "--data", data, "--name", "X", "--phone", "0465712042 or so"}, "--phone"},
		{[]string{"staff", "invite", "--data", data, "--relay", "X"}, "--email"},
		{[]string{"staff", "invite", "--data", data, "--relay", "X", "--email", "a@b.example", "--name", "A", "--public-url", "c.example"}, "--public-url"},
		{[]string{"device", "code", "--data", data}, "--relay"},
		{[]string{"card", "sheet", "--data", data}, "--out"},
		{[]string{"card", "sheet", "--count", "0", "--out", "x"}, "--count"},
		{[]string{"card", "sheet", "--out", "x", "--relay", "A", "--phone", "1"}, "exclude"},
		{[]string{"card", "sheet", "--out", "x", "--texts", "./x", "--phone", "0465712042"}, "same file"},
		{[]string{"card", "sheet", "--out", filepath.Join(t.TempDir(), "x"), "--phone", "none"}, "phone number"},
	} {
		status, out, errs := run(t, tt.args...)
		if status != service.StatusUsage || out != "" || !strings.Contains(errs, tt.says) || !strings.HasPrefix(errs, "portal: ") {
			t.Errorf("portal %s: status %d, %q, %q; want 2 and %q", strings.Join(tt.args, " "), status, out, errs, tt.says)
		}
		if strings.Contains(errs, "hunter2") {
			t.Errorf("a password is printed: %q", errs)
		}
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("a command that was used wrongly made a store")
	}
}

// A mistyped folder is no store, and none is made of it.
func TestCommands_NoStore(t *testing.T) {
	for _, args := range [][]string{
		{"verify"}, {"backup", filepath.Join(t.TempDir(), "b")}, {"relay", "list"}, {"staff", "list"},
		{"card", "sheet", "--out", filepath.Join(t.TempDir(), "cards.pdf")},
	} {
		data := newData(t)
		status, out, errs := run(t, append(args, "--data", data)...)
		if status != service.StatusFailed || out != "" || !strings.Contains(errs, "no store at "+data) {
			t.Errorf("portal %s: status %d, %q; want 1", args[0], status, errs)
		}
		for _, path := range []string{data, data + ".keys"} {
			if _, err := os.Stat(path); err == nil {
				t.Errorf("portal %s made %s", args[0], path)
			}
		}
		url := dbtest.EmptyURL(t)
		status, _, errs = run(t, append(args, "--data", data, "--database", url)...)
		if status != service.StatusFailed || !strings.Contains(errs, "no store in this database") {
			t.Errorf("portal %s, PostgreSQL: status %d, %q; want 1", args[0], status, errs)
		}
	}
	data := newData(t)
	if status, _, errs := run(t, "key", "print", "--data", data); status != service.StatusFailed {
		t.Errorf("key print: status %d, %q; want 1", status, errs)
	}
}

// A relay is named by its name: there are no two of one.
func TestRelayAdd_NameTaken(t *testing.T) {
	data := newData(t)
	add := func(name string) (int, string, string) {
		return run(t, "relay", "add", "--data", data, "--name", name, "--phone", "+33465712042")
	}
	if status, _, errs := add("Les Étoiles"); status != service.StatusDone {
		t.Fatalf("status %d, %q", status, errs)
	}
	for _, name := range []string{"Les Étoiles", " les étoiles "} {
		status, out, errs := add(name)
		if want := `portal: relay add: --name "` + strings.TrimSpace(name) + `": a relay has this name already`; status != service.StatusFailed || out != "" || strings.TrimSpace(errs) != want {
			t.Errorf("status %d, %q, %q; want 1 and %q", status, out, errs, want)
		}
	}
	if list := done(t, "relay", "list", "--data", data); strings.Count(list, "\n") != 1 {
		t.Errorf("relays: %q", list)
	}
}

// One changed bit in a card's salt, and the end of a journal cut off.
func TestVerify_Damage(t *testing.T) {
	data := newData(t)
	done(t, "demo", "--data", data)
	done(t, "verify", "--data", data)
	for _, harm := range []struct{ damage, says string }{
		{"UPDATE card SET salt = zeroblob(16), row_sum = row_sum WHERE id = (SELECT MIN(id) FROM card)", "card.salt of "},
		{"DELETE FROM journal WHERE number = (SELECT MAX(number) FROM journal)", "journal of "},
	} {
		db, err := database.Open(t.Context(), "sqlite:"+filepath.Join(data, "consigne.db"))
		if err != nil {
			t.Fatal(err)
		}
		err = db.Write(t.Context(), func(tx database.Handle) error {
			_, err := tx.Exec(t.Context(), harm.damage)
			return err
		})
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		if status, out, errs := run(t, "verify", "--data", data); status != service.StatusFailed || !strings.Contains(out, harm.says) || !strings.Contains(errs, "damage found") {
			t.Errorf("%s: status %d, %q, %q", harm.damage, status, out, errs)
		}
	}
}

func TestKeys(t *testing.T) {
	data := newData(t)
	done(t, "relay", "add", "--data", data, "--name", "Les Tilleuls", "--phone", "+33465712042")
	path := filepath.Join(data+".keys", keyFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key file: %v, %v", info, err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out := done(t, "key", "print", "--data", data); !strings.Contains(out, string(file)) || !strings.Contains(out, "consigne-smsd-1:") {
		t.Error("key print does not print both keys")
	}
	list := func() (int, string) {
		status, _, errs := run(t, "relay", "list", "--data", data)
		return status, errs
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if status, errs := list(); status != 1 || !strings.Contains(errs, "read by others") {
		t.Errorf("a key that others can read: status %d, %q", status, errs)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if status, errs := list(); status != 1 || !strings.Contains(errs, "put it back") {
		t.Errorf("a lost key: status %d, %q", status, errs)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("beside a store in use a new key was made")
	}
	other := newData(t)
	done(t, "relay", "add", "--data", other, "--name", "Ailleurs", "--phone", "+33465712042")
	if status, _, errs := run(t, "relay", "list", "--data", data, "--keys", other+".keys"); status != 1 || !strings.Contains(errs, "does not fit") {
		t.Errorf("another store's key: status %d, %q", status, errs)
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if status, errs := list(); status != 0 {
		t.Errorf("the key put back: status %d, %q", status, errs)
	}
}

func TestRelaysAndStaff(t *testing.T) {
	data := newData(t)
	at := []string{"--data", data}
	id := strings.TrimSpace(done(t, append([]string{"relay", "add", "--name", "Les Tilleuls", "--badge", "deciduous-tree", "--phone", "+33465712042"}, at...)...))
	if out := done(t, append([]string{"relay", "list"}, at...)...); !strings.Contains(out, id+"\tLes Tilleuls\taccueil de jour\tdeciduous-tree\tgreen\t+33465712042\n") {
		t.Errorf("relay list: %q", out)
	}
	for _, relay := range []string{id, "Les Tilleuls", "les tilleuls "} {
		if out := done(t, append([]string{"device", "code", "--relay", relay}, at...)...); !regexp.MustCompile(`^\d{8}\n$`).MatchString(out) {
			t.Errorf("device code of %q: %q", relay, out)
		}
	}
	if status, out, _ := run(t, append([]string{"device", "code", "--relay", "nobody"}, at...)...); status != 1 || out != "" {
		t.Errorf("device code of nobody's relay: status %d, %q", status, out)
	}
	done(t, append([]string{"relay", "add", "--name", "Deux\tlignes\nici ", "--kind", "a\nb", "--phone", "3949"}, at...)...)
	if out := done(t, append([]string{"relay", "list"}, at...)...); !strings.Contains(out, "\tDeux lignes ici\ta b\thouse\tgreen\t3949\n") {
		t.Errorf("a name on two lines in relay list: %q", out)
	}
	for flag, value := range map[string]string{"--name": strings.Repeat("x", 81), "--zone": "Mars/Olympus"} {
		if status, _, errs := run(t, append([]string{"relay", "add", "--name", "X", "--phone", "3949", flag, value}, at...)...); status != 2 || !strings.Contains(errs, flag+" is ") {
			t.Errorf("relay add %s: status %d, %q", flag, status, errs)
		}
	}
	invite := append([]string{"staff", "invite", "--relay", id, "--name", "Inès Morel"}, at...)
	out := done(t, append(invite, "--email", "ines@tilleuls.example", "--public-url", "https://c.example/")...)
	if !regexp.MustCompile(`^https://c\.example/desk/invitation/[A-Za-z0-9]{16}\n$`).MatchString(out) {
		t.Errorf("staff invite: %q", out)
	}
	for _, email := range []string{"nonsense", "ines@tilleuls.example, paul@tilleuls.example"} {
		if status, _, errs := run(t, append(invite, "--email", email)...); status != 2 || !strings.Contains(errs, "--email is no e-mail address") {
			t.Errorf("no e-mail address: status %d, %q", status, errs)
		}
	}
	if out := done(t, append([]string{"staff", "list"}, at...)...); out != "" {
		t.Errorf("staff list before anybody accepted: %q", out)
	}
}

func TestCardSheet(t *testing.T) {
	data, dir := newData(t), t.TempDir()
	pdf, texts := filepath.Join(dir, "stock.pdf"), filepath.Join(dir, "stock.txt")
	status, _, errs := run(t, "card", "sheet", "--data", data, "--out", pdf)
	if status != 1 || !strings.Contains(errs, "--phone") {
		t.Errorf("without a store and a number: status %d, %q", status, errs)
	}
	db, err := database.Open(t.Context(), "sqlite:"+filepath.Join(data, "consigne.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := run(t, "card", "sheet", "--data", data, "--out", pdf); status != 2 || !strings.Contains(errs, "--phone") {
		t.Errorf("without a relay and a number: status %d, %q", status, errs)
	}
	done(t, "relay", "add", "--data", data, "--name", "Les Tilleuls", "--phone", "+33465712042")
	for _, by := range [][]string{{"--phone", "+33465712042"}, {"--relay", "Les Tilleuls"}, nil} {
		done(t, append([]string{"card", "sheet", "--data", data, "--count", "12", "--out", pdf, "--texts", texts}, by...)...)
		b, err := os.ReadFile(texts)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for line := range strings.Lines(string(b)) {
			if _, err := cards.Parse(strings.TrimSuffix(line, "\n")); err != nil {
				t.Errorf("%v: %v", by, err)
			}
			seen[line] = true
		}
		if len(seen) != 12 {
			t.Errorf("%v: %d cards, want 12", by, len(seen))
		}
		if b, err = os.ReadFile(pdf); err != nil || !bytes.HasPrefix(b, []byte("%PDF-")) {
			t.Errorf("%v: no PDF (%v)", by, err)
		}
	}
	for _, path := range []string{pdf, texts} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; cards open vaults", filepath.Base(path), info, err)
		}
	}
}

// Texts without the cards that they belong to would pass for a stock.
func TestCardSheet_HalfWritten(t *testing.T) {
	dir := t.TempDir()
	texts, pdf := filepath.Join(dir, "stock.txt"), filepath.Join(dir, "nowhere", "stock.pdf")
	status, _, errs := run(t, "card", "sheet", "--phone", "0465712042", "--out", pdf, "--texts", texts)
	if want := "portal: card sheet: write " + pdf + ": no such file or directory\n"; status != 1 || errs != want {
		t.Errorf("status %d, %q; want 1, %q", status, errs, want)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// serving is a portal that answers, until the test ends.
type serving struct{ public, internal string }

// serveStore starts the program on free ports and reads them from its log.
func serveStore(t *testing.T, args ...string) serving {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	lines, log := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		env := &service.Env{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: log}
		ended <- program().Run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0"}, args...), nil, env)
		log.Close()
	}()
	var s serving
	in := bufio.NewScanner(lines)
	for s.internal == "" && in.Scan() {
		var line struct{ Msg, Listener, Addr string }
		if err := json.Unmarshal(in.Bytes(), &line); err != nil {
			t.Fatalf("log line %q: %v", in.Text(), err)
		}
		switch line.Listener {
		case "public":
			s.public = "http://" + line.Addr
		case "internal":
			s.internal = "http://" + line.Addr
		}
	}
	go io.Copy(io.Discard, lines)
	t.Cleanup(func() {
		stop()
		if status := <-ended; status != service.StatusDone {
			t.Errorf("serve ended with status %d", status)
		}
	})
	if s.internal == "" {
		t.Fatal("the portal does not listen")
	}
	return s
}

func status(t *testing.T, address string) int {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: time.Minute}
	res, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestServe(t *testing.T) {
	s := serveStore(t, "--data", newData(t))
	for address, want := range map[string]int{
		s.public + "/healthz":            http.StatusOK,
		s.internal + "/healthz":          http.StatusOK,
		s.internal + "/metrics":          http.StatusOK,
		s.public + "/metrics":            http.StatusNotFound,
		s.public + "/":                   http.StatusSeeOther,
		s.public + "/desk/":              http.StatusSeeOther,
		s.public + "/desk/sign-in":       http.StatusOK,
		s.public + "/k/rest":             http.StatusForbidden,
		s.public + "/l/0000000000000000": http.StatusNotFound,
		s.public + "/nowhere":            http.StatusNotFound,
	} {
		if got := status(t, address); got != want {
			t.Errorf("GET %s: %d, want %d", address[strings.LastIndex(address, "/"):], got, want)
		}
	}
}

func TestServe_PortTaken(t *testing.T) {
	s := serveStore(t, "--data", newData(t))
	taken := strings.TrimPrefix(s.public, "http://")
	for _, flag := range []string{"--listen", "--internal"} {
		args := []string{"serve", "--data", newData(t), "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0", flag, taken}
		if got, _, errs := run(t, args...); got != 1 || !strings.Contains(errs, "listen") {
			t.Errorf("%s taken: status %d, %q", flag, got, errs)
		}
	}
}

// The demo, a backup of it while it is served, damage, and a restore into the
// other database: by the commands alone.
func TestDemoBackupVerifyRestore(t *testing.T) {
	data, dir := newData(t), filepath.Join(t.TempDir(), "backup")
	var result demo.Result
	if err := json.Unmarshal([]byte(done(t, "demo", "--data", data)), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.People) < 3 || len(result.Staff) < 3 {
		t.Fatalf("%d people, %d staff", len(result.People), len(result.Staff))
	}
	if got, out, errs := run(t, "demo", "--data", data); got != 1 || out != "" || !strings.Contains(errs, "not empty") {
		t.Errorf("a second demo: status %d, %q", got, errs)
	}
	if out := done(t, "staff", "list", "--data", data); !strings.Contains(out, result.Staff[0].Email) {
		t.Errorf("staff list: %q", out)
	}
	serveStore(t, "--data", data)
	done(t, "verify", "--data", data)
	done(t, "backup", dir, "--data", data)
	checkNoKeys(t, dir, data+".keys")
	for _, kind := range []database.Kind{database.SQLite, database.PostgreSQL} {
		t.Run(kind.String(), func(t *testing.T) {
			url, target := dbtest.URL(t, kind), newData(t)
			args := []string{"--data", target, "--database", url}
			if got, _, errs := run(t, append([]string{"restore", dir}, args...)...); got != 1 || !strings.Contains(errs, "portal.key is missing") {
				t.Errorf("restore without keys: status %d, %q", got, errs)
			}
			args = append(args, "--keys", data+".keys")
			done(t, append([]string{"restore", dir}, args...)...)
			done(t, append([]string{"verify"}, args...)...)
			if got, _, errs := run(t, append([]string{"restore", dir}, args...)...); got != 1 || !strings.Contains(errs, "not empty") {
				t.Errorf("restore upon a restored store: status %d, %q", got, errs)
			}
			if out := done(t, append([]string{"relay", "list"}, args...)...); !strings.Contains(out, "Les Tilleuls") {
				t.Errorf("relays after the restore: %q", out)
			}
			damageBlob(t, target)
			got, out, errs := run(t, append([]string{"verify"}, args...)...)
			if got != 1 || strings.Count(out, "\n") != 1 || !strings.Contains(errs, "damage found: 1") {
				t.Errorf("verify with a damaged blob: status %d, %q, %q", got, out, errs)
			}
		})
	}
}

// checkNoKeys looks for any key of the folder in a backup.
func checkNoKeys(t *testing.T, dir, keys string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(keys, "*.key"))
	if err != nil || len(found) < 2 {
		t.Fatalf("%d key files, %v", len(found), err)
	}
	for _, path := range found {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, secret, _ := strings.Cut(strings.TrimSpace(string(b)), "-1:")
		err = filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(name)
			if err == nil && (len(secret) < 40 || bytes.Contains(b, []byte(secret))) {
				t.Errorf("a key stands in %s", e.Name())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func damageBlob(t *testing.T, data string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(data, "blobs", "??", "??", "*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("%d blobs, %v", len(found), err)
	}
	b, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	// A new file: the old one is the backup's too, under another name.
	if err := os.Remove(found[0]); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(found[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
}
