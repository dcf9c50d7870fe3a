// Command portal is the hosted vault: it answers kiosks, relay desks and
// phones, and holds the commands by which its operator runs it. None of them
// can open a person's vault.
package main

import "consigne/internal/service"

func main() { service.Main(program()) }

func program() service.Program {
	return service.Program{
		Name:  "portal",
		About: "the hosted vault",
		Commands: []service.Command{
			serveCommand(),
			demoCommand(),
			verifyCommand(),
			backupCommand(),
			restoreCommand(),
			cardSheetCommand(),
			relayAddCommand(),
			relayListCommand(),
			staffInviteCommand(),
			staffListCommand(),
			deviceCodeCommand(),
			keyPrintCommand(),
		},
	}
}
