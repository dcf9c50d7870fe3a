//go:build testclock

package service

import (
	"fmt"
	"os"
	"strings"
	"time"
)

var clockVariables = []string{clockVariable}

// clockVariable names a file that holds how far this program's clock is ahead, such as "36h5m".
const clockVariable = "CONSIGNE_TESTCLOCK"

// Now is the time that every program goes by: the machine's, moved by what the file named by CONSIGNE_TESTCLOCK says at
// this moment. A file that cannot be read stops the program, since no test result would mean anything.
func Now() time.Time {
	path := os.Getenv(clockVariable)
	if path == "" {
		return time.Now()
	}
	text, err := os.ReadFile(path)
	if err != nil {
		panic(fmt.Sprintf("test clock: %v", err))
	}
	ahead, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		panic(fmt.Sprintf("test clock: %v", err))
	}
	return time.Now().Add(ahead)
}
