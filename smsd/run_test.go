package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/internal/revoked"
	"consigne/smsd/carrier/twiliotest"
	"consigne/smsd/queue"
)

func get(t *testing.T, address string) (int, string) {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// From standard input to the phone's page, the answer and the stop.
func TestRun_SimulatedPhone(t *testing.T) {
	onBothStores(t, func(s *station) {
		d := s.start()
		out, _ := s.run(s.line("m1", "06 39 98 76 54", "Rappel de Tournesol, 14h30"), "enqueue")
		if out != "m1 accepted\n" {
			s.Fatalf("enqueue answers %q", out)
		}
		s.await(0, func(all map[string]listed) bool { return all["m1"].State == queue.Delivered })
		if code, page := get(s.T, d.internal+"/"); code != http.StatusOK || !strings.Contains(page, "Rappel de Tournesol, 14h30") {
			s.Errorf("the phone's page: %d", code)
		}
		res, err := http.PostForm(d.internal+"/answer", url.Values{"number": {"+33639987654"}, "text": {"Arrêt"}})
		if err != nil || res.StatusCode != http.StatusOK {
			s.Fatalf("answer: %v, %v", res, err)
		}
		res.Body.Close()
		s.await(0, func(map[string]listed) bool {
			_, metrics := get(s.T, d.internal+"/metrics")
			return strings.Contains(metrics, `consigne_smsd_webhooks_total{result="opt-out",webhook="inbound"} 1`)
		})
		s.run(s.line("m2", "+33639987654", "Encore Tournesol"), "enqueue")
		s.await(0, func(all map[string]listed) bool { return all["m2"].State == queue.Suppressed })
		if log, err := os.ReadFile(filepath.Join(s.dir, "data", revoked.File)); err != nil || !regexp.MustCompile(`^opt-out [0-9a-f]{32,}\n$`).Match(log) {
			s.Errorf("a restore would learn %q, %v", log, err)
		}
		for _, address := range []string{d.webhooks, d.internal} {
			if code, body := get(s.T, address+"/healthz"); code != http.StatusOK || body != "ok\n" {
				s.Errorf("health: %d %q", code, body)
			}
		}
		_, metrics := get(s.T, d.internal+"/metrics")
		if code, _ := get(s.T, d.webhooks+"/metrics"); code != http.StatusNotFound {
			s.Errorf("metrics on the outer listener: %d", code)
		}
		if code, _ := get(s.T, d.webhooks+"/"); code != http.StatusNotFound {
			s.Errorf("the phone on the outer listener: %d", code)
		}
		if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			s.Fatal(err)
		}
		if err := <-d.ended; err != nil {
			s.Errorf("stopped with %v", err)
		}
		d.ended = nil
		for _, secret := range []string{"639987654", "Tournesol", "Arr"} {
			if strings.Contains(s.logs.String(), secret) || strings.Contains(metrics, secret) {
				s.Errorf("logs or metrics hold %q", secret)
			}
		}
	})
}

// Twilio, its callbacks, and the logs of it.
func TestRun_Twilio(t *testing.T) {
	onBothStores(t, func(s *station) {
		s.twilio = twiliotest.New(s.T)
		s.twilio.Refusal = 21211
		s.twilio.SetPlan(func(_ int, form url.Values) twiliotest.Fault {
			if form.Get("To") == "+33639981001" {
				return twiliotest.Refuse
			}
			return twiliotest.None
		})
		s.start()
		s.enqueue("good", "bad")
		m := <-s.twilio.Taken
		for _, status := range []string{"delivered", "sent", "delivered"} {
			if code, err := s.twilio.CallBack(m, status, 0); code != http.StatusNoContent || err != nil {
				s.Fatalf("callback: %d, %v", code, err)
			}
		}
		if code, err := twiliotest.Call(m.Callback, map[string]string{"MessageSid": m.SID, "MessageStatus": "failed"}, "forged"); code != http.StatusForbidden || err != nil {
			s.Errorf("a forged callback: %d, %v", code, err)
		}
		all := s.await(0, func(all map[string]listed) bool {
			return all["good"].State == queue.Delivered && all["bad"].State == queue.Failed
		})
		want := listed{ID: "bad", State: queue.Failed, Attempts: 1, Segments: 1, Error: "21211"}
		if all["bad"] != want {
			s.Errorf("bad: %+v, want %+v", all["bad"], want)
		}
		want = listed{ID: "good", State: queue.Delivered, Attempts: 1, Segments: 1, CarrierID: m.SID}
		if all["good"] != want {
			s.Errorf("good: %+v, want %+v", all["good"], want)
		}
		for _, secret := range []string{"63998", "Message ", s.twilio.Account.Token} {
			if strings.Contains(s.logs.String(), secret) {
				s.Errorf("the logs hold %q:\n%s", secret, s.logs)
			}
		}
	})
}

