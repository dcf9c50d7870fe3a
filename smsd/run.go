package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"consigne/internal/database"
	"consigne/internal/revoked"
	"consigne/internal/service"
	"consigne/smsd/carrier"
	"consigne/smsd/queue"
)

// settings of "smsd run".
type settings struct {
	paths            *service.Paths
	listen, internal *string
	public           *string
	workers, rate    *int
	grace, timeout   *time.Duration
	twilio           carrier.Account
	capability       *string
	price            price
}

// setupRun declares "smsd run". Twilio's own variables bear the names that
// Twilio's tools use: TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_FROM and
// TWILIO_API_URL. Without the first three the simulated phone takes the messages,
// and can be answered.
func setupRun(f *service.Flags) service.Run {
	s := settings{
		paths:    f.Paths(),
		listen:   f.String("listen", "127.0.0.1:8090", "`ADDR` where the carrier calls back"),
		internal: f.String("internal", "127.0.0.1:8091", "`ADDR` of metrics and the simulated phone"),
		public:   f.String("public-url", "", "`URL` under which the carrier reaches the first address (default: that address)"),
		workers:  f.Int("workers", queue.DefaultWorkers, "`N` requests to the carrier at once"),
		rate:     f.Int("rate", 0, "`N` messages a second at most, by each smsd (0: as many as the workers send)"),
		grace:    f.Duration("grace", queue.DefaultGrace, "`TIME` that a message in doubt waits before the carrier is asked"),
		timeout:  f.Duration("timeout", queue.DefaultTimeout, "`TIME` after which a request without an answer is in doubt"),
	}
	s.capability = capabilityFlag(f)
	f.Var(&s.price, "segment-price", "what a segment costs, in `CENTS` of a euro such as 7.25 (0: cost is not counted)")
	return func(ctx context.Context, env *service.Env) error {
		if err := s.check(); err != nil {
			return err
		}
		if err := service.Harden(); err != nil {
			return err
		}
		return withStore(ctx, s.paths, func(db *database.DB) error {
			release, only, err := alone(s.paths.Database())
			if err != nil {
				return err
			}
			return errors.Join(s.serve(ctx, env, db, only), release())
		})
	}
}

// Twilio's variables. The last is optional.
const (
	twilioSID   = "TWILIO_ACCOUNT_SID"
	twilioToken = "TWILIO_AUTH_TOKEN"
	twilioFrom  = "TWILIO_FROM"
	twilioURL   = "TWILIO_API_URL"
)

// checkTwilio reads Twilio's variables: the first three or none. A slip in a name
// would send real people's messages to the simulated phone, and nobody would know.
func (s *settings) checkTwilio(command string, environ []string) error {
	for _, setting := range environ {
		name, _, _ := strings.Cut(setting, "=")
		if meant := service.Misspelt(name, twilioSID, twilioToken, twilioFrom, twilioURL); meant != "" {
			return service.Usagef("%s: unknown variable %s: did you mean %s?", command, name, meant)
		}
	}
	s.twilio = carrier.Account{SID: os.Getenv(twilioSID), Token: os.Getenv(twilioToken), From: os.Getenv(twilioFrom)}
	if s.twilio == (carrier.Account{}) {
		return nil
	}
	for _, name := range []string{twilioSID, twilioToken, twilioFrom} {
		if os.Getenv(name) == "" {
			return service.Usagef("%s: %s is missing: Twilio needs account, token and sender", command, name)
		}
	}
	return checkURL(command, twilioURL, os.Getenv(twilioURL))
}

// checkURL refuses what is given and no address of the web.
func checkURL(command, name, text string) error {
	u, err := url.Parse(text)
	if text != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return service.Usagef("%s: %s: wants http(s)://HOST", command, name)
	}
	return nil
}

