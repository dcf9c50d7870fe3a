// Package device is who this kiosk is to the portal: a key of its own, kept in
// the keys folder, and the number that the portal gave it when it was enrolled
// with the eight digits shown at the desk.
package device

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"consigne/internal/seal"
)

// Names of the files in the keys folder, and the key's label in its file.
const (
	keyFile  = "kiosk.key"
	infoFile = "kiosk.json"
	label    = "kiosk"
)

// Headers by which the portal knows an enrolled kiosk.
const (
	HeaderDevice = "Consigne-Device"
	HeaderToken  = "Consigne-Token"
)

var (
	// ErrNotEnrolled says that no portal knows this kiosk yet.
	ErrNotEnrolled = errors.New("not enrolled: run kiosk enrol with the eight digits from the desk")
	// ErrEnrolled says that a portal does already.
	ErrEnrolled = errors.New("enrolled already: say --again to make a new key in its place")
	// ErrPortal says that an address is no portal's.
	ErrPortal = errors.New("not the address of a portal")
)

// Device is an enrolled kiosk.
type Device struct {
	ID  string
	Key seal.Key
}

// Info is what stands beside the key; nothing of it is secret.
type Info struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Relay       string `json:"relay"`
	Portal      string `json:"portal"`
	Fingerprint string `json:"fingerprint"` // of the key that was enrolled
}

// Token is what the portal asks for with the number, on every request.
func (d Device) Token() seal.Key { return d.Key.Derive("device token") }

// Sign puts the device's headers on a request.
func (d Device) Sign(h http.Header) {
	token := d.Token()
	h.Set(HeaderDevice, d.ID)
	h.Set(HeaderToken, hex.EncodeToString(token[:]))
}

// OpenProfile opens the profile that the desk sealed to this kiosk for the
// enrolment id. It returns seal.ErrSealed for one meant for another kiosk or
// another enrolment.
func (d Device) OpenProfile(id string, sealed []byte) ([]byte, error) {
	return d.Key.Identity().Open(seal.Place{Table: "enrolment", Row: id, Column: "profile", Reader: d.ID}, sealed)
}

// Load reads the device of the keys folder dir. It returns ErrNotEnrolled where
// there is none, and seal.ErrKeyFile for a key that others can read.
func Load(dir string) (Device, Info, error) {
	info, err := readInfo(dir)
	if err != nil {
		return Device{}, Info{}, err
	}
	key, err := seal.LoadKeyFile(filepath.Join(dir, keyFile), label)
	if errors.Is(err, os.ErrNotExist) {
		return Device{}, Info{}, ErrNotEnrolled
	}
	if err != nil {
		return Device{}, Info{}, err
	}
	if key.Fingerprint() != info.Fingerprint {
		return Device{}, Info{}, fmt.Errorf("%s and %s do not belong together: %w", keyFile, infoFile, ErrNotEnrolled)
	}
	return Device{info.ID, key}, info, nil
}

func readInfo(dir string) (Info, error) {
	b, err := os.ReadFile(filepath.Join(dir, infoFile))
	if errors.Is(err, os.ErrNotExist) {
		return Info{}, ErrNotEnrolled
	}
	if err != nil {
		return Info{}, err
	}
	var info Info
	if err := json.Unmarshal(b, &info); err != nil || info.ID == "" {
		return Info{}, fmt.Errorf("%s: %w", infoFile, ErrNotEnrolled)
	}
	return info, nil
}

// ParsePortal reads a portal's address: https, or http on this machine only, and
// nothing after the host. It returns ErrPortal for any other.
func ParsePortal(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil:
		return nil, fmt.Errorf("%w: want https://HOST", ErrPortal)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, fmt.Errorf("%w: want https, or http on this machine", ErrPortal)
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		return nil, fmt.Errorf("%w: want nothing after the host", ErrPortal)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}
