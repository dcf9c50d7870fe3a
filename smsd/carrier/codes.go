package carrier

import "consigne/smsd/queue"

// codes says what Twilio's codes mean for us: those that answer a request (1xxxx,
// 2xxxx) and those that come with a status (3xxxx, 6xxxx). Source: Twilio's error
// and warning dictionary, https://www.twilio.com/docs/api/errors. A code that is
// not here gets queue.ClassOther: the message fails and is shown, and nothing is
// sent again on a guess.
//
// What happens, by class: queue.ClassNumber fails the message and shows at the
// desk that the phone does not answer; ClassOptOut suppresses everything for the
// number; ClassContent and ClassOther fail this message alone; ClassTemporary is
// tried again, later and later, four times in all; ClassBusy is tried again soon
// and ClassSetup when the channel has rested, neither burning a try. Where a code of
// ClassSetup comes with a status, the request was accepted before: that is tried
// again as ClassTemporary is, and the next request says how the account stands.
var codes = map[int]queue.Class{
	// The number is none, or no phone that takes messages.
	21211: queue.ClassNumber, // invalid "To" number
	21214: queue.ClassNumber, // "To" cannot be reached
	21217: queue.ClassNumber, // number does not look valid
	21265: queue.ClassNumber, // "To" is a short code
	21266: queue.ClassNumber, // "To" is the sender itself
	21401: queue.ClassNumber, // invalid phone number
	21407: queue.ClassNumber, // not supported for this number
	21421: queue.ClassNumber, // phone number is invalid
	21604: queue.ClassNumber, // "To" is missing
	21614: queue.ClassNumber, // "To" is no mobile number
	21635: queue.ClassNumber, // "To" is a landline
	30005: queue.ClassNumber, // unknown handset: the number is not in use
	30006: queue.ClassNumber, // landline or unreachable network
	30011: queue.ClassNumber, // MMS only

	21610: queue.ClassOptOut, // "To" answered STOP

	// This text is not carried.
	21602: queue.ClassContent, // body is missing
	21605: queue.ClassContent, // body too long for the country
	21617: queue.ClassContent, // body over 1,600 characters
	21618: queue.ClassContent, // body cannot be sent
	21619: queue.ClassContent, // body has no content
	30007: queue.ClassContent, // filtered
	30019: queue.ClassContent, // too large for the network
	30038: queue.ClassContent, // one-time password filtered
	30044: queue.ClassContent, // trial account: too long

	// Understood, and nothing to do about it here: neither is the number dead nor
	// our set-up wrong for others, so this message fails and the others go on.
	21408: queue.ClassOther, // the number's country is not switched on
	21608: queue.ClassOther, // trial account: "To" is not verified
	21612: queue.ClassOther, // no route from this sender to "To"
	30004: queue.ClassOther, // blocked by the phone or its network
	30018: queue.ClassOther, // the network wants to know the sender beforehand (warning)
	30024: queue.ClassOther, // the network does not know the sender's number
	30040: queue.ClassOther, // the network wants to know the sender beforehand
	30041: queue.ClassOther, // unregistered sender to the United Kingdom
	30043: queue.ClassOther, // international message through a domestic gateway
	30450: queue.ClassOther, // blocked as fraud
	30453: queue.ClassOther, // the same
	30485: queue.ClassOther, // the same

	// It may go through later.
	21730: queue.ClassTemporary, // maintenance
	30001: queue.ClassTemporary, // queue overflow
	30003: queue.ClassTemporary, // unreachable: switched off or without network
	30008: queue.ClassTemporary, // unknown error on the way
	30009: queue.ClassTemporary, // a segment is missing
	30017: queue.ClassTemporary, // network congested
	30020: queue.ClassTemporary, // scheduler failed
	30021: queue.ClassTemporary, // messaging service failed
	30022: queue.ClassTemporary, // rate limit of the network
	30023: queue.ClassTemporary, // daily limit of the network
	30027: queue.ClassTemporary, // the same
	30036: queue.ClassTemporary, // validity period ran out
	30410: queue.ClassTemporary, // provider timed out
	30500: queue.ClassTemporary, // provider's system error

	// Too many at once: never processed.
	14107: queue.ClassBusy, // sending rate exceeded
	20429: queue.ClassBusy, // too many requests
	21611: queue.ClassBusy, // the sender's queue is full

	// Our own account or sender: everything would fail, so the channel rests.
	// Nothing that hangs on the recipient may stand here: one foreign number
	// would hold up everybody's messages.
	10001: queue.ClassSetup, // account not active
	20001: queue.ClassSetup, // unknown parameters
	20003: queue.ClassSetup, // authentication failed
	20005: queue.ClassSetup, // account not active
	20006: queue.ClassSetup, // access denied
	20008: queue.ClassSetup, // test credentials
	20403: queue.ClassSetup, // forbidden
	20404: queue.ClassSetup, // account not found
	21212: queue.ClassSetup, // invalid sender
	21267: queue.ClassSetup, // trial account: no letters as a sender
	21601: queue.ClassSetup, // sender takes no SMS
	21603: queue.ClassSetup, // sender is missing
	21606: queue.ClassSetup, // sender is not ours or sends no SMS
	21607: queue.ClassSetup, // trial account: sender must be a Twilio number
	21609: queue.ClassSetup, // invalid status callback
	21616: queue.ClassSetup, // sender matches several numbers of ours
	21659: queue.ClassSetup, // sender is no Twilio number
	21660: queue.ClassSetup, // sender belongs to another account
	21661: queue.ClassSetup, // sender sends no SMS
	21701: queue.ClassSetup, // no such messaging service
	21703: queue.ClassSetup, // messaging service without sender
	21704: queue.ClassSetup, // the same
	21705: queue.ClassSetup, // invalid messaging service
	21709: queue.ClassSetup, // letters that this service may not use
	21711: queue.ClassSetup, // sender does not belong to the service
	21712: queue.ClassSetup, // sender belongs to another service
	21910: queue.ClassSetup, // sender and number are of two channels
	30002: queue.ClassSetup, // account suspended
	30010: queue.ClassSetup, // price over the limit set
	30032: queue.ClassSetup, // sender is not verified
	30034: queue.ClassSetup, // sender is not registered
	30037: queue.ClassSetup, // sending is switched off
	30454: queue.ClassSetup, // message limit of the account
	63038: queue.ClassSetup, // daily limit of the account
}

// told is what a class means when it comes with a status, after the message was
// taken: a request that was processed has burnt a try, so what would be put off
// without counting is tried again a few times only.
func told(c queue.Class) queue.Class {
	if c == queue.ClassBusy || c == queue.ClassSetup {
		return queue.ClassTemporary
	}
	return c
}