func (s *settings) check() error {
	if err := errors.Join(s.checkTwilio("run", os.Environ()), checkURL("run", "--public-url", *s.public)); err != nil {
		return err
	}
	if *s.workers < 1 || *s.workers > 1000 {
		return service.Usagef("run: --workers must be from 1 to 1000")
	}
	if *s.rate < 0 {
		return service.Usagef("run: --rate must not be negative")
	}
	if *s.timeout < time.Second || *s.timeout > time.Minute {
		return service.Usagef("run: --timeout must be from a second to a minute")
	}
	if *s.grace < time.Second {
		return service.Usagef("run: --grace must be a second or more")
	}
	return s.checkCapability()
}

func (s *settings) serve(ctx context.Context, env *service.Env, db *database.DB, only bool) error {
	keys, err := queue.OpenKeys(ctx, db, s.paths.Keys())
	if err != nil {
		return err
	}
	ready := func(ctx context.Context) error {
		var one int
		return db.Read().QueryRow(ctx, `SELECT 1`).Scan(&one)
	}
	q := queue.New(db, keys, service.Now, *s.grace)
	if q.Revoked, err = revokedLog(s.paths); err != nil {
		return err
	}
	m := newMetrics(q, s.price)
	outer, inner := http.NewServeMux(), service.Internal(m.registry, ready)
	outer.Handle("GET /healthz", service.Health(ready))
	callbacks, err := service.Listen(ctx, "webhooks", *s.listen, outer, env.Log)
	if err != nil {
		return err
	}
	private, err := service.Listen(ctx, "internal", *s.internal, inner, env.Log)
	if err != nil {
		return errors.Join(err, callbacks.Close())
	}
	way, err := s.wayOut(env, callbacks.Addr(), inner)
	if err != nil {
		return errors.Join(err, callbacks.Close(), private.Close())
	}
	if err := q.SetCapability(ctx, s.sender()); err != nil {
		return errors.Join(err, callbacks.Close(), private.Close())
	}
	way.carrier = m.watch(way.carrier, db)
	hooks := carrier.Webhooks{
		Token: way.token, Public: way.public, Store: queue.Fingerprint(keys.Public()), Inbox: newPatient(q, env.Log), Log: env.Log, Watch: m.call,
	}
	outer.Handle("/twilio/", hooks.Routes())
	d := queue.NewDaemon(q, way.carrier, queue.Options{Workers: *s.workers, Rate: *s.rate, Timeout: *s.timeout, Alone: only, Log: env.Log, Watch: m.event})
	env.Log.Info("started", "carrier", way.carrier.Name(), "store", db.Kind().String())
	return service.RunAll(ctx, callbacks.Run, private.Run, d.Run, way.run)
}

// revokedLog gives what notes opt-outs for a restore. That the log can be written
// is seen now, not when somebody says STOP.
func revokedLog(paths *service.Paths) (func(kind, id string) error, error) {
	path := filepath.Join(paths.Data(), revoked.File)
	if err := revoked.Append(path); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	return func(kind, id string) error { return revoked.Append(path, revoked.Line{Kind: kind, ID: id}) }, nil
}

// way is how messages leave, and how what is called back is known.
type way struct {
	carrier       queue.Carrier
	token, public string
	run           func(context.Context) error
}

func (s *settings) wayOut(env *service.Env, listening string, inner *http.ServeMux) (way, error) {
	own := "http://" + reachable(listening)
	if s.twilio == (carrier.Account{}) {
		phone := carrier.NewPhone(service.Now, env.Log)
		phone.Pages(inner)
		run := func(ctx context.Context) error { return phone.Run(ctx, own) }
		return way{phone, phone.Token(), own, run}, nil
	}
	public := *s.public
	if public == "" {
		env.Log.Warn("no public URL: only this machine can call back", "set", service.Variable("smsd", "public-url"))
		public = own
	}
	twilio, err := carrier.NewTwilio(s.twilio, os.Getenv(twilioURL), public)
	if err != nil {
		return way{}, err
	}
	idle := func(ctx context.Context) error { <-ctx.Done(); return nil }
	return way{twilio, s.twilio.Token, public, idle}, nil
}

// reachable gives an address of this machine for one that listens on all.
func reachable(listening string) string {
	host, port, err := net.SplitHostPort(listening)
	if err != nil {
		return listening
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
