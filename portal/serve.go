package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"consigne/internal/service"
	"consigne/portal/vault"
	"consigne/portal/web"
)

// sweepEvery is how often what has ended is deleted; reads refuse it before.
const sweepEvery = time.Minute

type serveOptions struct {
	paths            *service.Paths
	listen, internal string
	publicURL        string
	linkURL          string
	proxies          prefixes
}

func serveCommand() service.Command {
	return service.Command{
		Name:  "serve",
		About: "answer kiosks, desks and phones",
		Setup: func(f *service.Flags) service.Run {
			o := &serveOptions{paths: f.PathsAndBlobs()}
			f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`ADDR` to answer on")
			f.StringVar(&o.internal, "internal", "127.0.0.1:8081", "`ADDR` of metrics and health; nobody is asked who they are there")
			f.StringVar(&o.publicURL, "public-url", "", "`URL` under which phones reach the portal (default: http:// and the address it answers on)")
			f.StringVar(&o.linkURL, "link-url", "", "`URL` under which links in messages lead here, best a short one (default: the public URL)")
			f.Var(&o.proxies, "trusted-proxy", "`CIDR` of proxies whose X-Forwarded-For is believed, several with commas")
			return func(ctx context.Context, env *service.Env) error {
				if err := o.check(); err != nil {
					return err
				}
				return serve(ctx, env, o)
			}
		},
	}
}

func (o *serveOptions) check() error {
	if err := checkPaths(o.paths); err != nil {
		return err
	}
	for flag, given := range map[string]string{"public-url": o.publicURL, "link-url": o.linkURL} {
		if given == "" {
			continue
		}
		if err := checkURL("serve", flag, given); err != nil {
			return err
		}
	}
	if links := cmp.Or(o.linkURL, o.publicURL); !vault.LinkFits(links) {
		return service.Usagef("serve: links under %s leave a message no room for day and hour: give a shorter --link-url", links)
	}
	return nil
}

// checkURL refuses what no link could begin with.
func checkURL(command, flag, text string) error {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return service.Usagef("%s: --%s: wants http(s)://HOST", command, flag)
	}
	return nil
}

// serve opens in order and closes in the opposite one: port, store, then the
// tasks that use both. The port comes first since links may bear its number.
func serve(ctx context.Context, env *service.Env, o *serveOptions) error {
	slog.SetDefault(env.Log) // the rooms log through it
	if err := service.Harden(); err != nil {
		return err
	}
	rooms := &later{}
	public, err := service.Listen(ctx, "public", o.listen, rooms, env.Log)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	p, err := openPortal(ctx, o.paths, o.baseURL(public.Addr(), env.Log), env.Log)
	if err != nil {
		return errors.Join(fmt.Errorf("serve: %w", err), public.Close())
	}
	defer p.Close()
	if o.linkURL != "" {
		p.vault.LinkURL = strings.TrimSuffix(o.linkURL, "/")
	}
	rooms.Handler = p.router(o.proxies)
	internal, err := service.Listen(ctx, "internal", o.internal, service.Internal(service.NewMetrics(), p.ready), env.Log)
	if err != nil {
		return errors.Join(fmt.Errorf("serve: %w", err), public.Close())
	}
	return service.RunAll(ctx, public.Run, internal.Run, p.sweep)
}

// later is a handler that is known only after its port. Nothing is answered in
// between.
type later struct{ http.Handler }

// baseURL is where links lead.
func (o *serveOptions) baseURL(addr string, log *slog.Logger) string {
	if o.publicURL != "" {
		return o.publicURL
	}
	if !web.Loopback(addr) {
		log.Warn("links lead nowhere outside: --public-url is not set")
	}
	return "http://" + addr
}

// ready answers whether the store does.
func (p *portal) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var n int
	return p.db.Read().QueryRow(ctx, "SELECT COUNT(*) FROM key_fingerprint").Scan(&n)
}

// sweep deletes what has ended, at once and then every minute. A pass that fails
// is logged and tried again: reads do not depend on it.
func (p *portal) sweep(ctx context.Context) error {
	again := time.NewTicker(sweepEvery)
	defer again.Stop()
	for {
		err := p.vault.Sweep(ctx)
		if errors.Is(err, vault.ErrClock) {
			p.vault.Log.Warn("sweep halted: the clock jumped")
		} else if err != nil && ctx.Err() == nil {
			p.vault.Log.Error("sweep failed", "why", err.Error())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

// prefixes is a flag that holds networks.
type prefixes []netip.Prefix

func (p *prefixes) String() string {
	var out []string
	for _, one := range *p {
		out = append(out, one.String())
	}
	return strings.Join(out, ",")
}

// Set takes networks or single addresses, separated by commas.
func (p *prefixes) Set(text string) error {
	for one := range strings.SplitSeq(text, ",") {
		one = strings.TrimSpace(one)
		prefix, err := netip.ParsePrefix(one)
		if err != nil {
			addr, e := netip.ParseAddr(one)
			if e != nil {
				return fmt.Errorf("%q is no network such as 10.0.0.0/8", one)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		*p = append(*p, prefix.Masked())
	}
	return nil
}
