package supervisor

import (
	"time"

	"consigne/kiosk/control"
	"consigne/kiosk/reader"
)

// lostScanner begins to look for a scanner that was pulled out.
func (s *supervisor) lostScanner() {
	if s.scanner != nil {
		s.scanner.Close()
		s.scanner = nil
	}
	s.rescan = time.After(scannerRetry)
}

func (s *supervisor) findScanner() {
	s.rescan = nil
	f, err := reader.Open(s.Scanner)
	if err != nil {
		s.rescan = time.After(scannerRetry)
		return
	}
	s.scanner = f
	s.Log.Info("scanner found")
	if s.front == nil {
		return
	}
	m := control.Message{Is: control.Scanner, Files: []string{control.FileScanner}}
	if err := s.front.conn.Send(m, f); err != nil {
		s.Log.Error("scanner not passed on", "error", err)
	}
}
