package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"consigne/internal/database"
	"consigne/internal/service"
	"consigne/smsd/carrier"
	"consigne/smsd/queue"
)

// checkWaits bounds one question to the carrier or to the public address.
const checkWaits = 15 * time.Second

// setupCheck declares "smsd check": one line a question, and status 1 if the
// answer to one is no. Nothing is sent; smsd has to be running.
func setupCheck(f *service.Flags) service.Run {
	s := settings{
		paths: f.Paths(), capability: capabilityFlag(f),
		public: f.String("public-url", "", "`URL` under which the carrier reaches smsd's webhooks"),
	}
	return func(ctx context.Context, env *service.Env) error {
		if err := s.checkTwilio("check", os.Environ()); err != nil {
			return err
		}
		if s.twilio == (carrier.Account{}) {
			return service.Usagef("check: %s, %s and %s are needed: without them the simulated phone takes the messages, and there is nothing to check",
				twilioSID, twilioToken, twilioFrom)
		}
		if err := s.checkCapability(); err != nil {
			return err
		}
		return withExisting(ctx, s.paths, func(db *database.DB) error { return s.examine(ctx, env, db) })
	}
}

func (s *settings) examine(ctx context.Context, env *service.Env, db *database.DB) error {
	pub, err := queue.PublicKey(ctx, db, s.paths.Keys())
	if err != nil {
		return err
	}
	c := carrier.Check{
		Account: s.twilio, API: os.Getenv(twilioURL), Public: *s.public,
		Store: queue.Fingerprint(pub), Capability: s.sender(),
		Client: &http.Client{Timeout: checkWaits, CheckRedirect: carrier.NoRedirects},
	}
	ctx, cancel := context.WithTimeout(ctx, 4*checkWaits)
	defer cancel()
	findings, err := c.Run(ctx)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	var bad []string
	table := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	for _, finding := range findings {
		word := "yes"
		if !finding.Good {
			word = "no"
			bad = append(bad, finding.About)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", finding.About, word, finding.Words)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(bad) > 0 {
		return errors.New("check: not ready: " + strings.Join(bad, ", "))
	}
	return nil
}
