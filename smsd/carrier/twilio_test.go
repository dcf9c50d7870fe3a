package carrier_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"consigne/smsd/carrier"
	"consigne/smsd/carrier/twiliotest"
	"consigne/smsd/queue"

	"github.com/google/go-cmp/cmp"
)

const public = "https://sms.example.org/in"

var one = queue.Delivery{ID: "m1", Attempt: 2, Kind: queue.Reminder, To: "+33639980001", Text: "Jeudi à 14h30 موعد"}

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func twilio(t *testing.T, s *twiliotest.Server) *carrier.Twilio {
	t.Helper()
	c, err := carrier.NewTwilio(s.Account, s.URL, public+"/")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTwilio_Deliver(t *testing.T) {
	s := twiliotest.New(t)
	s.Now = func() time.Time { return noon }
	got, err := twilio(t, s).Deliver(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	want := twiliotest.Message{
		SID: got.CarrierID, To: one.To, From: s.Account.From, Body: one.Text, Status: "queued",
		Callback: public + "/twilio/status?m=m1&n=2", Created: noon,
	}
	if diff := cmp.Diff([]twiliotest.Message{want}, s.Messages()); diff != "" {
		t.Error(diff)
	}
	if got.State != queue.Accepted || got.CarrierID == "" {
		t.Errorf("receipt %+v", got)
	}
}

// What is certain may be tried again or given up; everything else is doubt.
func TestTwilio_DeliverFaults(t *testing.T) {
	doubt := func(code string) error { return &queue.Doubt{Code: code} }
	for name, c := range map[string]struct {
		fault twiliotest.Fault
		code  int
		want  error
	}{
		"hangs":          {fault: twiliotest.Hang, want: doubt("timeout")},
		"closes":         {fault: twiliotest.Close, want: doubt("cut")},
		"closes before":  {fault: twiliotest.CloseBefore, want: doubt("cut")},
		"502 in HTML":    {fault: twiliotest.BadGateway, want: doubt("http-502")},
		"503 in JSON":    {fault: twiliotest.Unavailable, want: doubt("http-503")},
		"half an answer": {fault: twiliotest.Broken, want: doubt("http-201")},
		"busy":           {fault: twiliotest.Busy, want: &queue.Refusal{Code: "429", Class: queue.ClassBusy, Wait: time.Second}},
		"locked":         {fault: twiliotest.Locked, want: &queue.Refusal{Code: "20003", Class: queue.ClassSetup}},
		"bad number":     {twiliotest.Refuse, 21211, &queue.Refusal{Code: "21211", Class: queue.ClassNumber}},
		"opted out":      {twiliotest.Refuse, 21610, &queue.Refusal{Code: "21610", Class: queue.ClassOptOut}},
		"foreign number": {twiliotest.Refuse, 21408, &queue.Refusal{Code: "21408", Class: queue.ClassOther}},
		"trial account":  {twiliotest.Refuse, 21608, &queue.Refusal{Code: "21608", Class: queue.ClassOther}},
		"too long":       {twiliotest.Refuse, 21617, &queue.Refusal{Code: "21617", Class: queue.ClassContent}},
		"sender":         {twiliotest.Refuse, 21606, &queue.Refusal{Code: "21606", Class: queue.ClassSetup}},
		"new code":       {twiliotest.Refuse, 29999, &queue.Refusal{Code: "29999", Class: queue.ClassOther}},
		"400, no code":   {twiliotest.Refuse, 0, doubt("http-400")},
	} {
		t.Run(name, func(t *testing.T) {
			s := twiliotest.New(t)
			s.Plan = func(int, url.Values) twiliotest.Fault { return c.fault }
			s.Refusal = c.code
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if c.fault == twiliotest.Hang {
				ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
			}
			defer cancel()
			_, err := twilio(t, s).Deliver(ctx, one)
			if diff := cmp.Diff(c.want, err); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if s.Requests() != 1 {
				t.Errorf("%d requests for one delivery", s.Requests())
			}
		})
	}
}

// Other odd answers: none of them says that the message was not taken.
func TestTwilio_DeliverOddAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"200, empty object":   {200, `{}`, "odd-answer"},
		"201, no sid":         {201, `{"status":"queued"}`, "odd-answer"},
		"201, a long sid":     {201, `{"sid":"` + strings.Repeat("S", 100_000) + `"}`, "odd-answer"},
		"201, an odd sid":     {201, `{"sid":"../../Accounts/x\r\n"}`, "odd-answer"},
		"202":                 {202, `{"sid":"SM1"}`, "odd-answer"},
		"204":                 {204, ``, "http-204"},
		"301":                 {301, `moved`, "http-301"},
		"403 of a firewall":   {403, `<html>no</html>`, "http-403"},
		"404 of another page": {404, `not found`, "http-404"},
		"408":                 {408, `{"code":20408,"message":"slow","status":408}`, "http-408"},
		"500 in JSON":         {500, `{"code":20500,"message":"oops","status":500}`, "http-500"},
		"endless":             {400, `{"code":` + strings.Repeat("1", 5<<20), "http-400"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			defer s.Close()
			tw, err := carrier.NewTwilio(carrier.Account{SID: "AC1", Token: "t1", From: "+1"}, s.URL, public)
			if err != nil {
				t.Fatal(err)
			}
			_, err = tw.Deliver(t.Context(), one)
			if diff := cmp.Diff(error(&queue.Doubt{Code: c.want}), err); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Where no connection was made nothing can have been sent.
func TestTwilio_NobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	l.Close()
	for _, base := range []string{address, "http://no-such-host.invalid"} {
		tw, err := carrier.NewTwilio(carrier.Account{SID: "AC1", Token: "t1", From: "+1"}, base, public)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tw.Deliver(t.Context(), one)
		if diff := cmp.Diff(error(&queue.Refusal{Code: "no-connection", Class: queue.ClassDown}), err); diff != "" {
			t.Errorf("%s (-want +got)\n%s", base, diff)
		}
	}
}

func TestTwilio_BadAddress(t *testing.T) {
	for _, base := range []string{"ftp://x", "localhost:99", "http://", "://"} {
		if _, err := carrier.NewTwilio(carrier.Account{}, base, public); err == nil {
			t.Errorf("%q was taken", base)
		}
	}
}

func TestTwilio_Find(t *testing.T) {
	s := twiliotest.New(t)
	s.Now = func() time.Time { return noon }
	c := twilio(t, s)
	if got, err := c.Find(t.Context(), one); len(got) != 0 || err != nil {
		t.Fatalf("found %v in an empty list, %v", got, err)
	}
	for _, d := range []queue.Delivery{
		one, {To: one.To, Text: "another text"}, {To: "+33639980002", Text: one.Text}, one,
	} {
		if _, err := c.Deliver(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Find(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	sent := s.Messages()
	want := []queue.Receipt{
		{CarrierID: sent[0].SID, State: queue.Accepted, Taken: noon}, {CarrierID: sent[3].SID, State: queue.Accepted, Taken: noon},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A list that may leave the message out is no answer.
func TestTwilio_FindNoAnswer(t *testing.T) {
	entry := func(body string) string {
		return fmt.Sprintf(`{"sid":"SM1","to":%q,"body":%q,"status":"delivered"}`, one.To, body)
	}
	found := []queue.Receipt{{CarrierID: "SM1", State: queue.Delivered}}
	for name, c := range map[string]struct {
		status int
		body   string
		want   []queue.Receipt
		err    error
	}{
		"no list":           {200, `{}`, nil, &queue.Doubt{Code: "odd-answer"}},
		"HTML":              {200, `<html>`, nil, &queue.Doubt{Code: "http-200"}},
		"503":               {503, `{"code":20503,"status":503}`, nil, &queue.Doubt{Code: "http-503"}},
		"429":               {429, `{"code":20429,"status":429}`, nil, &queue.Doubt{Code: "http-429"}},
		"more pages":        {200, `{"messages":[],"next_page_uri":"/next"}`, nil, queue.ErrCannotTell},
		"full page":         {200, `{"messages":[` + strings.Repeat(entry("x")+",", 199) + entry("x") + `]}`, nil, nil},
		"beside a redacted": {200, `{"messages":[` + entry("") + "," + entry(one.Text) + `]}`, found, queue.ErrCannotTell},
		"text was redacted": {200, `{"messages":[` + entry("") + `]}`, nil, queue.ErrCannotTell},
		"ends trimmed":      {200, `{"messages":[` + entry(one.Text+" \r\n") + `]}`, found, nil},
		"smart encoding":    {200, `{"messages":[` + entry(strings.NewReplacer(" ", " ", ".", " …", "'", "’").Replace(one.Text)) + `]}`, found, nil},
		"trial account":     {200, `{"messages":[` + entry("Sent from your Twilio trial account - "+one.Text) + `]}`, found, nil},
		"first page":        {200, `{"messages":[` + entry(one.Text) + `],"next_page_uri":"/next"}`, found, queue.ErrCannotTell},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			defer s.Close()
			tw, err := carrier.NewTwilio(carrier.Account{SID: "AC1", Token: "t1", From: "+1"}, s.URL, public)
			if err != nil {
				t.Fatal(err)
			}
			got, err := tw.Find(t.Context(), one)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if fmt.Sprint(err) != fmt.Sprint(c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
		})
	}
}

// No error of the carrier bears a number or a text, whatever the fault.
func TestTwilio_ErrorsBearNoSecret(t *testing.T) {
	for fault := twiliotest.Hang; fault <= twiliotest.Locked; fault++ { // all there are
		s := twiliotest.New(t)
		s.Plan = func(int, url.Values) twiliotest.Fault { return fault }
		s.Refusal = 21211
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := twilio(t, s).Deliver(ctx, one)
		cancel()
		if err == nil || strings.Contains(err.Error(), "63998") || strings.Contains(err.Error(), "Jeudi") || strings.Contains(err.Error(), s.Account.SID) {
			t.Errorf("fault %d: error %v", fault, err)
		}
	}
	s := twiliotest.New(t)
	s.Close()
	if _, err := twilio(t, s).Find(t.Context(), one); err == nil || strings.Contains(err.Error(), "63998") {
		t.Errorf("error %v", err)
	}
}

// Two hundred earlier messages to a number, or two thousand, hide nothing.
func TestTwilio_FindOnALaterPage(t *testing.T) {
	s := twiliotest.New(t)
	c := twilio(t, s)
	got, err := c.Deliver(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	fill := func(n int) {
		t.Helper()
		for i := range n {
			if _, err := c.Deliver(t.Context(), queue.Delivery{To: one.To, Text: fmt.Sprint("Message ", i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill(2000)
	found, err := c.Find(t.Context(), one)
	if err != nil || len(found) != 1 || found[0].CarrierID != got.CarrierID || s.Lists() != 3 {
		t.Errorf("found %v on %d pages, %v", found, s.Lists(), err)
	}
	if found, err := c.Find(t.Context(), queue.Delivery{To: one.To, Text: "absent"}); len(found) != 0 || err != nil {
		t.Errorf("found %v, %v; want certainly nothing", found, err)
	}
	fill(3000)
	if found, err := c.Find(t.Context(), one); len(found) != 0 || fmt.Sprint(err) != fmt.Sprint(queue.ErrCannotTell) {
		t.Errorf("a list that is too long: %v, %v", found, err)
	}
}

func TestTwilio_Erase(t *testing.T) {
	s := twiliotest.New(t)
	c := twilio(t, s)
	got, err := c.Deliver(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	s.Keep = func(twiliotest.Message) bool { return true }
	if err := c.Erase(t.Context(), got.CarrierID); fmt.Sprint(err) != "carrier may have taken it: http-409" {
		t.Errorf("while it is being sent: %v", err)
	}
	s.Keep = nil
	for range 2 { // the second time it is gone already
		if err := c.Erase(t.Context(), got.CarrierID); err != nil {
			t.Error(err)
		}
		if found, err := c.Find(t.Context(), one); len(found) != 0 || err != nil {
			t.Errorf("Twilio still lists %v, %v", found, err)
		}
	}
}

// Only Twilio's own word counts: a proxy that knows no such page deleted nothing.
func TestTwilio_EraseOddAnswers(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
	}{
		{200, `{}`}, {404, `<html>`}, {404, ``}, {401, `{"code":20003,"status":401}`}, {500, `{"code":20500,"status":500}`}, {302, ``},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
		}))
		tw, err := carrier.NewTwilio(carrier.Account{SID: "AC1", Token: "t1", From: "+1"}, s.URL, public)
		if err != nil {
			t.Fatal(err)
		}
		if err := tw.Erase(t.Context(), "SM1"); err == nil {
			t.Errorf("%d %q counts as deleted", c.status, c.body)
		}
		s.Close()
	}
}
