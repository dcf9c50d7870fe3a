package main

import (
	"bufio"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"consigne/smsd/carrier/twiliotest"
	"consigne/smsd/queue"
)

// The daemon is killed while requests are in flight: half of them arrived, half
// did not. After a new start the carrier is asked, and each message is there once.
func TestRun_KilledBetweenAttemptAndAnswer(t *testing.T) {
	onBothStores(t, func(s *station) {
		s.twilio = twiliotest.New(s.T)
		s.twilio.SetPlan(func(n int, _ url.Values) twiliotest.Fault {
			if n%2 == 0 {
				return twiliotest.Hang
			}
			return twiliotest.HangBefore
		})
		var ids []string
		for i := range 10 {
			ids = append(ids, fmt.Sprint("m", i))
		}
		s.enqueue(ids...)
		d := s.start()
		for range ids {
			<-s.twilio.Asked
		}
		d.kill()
		for id, l := range s.list() {
			if l.State != queue.Claimed || l.Attempts != 1 {
				s.Fatalf("%s is %s after the kill, with %d attempts", id, l.State, l.Attempts)
			}
		}
		s.twilio.SetPlan(nil)
		s.start()
		s.await(20*time.Second, func(all map[string]listed) bool {
			for _, l := range all {
				if l.State != queue.Accepted {
					return false
				}
			}
			return true
		})
		s.onceEach(ids)
	})
}

// onceEach expects the carrier to have each message exactly once.
func (s *station) onceEach(ids []string) {
	s.Helper()
	taken := map[string]int{}
	for _, m := range s.twilio.Messages() {
		taken[m.Body]++
	}
	lost, twice := 0, 0
	for _, id := range ids {
		switch n := taken["Message "+id]; {
		case n == 0:
			lost++
		case n > 1:
			twice++
		}
	}
	s.Logf("%d messages, %d requests: lost %d, duplicates %d", len(ids), s.twilio.Requests(), lost, twice)
	if lost > 0 || twice > 0 {
		s.Errorf("lost %d, duplicates %d", lost, twice)
	}
}

// Killed again and again, at whatever moment it comes.
func TestRun_KilledOften(t *testing.T) {
	onBothStores(t, func(s *station) {
		s.twilio = twiliotest.New(s.T)
		s.twilio.SetPlan(func(n int, _ url.Values) twiliotest.Fault {
			return []twiliotest.Fault{twiliotest.None, twiliotest.Close, twiliotest.None, twiliotest.BadGateway, twiliotest.CloseBefore}[n%5]
		})
		var ids []string
		for i := range 60 {
			ids = append(ids, fmt.Sprint("m", i))
		}
		s.enqueue(ids...)
		for i := range 5 {
			d := s.start()
			for range 6 + i { // some requests later
				select {
				case <-s.twilio.Asked:
				case <-time.After(time.Second): // the rest is in doubt and waits
				}
			}
			d.kill()
			s.forward(time.Minute)
		}
		s.start()
		s.await(20*time.Second, func(all map[string]listed) bool {
			for _, l := range all {
				if l.State != queue.Accepted {
					return false
				}
			}
			return true
		})
		s.onceEach(ids)
	})
}

// What enqueue printed before it was killed is there; what it did not can be
// said again.
func TestEnqueue_Killed(t *testing.T) {
	onBothStores(t, func(s *station) {
		const many = 4000
		var in strings.Builder
		for i := range many {
			in.WriteString(s.line(fmt.Sprint("m", i), "+33639980001", "Message"))
		}
		cmd := s.command("enqueue")
		cmd.Stdin = strings.NewReader(in.String())
		out, err := cmd.StdoutPipe()
		if err != nil {
			s.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			s.Fatal(err)
		}
		answered := map[string]bool{}
		lines := bufio.NewScanner(out)
		for len(answered) < 700 && lines.Scan() {
			id, answer, _ := strings.Cut(lines.Text(), " ")
			if answer != "accepted" {
				s.Fatalf("%s was %s", id, answer)
			}
			answered[id] = true
		}
		cmd.Process.Kill()
		for lines.Scan() { // what was printed before the kill counts too
			if id, answer, whole := strings.Cut(lines.Text(), " "); whole && answer == "accepted" {
				answered[id] = true
			}
		}
		cmd.Wait()
		there := s.list()
		for id := range answered {
			if _, ok := there[id]; !ok {
				s.Fatalf("%s was accepted and is lost", id)
			}
		}
		s.Logf("killed after %d answers, %d messages were durable", len(answered), len(there))
		again, status := s.run(in.String(), "enqueue")
		if status != 0 {
			s.Fatalf("status %d", status)
		}
		for line := range strings.Lines(again) {
			id, answer, _ := strings.Cut(strings.TrimSpace(line), " ")
			if want := map[bool]string{true: "known", false: "accepted"}[there[id].ID != ""]; answer != want {
				s.Errorf("%s was %s, want %s", id, answer, want)
			}
		}
		if n := len(s.list()); n != many {
			s.Errorf("%d messages, want %d", n, many)
		}
	})
}
