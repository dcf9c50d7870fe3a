package main

import (
	"strconv"
	"strings"
	"testing"

	"consigne/internal/database"
	"consigne/smsd/carrier/twiliotest"
	"consigne/smsd/queue"
)

// metric reads one series of a daemon; a series that is not there is no number.
func (d *daemon) metric(t *testing.T, series string) (float64, bool) {
	t.Helper()
	_, printed := get(t, d.internal+"/metrics")
	for line := range strings.Lines(printed) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v, true
		}
	}
	return 0, false
}

// What leaves, what it costs, how late it was, and what came back.
func TestMetrics_CountWhatHappens(t *testing.T) {
	onBothStores(t, func(s *station) {
		s.twilio = twiliotest.New(s.T)
		s.more = []string{"CONSIGNE_SMSD_SEGMENT_PRICE=7.25"}
		d := s.start()
		long := strings.Repeat("a", 161) // two segments
		if out, _ := s.run(s.line("m1", "+33639980001", long)+s.line("m2", "+33639980002", "é"), "enqueue"); out != "m1 accepted\nm2 accepted\n" {
			s.Fatalf("enqueue answers %q", out)
		}
		for range 2 {
			m := <-s.twilio.Taken
			word, code := "undelivered", 30005
			if m.Body == long {
				word, code = "delivered", 0
			}
			if _, err := s.twilio.CallBack(m, word, code); err != nil {
				s.Fatal(err)
			}
		}
		s.await(0, func(all map[string]listed) bool {
			return all["m1"].State == queue.Delivered && all["m2"].State == queue.Undelivered
		})
		if _, err := s.twilio.Post(d.webhooks+"/twilio/inbound", map[string]string{"MessageSid": "MO1", "From": "+33639980001", "Body": "STOP"}); err != nil {
			s.Fatal(err)
		}
		<-s.twilio.Taken // the stop is confirmed
		s.await(0, func(map[string]listed) bool {
			n, _ := d.metric(s.T, `consigne_smsd_events_total{event="attempt",result="accepted"}`)
			return n == 3
		})
		for series, want := range map[string]float64{
			`consigne_smsd_segments_total{result="accepted"}`:                            4,
			`consigne_smsd_segments_total{result="unknown"}`:                             0,
			`consigne_smsd_cost_cents_total`:                                             29,
			`consigne_smsd_events_total{event="attempt",result="accepted"}`:              3,
			`consigne_smsd_webhooks_total{result="delivered",webhook="status"}`:          1,
			`consigne_smsd_webhooks_total{result="undelivered-number",webhook="status"}`: 1,
			`consigne_smsd_webhooks_total{result="opt-out",webhook="inbound"}`:           1,
			`consigne_smsd_opt_outs`:                                                     1,
			`consigne_smsd_unwell_numbers{why="dead"}`:                                   1,
			`consigne_smsd_unwell_numbers{why="not-me"}`:                                 0,
			`consigne_smsd_open_messages{state="held"}`:                                  0,
			`consigne_smsd_held_seconds`:                                                 0,
		} {
			if got, there := d.metric(s.T, series); !there || got != want {
				s.Errorf("%s is %v, %v; want %v", series, got, there, want)
			}
		}
		if n, _ := d.metric(s.T, `consigne_smsd_lateness_seconds_count`); n < 1 || n > 3 {
			s.Errorf("%v messages were looked at for their lateness", n)
		}
		if at, _ := d.metric(s.T, `consigne_smsd_webhook_last_seconds{webhook="status"}`); at < 1e9 {
			s.Errorf("the last status came at %v", at)
		}
	})
}

// Without a price nothing is said about cost; a price must be one.
func TestMetrics_Price(t *testing.T) {
	s := newStation(t, database.SQLite)
	if v, there := s.start().metric(t, `consigne_smsd_cost_cents_total`); there {
		t.Errorf("cost is %v without a price", v)
	}
	for _, text := range []string{"-1", "NaN", "Inf", "1e9", "7,25", "a"} {
		if _, stderr, status := s.inProcess("", "run", "--segment-price", text); status != 2 || !strings.Contains(stderr, "segment-price") {
			t.Errorf("%q: status %d, %q", text, status, stderr)
		}
	}
}

// What the sender can is told to those who plan messages.
func TestRun_TellsTheSendersCapability(t *testing.T) {
	for name, c := range map[string]struct {
		from, set string
		want      queue.Capability
	}{
		"simulated phone":         {"", "", queue.TwoWay},
		"simulated, set":          {"", "one-way", queue.OneWay},
		"letters":                 {"CCAS", "", queue.OneWay},
		"a number":                {"+33756790000", "", queue.TwoWay},
		"a number nobody answers": {"+33756790000", "one-way", queue.OneWay},
		"letters that are routed": {"CCAS", "two-way", queue.TwoWay},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t, database.SQLite)
			if c.from != "" {
				s.twilio = twiliotest.New(t)
				s.twilio.Account.From = c.from
			}
			if c.set != "" {
				s.more = []string{"CONSIGNE_SMSD_SENDER_CAPABILITY=" + c.set}
			}
			s.start()
			db, err := database.Open(t.Context(), s.url)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if got, err := queue.SenderCapability(t.Context(), db.Read()); got != c.want || err != nil {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
	s := newStation(t, database.SQLite)
	if _, stderr, status := s.inProcess("", "run", "--sender-capability", "both"); status != 2 || !strings.Contains(stderr, "one-way or two-way") {
		t.Errorf("an odd capability: status %d, %q", status, stderr)
	}
}