// A message that is due later leaves at its time.
func TestRun_LeavesWhenDue(t *testing.T) {
	s := newStation(t, database.SQLite)
	s.twilio = twiliotest.New(t)
	s.start()
	later := strings.Replace(s.line("later", "+33639980001", "Message later"),
		s.now().Format(time.RFC3339)[:11], s.now().Add(24 * time.Hour).Format(time.RFC3339)[:11], 1)
	if out, _ := s.run(later, "enqueue"); out != "later accepted\n" {
		t.Fatalf("enqueue answers %q", out)
	}
	s.enqueue("now")
	<-s.twilio.Asked
	if l := s.list()["later"]; l.State != queue.Planned || l.Attempts != 0 {
		t.Fatalf("a day before: %+v", l)
	}
	s.forward(24 * time.Hour)
	if got := <-s.twilio.Asked; got != "Message later" {
		t.Errorf("%q left", got)
	}
}

func TestRun_SecondOnSQLiteRefused(t *testing.T) {
	s := newStation(t, database.SQLite)
	d := s.start()
	if _, status := s.run("", "run", "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0"); status != 1 {
		t.Errorf("status %d, want 1", status)
	}
	if !strings.Contains(s.logs.String(), "smsd: run: another smsd works on this store already") {
		t.Errorf("no clear reason: %s", s.logs)
	}
	other := filepath.Join(s.dir, "other.db")
	if err := os.Symlink(strings.TrimPrefix(s.url, "sqlite:"), other); err != nil {
		t.Fatal(err)
	}
	if _, status := s.run("", "run", "--database", "sqlite:"+other, "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0"); status != 1 {
		t.Errorf("by another name: status %d, want 1", status)
	}
	d.kill() // the lock ends with the process, however it ends
	s.start()
}

func TestRun_TwoOnPostgreSQL(t *testing.T) {
	s := newStation(t, database.PostgreSQL)
	s.twilio = twiliotest.New(t)
	s.start()
	s.start()
	var ids []string
	for _, a := range "abcdefghijklmnopqrstuvwxyz" {
		ids = append(ids, string(a))
	}
	s.enqueue(ids...)
	s.await(0, func(all map[string]listed) bool {
		for _, l := range all {
			if l.State != queue.Accepted {
				return false
			}
		}
		return true
	})
	s.onceEach(ids)
}

func TestRun_UsedWrongly(t *testing.T) {
	s := newStation(t, database.SQLite)
	for _, args := range [][]string{
		{"run", "--lisen", "x"}, {"run", "--workers", "0"}, {"run", "--rate", "-1"}, {"run", "--grace", "1ms"}, {"run", "--timeout", "1h"}, {"run", "--public-url", "c.example"}, {"run", "extra"}, {"list", "--jsn"},
		{"list", "--database", "mysql://h/x"}, {"run", "--database", "consigne.db"}, {"enqueue", "--database", "postgres:x"}, {},
	} {
		if _, stderr, status := s.inProcess("", args...); status != 2 || !strings.HasPrefix(stderr, "smsd: ") {
			t.Errorf("%q: status %d, %q", args, status, stderr)
		}
	}
	for _, step := range []struct{ name, value, says string }{
		{"TWILIO_ACOUNT_SID", "AC1", "smsd: run: unknown variable TWILIO_ACOUNT_SID: did you mean TWILIO_ACCOUNT_SID?\n"},
		{"TWILIO_ACCOUNT_SID", "AC1", "smsd: run: TWILIO_AUTH_TOKEN is missing: Twilio needs account, token and sender\n"},
		{"TWILIO_AUTH_TOKEN", "x", "smsd: run: TWILIO_FROM is missing: Twilio needs account, token and sender\n"},
		{"TWILIO_FROM", "Consigne", ""},
		{"TWILIO_API_URL", "api.example", "smsd: run: TWILIO_API_URL: wants http(s)://HOST\n"},
	} {
		t.Setenv(step.name, step.value)
		if step.says == "" {
			continue
		}
		if _, stderr, status := s.inProcess("", "run"); status != 2 || stderr != step.says {
			t.Errorf("%s: status %d, %q; want 2, %q", step.name, status, stderr, step.says)
		}
		if step.name == "TWILIO_ACOUNT_SID" {
			os.Unsetenv(step.name)
		}
	}
}

// A mistyped path is no store, and none is made of it.
func TestList_NoStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "consigne.db")
	for url, says := range map[string]string{"sqlite:" + path: "no store at " + path, dbtest.EmptyURL(t): "no store in this database"} {
		s := newStation(t, database.SQLite)
		out, errs, status := s.inProcess("", "list", "--database", url)
		if status != 1 || out != "" || !strings.Contains(errs, says) {
			t.Errorf("status %d, %q, %q; want 1 and %q", status, out, errs, says)
		}
	}
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("a store was made")
	}
}

func TestList_Fields(t *testing.T) {
	s := newStation(t, database.SQLite)
	s.inProcess(s.line("m1", "+33639980001", "a"), "enqueue")
	out, _, _ := s.inProcess("", "list", "--json")
	var fields map[string]any
	if err := json.Unmarshal([]byte(out), &fields); err != nil {
		t.Fatal(err)
	}
	want := `{"id":"m1","state":"planned","attempts":0,"carrier_id":"","segments":1,"error":""}` + "\n"
	if out != want {
		t.Errorf("list prints %q, want %q", out, want)
	}
	if table, _, status := s.inProcess("", "list"); status != 0 || !strings.Contains(table, "planned") || !strings.HasPrefix(table, "ID ") {
		t.Errorf("table: status %d\n%s", status, table)
	}
}
