// Command kiosk is the box in the day centre: a window that shows the portal's
// pages to one person after another, a scanner for their cards, and nothing that
// stays when they have gone.
package main

import (
	"os"

	"consigne/internal/service"
)

// sessionWord makes a process the child of one session. The supervisor says it;
// it is no command for people and stands in no help text.
const sessionWord = "session-child"

func main() {
	if len(os.Args) == 2 && os.Args[1] == sessionWord {
		os.Exit(runSession())
	}
	service.Main(service.Program{
		Name:  "kiosk",
		About: "the box in the day centre",
		Commands: []service.Command{
			{Name: "run", About: "show the window until stopped", Setup: setupRun},
			{Name: "enrol", About: "make this kiosk known to a portal, with eight digits read from standard input", Setup: setupEnrol},
			{Name: "show", Args: "[CARDTEXT]", About: "play the scanner of a running demo kiosk", Setup: setupShow},
			{Name: "decode", Args: "FILE...", About: "print the cards seen in images and PDF pages", Setup: setupDecode},
		},
	})
}
