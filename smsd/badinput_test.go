package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"consigne/internal/database"
	"consigne/smsd/carrier"
	"consigne/smsd/carrier/twiliotest"
	"consigne/smsd/queue"
)

// post sends a form, signed for the address at which the daemon listens.
func (s *station) post(d *daemon, path string, form url.Values, signature func(string, map[string]string) string) int {
	s.Helper()
	first := map[string]string{}
	for name, v := range form {
		first[name] = v[0]
	}
	r, err := http.NewRequestWithContext(s.Context(), http.MethodPost, d.webhooks+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set(carrier.SignatureHeader, signature(d.webhooks+path, first))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0 // a server that has read enough may close
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		s.Fatal(err)
	}
	return res.StatusCode
}

// Whatever comes to the webhooks, the daemon goes on, keeps nothing that it
// should not, and its log holds codes only.
func TestRun_BadInput(t *testing.T) {
	onBothStores(t, func(s *station) {
		s.twilio = twiliotest.New(s.T)
		d := s.start()
		s.enqueue("m1")
		sent := <-s.twilio.Taken
		right := func(address string, form map[string]string) string {
			return carrier.Sign(s.twilio.Account.Token, address, form)
		}
		wrong := func(string, map[string]string) string { return "Zm9yZ2VkIGFzIGNhbiBiZSBpbiB0ZXN0cw==" }
		none := func(string, map[string]string) string { return "" }
		status := func(words ...string) url.Values {
			return url.Values{"MessageSid": {sent.SID}, "MessageStatus": words, "To": {sent.To}}
		}
		inbound := func(from, text string) url.Values {
			return url.Values{"MessageSid": {fmt.Sprintf("MO%x", len(s.logs.String()))}, "From": {from}, "Body": {text}}
		}
		const secret = "Tournesol secret"
		for name, c := range map[string]struct {
			path      string
			form      url.Values
			signature func(string, map[string]string) string
			want      int
		}{
			"unsigned":             {"/twilio/status?m=m1&n=1", status("failed"), none, 403},
			"wrongly signed":       {"/twilio/status?m=m1&n=1", status("failed"), wrong, 403},
			"repeated keys":        {"/twilio/status?m=m1&n=1", status("sent", "failed"), right, 400},
			"unknown message":      {"/twilio/status?m=m9&n=1", url.Values{"MessageSid": {"SM9"}, "MessageStatus": {"failed"}}, right, 204},
			"unknown attempt":      {"/twilio/status?m=m1&n=9", url.Values{"MessageSid": {"SM9"}, "MessageStatus": {"failed"}}, right, 204},
			"an id that is none":   {"/twilio/status?m=%00%ff&n=x", url.Values{"MessageSid": {"SM9"}, "MessageStatus": {"failed"}}, right, 204},
			"an odd status":        {"/twilio/status?m=m1&n=1", status(secret), right, 204},
			"10 MB":                {"/twilio/status?m=m1&n=1", url.Values{"MessageStatus": {"failed"}, "Body": {strings.Repeat("a", 10<<20)}}, right, 413},
			"unsigned STOP":        {"/twilio/inbound", inbound(sent.To, "STOP"), none, 403},
			"wrongly signed STOP":  {"/twilio/inbound", inbound(sent.To, "STOP"), wrong, 403},
			"a STOP for two":       {"/twilio/inbound", url.Values{"MessageSid": {"MO1"}, "From": {sent.To, "+33639980002"}, "Body": {"STOP"}}, right, 400},
			"a STOP of a service":  {"/twilio/inbound", inbound("36179", "STOP"), right, 200},
			"a STOP of a name":     {"/twilio/inbound", inbound("CAF", "STOP"), right, 200},
			"1,600 letters":        {"/twilio/inbound", inbound(sent.To, strings.Repeat("é", 1600)), right, 200},
			"only emoji":           {"/twilio/inbound", inbound(sent.To, "🌻🌻"), right, 200},
			"invalid UTF-8":        {"/twilio/inbound", inbound(sent.To, secret+"\xff\xfe"), right, 200},
			"from nobody we know":  {"/twilio/inbound", inbound("+33639987777", secret), right, 200},
			"nothing":              {"/twilio/inbound", url.Values{}, right, 200},
			"voice, not there yet": {"/twilio/voice", inbound(sent.To, "x"), right, 404},
		} {
			if got := s.post(d, c.path, c.form, c.signature); got != c.want && (got != 0 || c.want != 413) {
				s.Errorf("%s: answer %d, want %d", name, got, c.want)
			}
		}
		if got := s.list()["m1"]; got.State != queue.Accepted || got.Error != "" {
			s.Errorf("m1 after all that: %+v", got)
		}
		for range 2 { // in the wrong order, and again
			for _, word := range []string{"delivered", "sent", "queued"} {
				if got := s.post(d, "/twilio/status?m=m1&n=1", status(word), right); got != http.StatusNoContent {
					s.Errorf("%s: answer %d", word, got)
				}
			}
		}
		if got := s.list()["m1"]; got.State != queue.Delivered {
			s.Errorf("m1 at last: %+v", got)
		}
		s.enqueue("m2")
		<-s.twilio.Taken
		if code, _ := get(s.T, d.internal+"/healthz"); code != http.StatusOK {
			s.Errorf("health: %d", code)
		}
		s.holdsNothing(secret, "63998", "🌻", "éééé", s.twilio.Account.Token)
		s.storeKeeps(map[string]int{"opt_out": 0, "answer": 0, "number_health": 0, "message": 2})
	})
}

