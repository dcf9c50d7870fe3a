package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// welcome says where everything is and how to walk through it.
func (h *house) welcome(d *cast, enrolled bool) {
	out := h.env.Stdout
	line := func(what, where string) { fmt.Fprintf(out, "  %-16s %s\n", what, where) }
	fmt.Fprint(out, "\nConsigne runs. Ctrl-C stops it.\n\n")
	line("relay desk", "http://"+h.portal+"/desk/")
	switch {
	case h.kiosk != "":
		line("kiosk", "http://"+h.kiosk+"/ (in a browser: there is no display for its window)")
	case enrolled:
		line("kiosk", "its window, on display "+os.Getenv("DISPLAY"))
	default:
		line("kiosk", "not started: enrol it with the digits that the desk shows, bin/kiosk enrol --portal http://"+h.portal)
	}
	line("simulated phone", "http://"+h.phone+"/ (every SMS arrives here)")
	line("metrics", "http://"+h.metrics+"/metrics")
	line("data", h.paths.Data())
	line("keys", h.paths.Keys())
	line("logs", h.logs())
	if d == nil {
		fmt.Fprint(out, "\nThe data folder is in use and holds no demo.\n")
		return
	}
	h.introduce(d)
}

// introduce shows what to type for each of the demo's people.
func (h *house) introduce(d *cast) {
	out := h.env.Stdout
	with := ""
	if h.paths.Data() != "data" {
		with = " --data " + h.paths.Data()
	}
	if h.paths.Keys() != filepath.Clean(h.paths.Data())+".keys" {
		with += " --keys " + h.paths.Keys()
	}
	fmt.Fprintf(out, "\nStaff sign in at the desk. The six digits change every 30 seconds and are told by: %s codes%s\n",
		filepath.Join(h.bin, "demo"), with)
	for _, s := range d.Staff {
		fmt.Fprintf(out, "\n  %s\n    e-mail    %s\n    password  %s\n    secret    %s (for a phone's code app)\n", s.Relay, s.Email, s.Password, s.TOTPSecret)
	}
	fmt.Fprint(out, "\nPeople show their card at the kiosk, which the first line does for them, and touch their five pictures.\n")
	show := ""
	if h.paths.Data() != "data" {
		show = " --data " + h.paths.Data()
	}
	for _, p := range d.People {
		phone := p.Phone
		if phone == "" {
			phone = "no phone"
		}
		fmt.Fprintf(out, "\n  %s (%s, %s)\n    %s show%s %s\n    %s\n", p.Name, p.Lang, phone,
			filepath.Join(h.bin, "kiosk"), show, p.Card, strings.Join(p.Pictures[:], ", "))
	}
	fmt.Fprintln(out)
}
