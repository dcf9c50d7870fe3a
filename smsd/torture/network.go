package main

import (
	"math/rand/v2"
	"net/url"
	"sync"
	"time"

	"consigne/smsd/carrier/twiliotest"
)

// network is a Twilio at which a quarter of all requests go wrong, and the phones
// behind it.
type network struct {
	*twiliotest.Server

	mu       sync.Mutex
	random   *rand.Rand
	phones   map[letter]int
	requests int
	faulted  int
	calls    sync.WaitGroup
}

// letter is what a phone has: copies of a message are the same letter.
type letter struct{ to, text string }

// odds are of a hundred requests, how many meet a fault.
var odds = []struct {
	fault twiliotest.Fault
	of100 int
}{
	{twiliotest.Hang, 4}, {twiliotest.HangBefore, 2}, {twiliotest.Close, 6}, {twiliotest.CloseBefore, 3},
	{twiliotest.BadGateway, 5}, {twiliotest.Unavailable, 3}, {twiliotest.Busy, 2},
}

// How late things may be. The list is behind for less than smsd waits before it
// asks, as smsd's grace has to be chosen.
const (
	listBehind   = time.Second
	longestDelay = 1500 * time.Millisecond
)

func newNetwork(seed uint64) *network {
	n := &network{Server: twiliotest.Start(), random: rand.New(rand.NewPCG(seed, 1)), phones: map[letter]int{}}
	n.Plan = n.plan
	n.Listing = n.listing
	n.Listed = func(m twiliotest.Message) bool { return time.Since(m.Created) > n.below(listBehind) }
	n.Keep = func(twiliotest.Message) bool { return n.one(5) }
	n.Took = n.took
	return n
}

func (n *network) plan(int, url.Values) twiliotest.Fault {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.requests++
	at := n.random.IntN(100)
	for _, o := range odds {
		if at -= o.of100; at < 0 {
			n.faulted++
			return o.fault
		}
	}
	return twiliotest.None
}

// listing answers late, and sometimes not at all.
func (n *network) listing() twiliotest.Fault {
	if n.one(8) {
		return twiliotest.Unavailable
	}
	<-time.After(n.below(longestDelay) / 3)
	return twiliotest.None
}

// took puts a message into its phone and calls back: some calls never, some
// twice, in any order, and early or late.
func (n *network) took(m twiliotest.Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.phones[letter{m.To, m.Body}]++
	for _, status := range []string{"queued", "sent", "delivered"} {
		for n.random.IntN(10) < 7 {
			after := time.Duration(n.random.Int64N(int64(longestDelay)))
			n.calls.Go(func() {
				<-time.After(after)
				_, _ = n.CallBack(m, status, 0) // whoever should hear it may be dead
			})
			if n.random.IntN(10) < 8 {
				break
			}
		}
	}
}

func (n *network) one(in int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.random.IntN(in) == 0
}

func (n *network) below(d time.Duration) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Duration(n.random.Int64N(int64(d)))
}

// stop waits for the calls that are under way and ends the server.
func (n *network) stop() {
	n.calls.Wait()
	n.Server.Stop()
}
