package carrier

import "consigne/smsd/queue"

// codes says what Twilio's codes mean for us: those that answer a request (2xxxx)
// and those that come with a status (3xxxx). Source: Twilio's error and warning
// dictionary, https://www.twilio.com/docs/api/errors. A code that is not here
// gets queue.ClassOther: the message fails and is shown, and nothing is sent
// again on a guess.
var codes = map[int]queue.Class{
	// The number is none, or no phone that takes messages.
	21211: queue.ClassNumber, // invalid "To" number
	21214: queue.ClassNumber, // "To" cannot be reached
	21217: queue.ClassNumber, // number does not look valid
	21265: queue.ClassNumber, // "To" is a short code
	21401: queue.ClassNumber, // invalid phone number
	21407: queue.ClassNumber, // not supported for this number
	21408: queue.ClassNumber, // its country is not switched on: the others go on
	21421: queue.ClassNumber, // phone number is invalid
	21604: queue.ClassNumber, // "To" is missing
	21608: queue.ClassNumber, // trial account: "To" is not verified
	21612: queue.ClassNumber, // no route from this sender to "To"
	21614: queue.ClassNumber, // "To" is no mobile number
	21635: queue.ClassNumber, // "To" is a landline
	30004: queue.ClassNumber, // message blocked by the phone or its network
	30005: queue.ClassNumber, // unknown handset: the number is not in use
	30006: queue.ClassNumber, // landline or unreachable network
	30011: queue.ClassNumber, // MMS only

	21610: queue.ClassOptOut, // "To" answered STOP

	// This text is not carried.
	21602: queue.ClassContent, // body is missing
	21605: queue.ClassContent, // body too long for the country
	21617: queue.ClassContent, // body over 1,600 characters
	21619: queue.ClassContent, // body has no content
	30007: queue.ClassContent, // filtered
	30019: queue.ClassContent, // too large for the network
	30038: queue.ClassContent, // one-time password filtered
	30044: queue.ClassContent, // trial account: too long

	// It may go through later.
	30001: queue.ClassTemporary, // queue overflow
	30003: queue.ClassTemporary, // unreachable: switched off or without network
	30008: queue.ClassTemporary, // unknown error on the way
	30009: queue.ClassTemporary, // a segment is missing
	30017: queue.ClassTemporary, // network congested
	30036: queue.ClassTemporary, // validity period ran out
	30410: queue.ClassTemporary, // provider timed out
	30500: queue.ClassTemporary, // provider's system error

	// Too many at once: never processed.
	20429: queue.ClassBusy, // too many requests
	14107: queue.ClassBusy, // sending rate exceeded
	21611: queue.ClassBusy, // the sender's queue is full

	// Our own account or sender: everything would fail, so the channel rests.
	// Nothing that hangs on the recipient may stand here: one foreign number
	// would hold up everybody's messages.
	20001: queue.ClassSetup, // unknown parameters
	20003: queue.ClassSetup, // authentication failed
	20005: queue.ClassSetup, // account not active
	20008: queue.ClassSetup, // test credentials
	20403: queue.ClassSetup, // forbidden
	20404: queue.ClassSetup, // account not found
	21212: queue.ClassSetup, // invalid sender
	21603: queue.ClassSetup, // sender is missing
	21606: queue.ClassSetup, // sender is not ours or sends no SMS
	21607: queue.ClassSetup, // trial account: sender must be a Twilio number
	21609: queue.ClassSetup, // invalid status callback
	21659: queue.ClassSetup, // sender is no Twilio number
	21660: queue.ClassSetup, // sender belongs to another account
	21703: queue.ClassSetup, // messaging service without sender
	30002: queue.ClassSetup, // account suspended
	30010: queue.ClassSetup, // price over the limit set
	30034: queue.ClassSetup, // sender is not registered
	63038: queue.ClassSetup, // daily limit of the account
}
