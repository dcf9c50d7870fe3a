package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"consigne/internal/database"
	"consigne/internal/service"
)

const good = `{"id":"%s","to":"+33639980001","text":"a","due":"2026-11-26T10:00:00+01:00","expires":"2026-11-26T12:00:00Z","kind":"link"}`

func TestEnqueue_Answers(t *testing.T) {
	line := func(id string, replace ...string) string {
		return strings.NewReplacer(replace...).Replace(fmt.Sprintf(good, id))
	}
	onBothStores(t, func(s *station) {
		cases := []struct{ in, want string }{
			{line("m1"), "m1 accepted"},
			{line("m1"), "m1 known"},
			{line("m1", `"a"`, `"another text"`), "m1 known"},
			{line("m1", "+33639980001", "0639"), "m1 known"},
			{line("m1", "+33639980001", "+33899123456"), "m1 known"},
			{line("m1", `"text":"a"`, `"text":""`), "m1 known"},
			{line("m1", `"link"`, `"advert"`), "m1 known"},
			{line("m1", "2026-11-26T12:00:00Z", "never"), "m1 known"},
			{line("m1", `"to":"+33639980001",`, ""), "m1 known"},
			{line("m2", "}", `,"note":"more"}`), "m2 accepted"},
			{"", "- refused bad-json"},
			{"not JSON", "- refused bad-json"},
			{`{"id":"m3"`, "- refused bad-json"},
			{`["m3"]`, "- refused bad-json"},
			{line("m3", `"m3"`, `3`), "- refused bad-json"},
			{line("m3", `"a"`, "\"a\xff\""), "- refused bad-utf8"},
			{strings.Repeat("x", 70<<10), "- refused line-too-long"},
			{line("m3", `"id":"m3",`, ""), "- refused missing-id"},
			{line(""), "- refused bad-id"},
			{line("a b"), "- refused bad-id"},
			{line(strings.Repeat("i", 65)), "- refused bad-id"},
			{line("m3", `"to":"+33639980001",`, ""), "m3 refused missing-to"},
			{line("m3", "+33639980001", "0639"), "m3 refused bad-number"},
			{line("m3", "+33639980001", "CAF"), "m3 refused bad-number"},
			{line("m3", "+33639980001", "+33899123456"), "m3 refused premium-number"},
			{line("m3", "+33639980001", "+33465712042"), "m3 refused fixed-line"},
			{line("m3", `"text":"a",`, ""), "m3 refused missing-text"},
			{line("m3", `"text":"a"`, `"text":""`), "m3 refused no-text"},
			{line("m3", `"text":"a"`, `"text":"`+strings.Repeat("a", 2000)+`"`), "m3 refused text-too-long"},
			{line("m3", `"due":"2026-11-26T10:00:00+01:00",`, ""), "m3 refused missing-due"},
			{line("m3", "2026-11-26T10:00:00+01:00", "tomorrow"), "m3 refused bad-due"},
			{line("m3", "2026-11-26T10:00:00+01:00", "2026-11-26T10:00:00"), "m3 refused bad-due"},
			{line("m3", "2026-11-26T10:00:00+01:00", "2026-11-26T12:00:00Z"), "m3 refused due-after-expires"},
			{line("m3", `"expires":"2026-11-26T12:00:00Z",`, ""), "m3 refused missing-expires"},
			{line("m3", "2026-11-26T12:00:00Z", "never"), "m3 refused bad-expires"},
			{line("m3", `,"kind":"link"`, ""), "m3 refused missing-kind"},
			{line("m3", `"link"`, `"advert"`), "m3 refused bad-kind"},
			{line("m3") + "\r", "m3 accepted"},
			{line("m4"), "m4 accepted"}, // the last line, without an end
		}
		var in, want []string
		for _, c := range cases {
			in, want = append(in, c.in), append(want, c.want)
		}
		out, stderr, status := s.inProcess(strings.Join(in, "\n"), "enqueue")
		got := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if len(got) != len(want) {
			s.Fatalf("%d answers for %d lines", len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				s.Errorf("line %d is answered %q, want %q", i+1, got[i], want[i])
			}
		}
		if status != 1 || stderr != "smsd: enqueue: lines refused: 27\n" {
			s.Errorf("status %d, %q", status, stderr)
		}
		list, _, _ := s.inProcess("", "list", "--json")
		if n := strings.Count(list, "\n"); n != 4 {
			s.Errorf("%d messages, want 4", n)
		}
		if _, _, status := s.inProcess(line("m4")+"\n", "enqueue"); status != 0 {
			s.Errorf("status %d when nothing is refused", status)
		}
		if out, _, status := s.inProcess("", "enqueue"); out != "" || status != 0 {
			s.Errorf("no input: %q, status %d", out, status)
		}
	})
}

// Whoever writes one line and waits gets its answer before writing the next.
func TestEnqueue_AnswersAtOnce(t *testing.T) {
	s := newStation(t, database.SQLite)
	in, toProgram := io.Pipe()
	fromProgram, out := io.Pipe()
	ended := make(chan int)
	go func() {
		ended <- program().Run(t.Context(), []string{"enqueue"}, s.env()[2:5],
			&service.Env{Stdin: in, Stdout: out, Stderr: io.Discard})
	}()
	answers := bufio.NewScanner(fromProgram)
	for i := range 3 {
		io.WriteString(toProgram, s.line(fmt.Sprint("m", i), "+33639980001", "a"))
		if !answers.Scan() || answers.Text() != fmt.Sprintf("m%d accepted", i) {
			t.Fatalf("answer %q", answers.Text())
		}
	}
	toProgram.Close()
	if status := <-ended; status != 0 {
		t.Errorf("status %d", status)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Whoever gets no answer must not read that nothing was queued.
func TestEnqueue_AnswerLost(t *testing.T) {
	s := newStation(t, database.SQLite)
	var said strings.Builder
	status := program().Run(t.Context(), []string{"enqueue"}, s.env()[2:5],
		&service.Env{Stdin: strings.NewReader(s.line("m1", "+33639980001", "a")), Stdout: broken{}, Stderr: &said})
	if status != 1 || !strings.Contains(said.String(), "they are known") {
		t.Errorf("status %d, %q", status, &said)
	}
	if out, _, _ := s.inProcess(s.line("m1", "+33639980001", "a"), "enqueue"); out != "m1 known\n" {
		t.Errorf("again: %q", out)
	}
}

func FuzzParseOrder(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(good, "m1")))
	f.Add([]byte(`{"id":null,"to":"","due":"0000-00-00T00:00:00Z"}`))
	f.Add([]byte(`{"ID":"x","id":"y"}`))
	f.Add([]byte("\xff"))
	f.Fuzz(func(t *testing.T, line []byte) {
		o := parseOrder(line)
		if name := name(o); !utf8.ValidString(name) || strings.ContainsAny(name, " \n\r\t") || name == "" {
			t.Fatalf("an answer would begin with %q", name)
		}
		if o.Reason == "" && (o.Message.ID == "" || len(line) < len(`{"id":"","to":"","text":"","due":"","expires":"","kind":""}`)) {
			t.Fatalf("%q gives a message without fields", line)
		}
	})
}
