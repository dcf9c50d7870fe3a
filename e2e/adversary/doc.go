// Package adversary plays the thief: it holds copies of a house's data folder,
// backup and logs, a photograph of one card and our own programs, but not the
// keys folder. It tries to open vaults, and it searches everything it holds, and
// everything that a kiosk session left on the machine, for what should not be
// there. Each search is first shown to find what was planted.
package adversary