// holdsNothing expects none of these in the log.
func (s *station) holdsNothing(secrets ...string) {
	s.Helper()
	for _, secret := range secrets {
		if strings.Contains(s.logs.String(), secret) {
			s.Errorf("the log holds %q", secret)
		}
	}
}

func (s *station) storeKeeps(want map[string]int) {
	s.Helper()
	db, err := database.Open(s.Context(), s.url)
	if err != nil {
		s.Fatal(err)
	}
	defer db.Close()
	for table, rows := range want {
		var n int
		if err := db.Read().QueryRow(s.Context(), `SELECT COUNT(*) FROM `+table).Scan(&n); err != nil || n != rows {
			s.Errorf("%s keeps %d rows, want %d; %v", table, n, rows, err)
		}
	}
}

// A line that repeats an id with another text, number and time changes nothing
// of the message that it names.
func TestEnqueue_RepeatedChangesNothing(t *testing.T) {
	onBothStores(t, func(s *station) {
		s.twilio = twiliotest.New(s.T)
		first := s.line("m1", "+33639980001", "the first text")
		again := strings.Replace(s.line("m1", "+33639980002", "another text"), `"kind":"reminder"`, `"kind":"link"`, 1)
		if out, status := s.run(first+again+first, "enqueue"); out != "m1 accepted\nm1 known\nm1 known\n" || status != 0 {
			s.Fatalf("status %d, %q", status, out)
		}
		s.start()
		if m := <-s.twilio.Taken; m.Body != "the first text" || m.To != "+33639980001" {
			s.Errorf("what left: %q to %s", m.Body, m.To)
		}
		if out, _ := s.run(again, "enqueue"); out != "m1 known\n" {
			s.Errorf("after it left: %q", out)
		}
		s.storeKeeps(map[string]int{"message": 1, "number": 1})
	})
}

// Every bad line is answered in its place, and those around it count.
func TestEnqueue_BadLinesAmongGood(t *testing.T) {
	s := newStation(t, database.SQLite)
	good := func(id string) string { return s.line(id, "+33639980001", "a") }
	var fields map[string]any
	if err := json.Unmarshal([]byte(good("late")), &fields); err != nil {
		t.Fatal(err)
	}
	fields["due"] = fields["expires"]
	late, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	in := good("m1") + "}{\n" + good("m2") + `{"id":"m3"}` + "\n" + string(late) + "\n" + good("m4")
	out, _, status := s.inProcess(in, "enqueue")
	want := "m1 accepted\n- refused bad-json\nm2 accepted\nm3 refused missing-to\nlate refused due-after-expires\nm4 accepted\n"
	if out != want || status != 1 {
		t.Errorf("status %d\n%s", status, out)
	}
}
