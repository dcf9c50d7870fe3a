package main

import (
	"strings"

	"consigne/internal/service"
	"consigne/smsd/carrier"
	"consigne/smsd/queue"
)

func capabilityFlag(f *service.Flags) *string {
	return f.String("sender-capability", "", "`WAY` in which the sender speaks, one-way or two-way (default: letters one-way, a number two-way)")
}

func (s *settings) checkCapability() error {
	switch queue.Capability(*s.capability) {
	case "", queue.OneWay, queue.TwoWay:
		return nil
	}
	return service.Usagef("--sender-capability must be %s or %s", queue.OneWay, queue.TwoWay)
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
