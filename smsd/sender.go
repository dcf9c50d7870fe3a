package main

import (
	"os"
	"strings"

	"consigne/internal/service"
	"consigne/smsd/carrier"
	"consigne/smsd/queue"
)

// readTwilio reads Twilio's variables, which bear the names that Twilio's tools
// use: all three or none.
func (s *settings) readTwilio(command string) error {
	s.twilio = carrier.Account{
		SID: os.Getenv("TWILIO_ACCOUNT_SID"), Token: os.Getenv("TWILIO_AUTH_TOKEN"), From: os.Getenv("TWILIO_FROM"),
	}
	for _, v := range [][2]string{
		{"TWILIO_ACCOUNT_SID", s.twilio.SID}, {"TWILIO_AUTH_TOKEN", s.twilio.Token}, {"TWILIO_FROM", s.twilio.From},
	} {
		if v[1] == "" && s.twilio != (carrier.Account{}) {
			return service.Usagef("%s: %s is missing: Twilio needs account, token and sender", command, v[0])
		}
	}
	switch queue.Capability(*s.capability) {
	case "", queue.OneWay, queue.TwoWay:
		return nil
	}
	return service.Usagef("%s: --sender-capability must be %s or %s", command, queue.OneWay, queue.TwoWay)
}

func capabilityFlag(f *service.Flags) *string {
	return f.String("sender-capability", "", "`WAY` in which the sender speaks, one-way or two-way (default: letters one-way, a number two-way)")
}

// sender tells whether people can answer: what was set, else a number can be
// answered, and so can the simulated phone; letters cannot.
func (s *settings) sender() queue.Capability {
	switch {
	case *s.capability != "":
		return queue.Capability(*s.capability)
	case s.twilio != (carrier.Account{}) && !strings.HasPrefix(s.twilio.From, "+"):
		return queue.OneWay
	}
	return queue.TwoWay
}
