package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// A Key is 32 secret bytes. It prints as "[key]" whatever the verb, so that no
// log and no error text can carry one.
type Key [32]byte

// NewKey makes a random key.
func NewKey() Key {
	var k Key
	rand.Read(k[:])
	return k
}

// KeyFrom makes a key of 32 bytes. It returns [ErrSealed] for any other length.
func KeyFrom(b []byte) (Key, error) { return keyFrom(b, nil) }

func keyFrom(b []byte, err error) (Key, error) {
	if err != nil {
		return Key{}, err
	}
	if len(b) != len(Key{}) {
		return Key{}, ErrSealed
	}
	return Key(b), nil
}

// Derive makes the key for one use: HKDF-SHA256 (RFC 5869) with the name of the
// use and its context as info. Different names never give the same key.
func (k Key) Derive(name string, context ...string) Key {
	out, err := hkdf.Key(sha256.New, k[:], nil, info(name, context), len(k))
	if err != nil {
		panic(err) // only for lengths over 8,160 bytes
	}
	return Key(out)
}

// MAC authenticates data under a key derived for that name (HMAC-SHA256,
// RFC 2104). Each part is taken with its length, so parts cannot run together.
func (k Key) MAC(name string, data ...[]byte) []byte {
	sub := k.Derive("mac", name)
	h := hmac.New(sha256.New, sub[:])
	for _, d := range data {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(d))))
		h.Write(d)
	}
	return h.Sum(nil)
}

// VerifyMAC tells in constant time whether mac is that of data.
func (k Key) VerifyMAC(mac []byte, name string, data ...[]byte) bool {
	return hmac.Equal(mac, k.MAC(name, data...))
}

// Fingerprint names the key without telling it: 16 hexadecimal digits.
func (k Key) Fingerprint() string {
	f := k.Derive("fingerprint")
	return hex.EncodeToString(f[:8])
}

// Bytes gives the raw key, for a wrap or a key file.
func (k Key) Bytes() []byte { return k[:] }

// String hides the key.
func (Key) String() string { return "[key]" }

// Format hides the key from every verb of package fmt.
func (Key) Format(f fmt.State, _ rune) { io.WriteString(f, "[key]") }

// LogValue hides the key from package slog.
func (Key) LogValue() slog.Value { return slog.StringValue("[key]") }

// MarshalText refuses, so that no key slips into a JSON record unnoticed.
func (Key) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("seal: a key is not written as text: box it")
}

func info(name string, context []string) string {
	var b strings.Builder
	b.WriteString("consigne/")
	b.WriteString(name)
	for _, c := range context {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(c)))
		b.Write(n[:])
		b.WriteString(c)
	}
	return b.String()
}
