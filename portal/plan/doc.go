// Package plan says when a reminder of an appointment leaves and what it says. It
// knows neither people nor queue: whoever plans gives it an hour in its zone and
// gets times and texts back.
package plan

import _ "time/tzdata" // a machine without zones would send by the wrong clock
