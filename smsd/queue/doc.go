// Package queue holds messages until a phone has them, never losing one and
// never sending one twice.
//
// The message row is the queue. A caller hands a message over inside its own
// transaction ([Sender.Enqueue]); from the commit on it is smsd's:
//
//	planned -> claimed -> accepted -> sent -> delivered
//	                  \-> unknown -> (the carrier is asked) -> accepted | planned | held
//	planned -> expired | cancelled | suppressed
//	accepted | sent -> undelivered | failed, or planned again while tries are left
//
// Carriers have no idempotency key, so what a time-out hides cannot be found by
// sending again. The attempt's row is committed before its request leaves; what
// then became of it is told by the carrier's answer, by its status callback, or
// by its list ([Queue.Doubts]), and what nothing can tell is held and shown.
// Final messages keep their row, so that their id stays taken, and lose their
// text and number.
//
// Texts and numbers are boxed under a [Sender]'s key, which is sealed to smsd:
// who queues a message cannot read it back. The portal uses [Sender] and what
// reads or decides ([States], [Answers], [Decide]); the daemon uses [Queue] and [Daemon] with a [Carrier].
//
// What people write back ([Queue.Answered]) is matched by the number's mark with
// the messages that left for it, and left for the relays that sent them, sealed
// ([Answers]).
package queue
