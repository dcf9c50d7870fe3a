// Command smsd is the SMS daemon: it takes messages that are planned in the
// store and sees each of them to a phone, never losing one and never sending one
// twice. Package queue holds the rules, package carrier the ways out.
//
//	smsd run       send what is due and take the carrier's calls
//	smsd enqueue   queue messages from JSON Lines
//	smsd list      show where every message stands
//	smsd check     tell whether credentials, sender and webhooks work
package main

import "consigne/internal/service"

func main() { service.Main(program()) }

func program() service.Program {
	return service.Program{
		Name:  "smsd",
		About: "sends planned messages, never twice",
		Commands: []service.Command{
			{Name: "run", About: "send what is due and take the carrier's calls", Setup: setupRun},
			{Name: "enqueue", About: "queue messages from JSON Lines on standard input", Setup: setupEnqueue},
			{Name: "list", About: "show where every message stands", Setup: setupList},
			{Name: "check", About: "tell whether credentials, sender and webhooks work", Setup: setupCheck},
		},
	}
}
