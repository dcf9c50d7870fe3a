package carrier

import "consigne/smsd/queue"

// Codes shows the table to tests.
func Codes() map[int]queue.Class { return codes }
