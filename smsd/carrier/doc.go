// Package carrier holds the carriers that deliver messages by SMS: Twilio, and a
// simulated phone for development and demonstrations. Both call back over HTTP
// and sign what they say in Twilio's way, so [Webhooks] serves both.
//
// Nothing here logs or returns a number or a text: errors are codes.
package carrier
