// Package seal holds the four primitives with which Consigne seals what it
// keeps. Nobody else in the project seals, opens or derives a key.
//
//   - box ([Key.Box], [Key.Open]): XChaCha20-Poly1305 under a key that the
//     reader holds now; for records, wraps and sessions.
//   - seal-to ([PublicKey.Seal], [Identity.Open]): hybrid HPKE for a reader who
//     is absent. Papers are kept for fifty years and somebody may be recording
//     today, so the exchange is post-quantum as well as classical.
//   - stream ([Key.Encrypt], [Key.Decrypt]): age files for content of any size.
//   - unlock key ([UnlockKey]): Argon2id over what a person carries and knows,
//     useless without the server's pepper.
//
// Every box and every seal-to starts with a version byte and ends with a check sum over
// the sealed bytes, so that [Check] finds damage without any key. Where the
// value lies ([Place]) is its associated data: moved elsewhere, it does not open.
package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"hash/crc32"

	"golang.org/x/crypto/chacha20poly1305"
)

// ErrSealed is returned when a sealed value does not open: a wrong key, a value
// moved from its place, damage or forgery. Which of them it was is not told.
var ErrSealed = errors.New("sealed value does not open")

// ErrDamaged is returned by [Check] for a value that was cut or changed.
var ErrDamaged = errors.New("sealed value is damaged")

// A Place says where a sealed value lies and who reads it. It is bound to the
// value as associated data.
type Place struct {
	Table, Row, Column, Reader string
}

const (
	versionBox  = 1
	versionSeal = 2

	padStep = 256
	sumSize = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// bytes encodes the place without ambiguity: each field behind its length.
func (p Place) bytes(version byte) []byte {
	out := []byte{version}
	for _, s := range []string{p.Table, p.Row, p.Column, p.Reader} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(s)))
		out = append(out, s...)
	}
	return out
}

// Box seals plain for whoever holds the key. The length is hidden in steps of
// 256 bytes.
func (k Key) Box(p Place, plain []byte) []byte {
	out := make([]byte, 1+chacha20poly1305.NonceSizeX, 1+chacha20poly1305.NonceSizeX+len(plain)+padStep+chacha20poly1305.Overhead+sumSize)
	out[0] = versionBox
	rand.Read(out[1:])
	out = k.aead().Seal(out, out[1:], pad(plain), p.bytes(versionBox))
	return addSum(out)
}

// Open opens what [Key.Box] sealed for the same place. It returns [ErrSealed]
// for any fault.
func (k Key) Open(p Place, sealed []byte) ([]byte, error) {
	if Check(sealed) != nil || sealed[0] != versionBox || len(sealed) < 1+chacha20poly1305.NonceSizeX+chacha20poly1305.Overhead+sumSize {
		return nil, ErrSealed
	}
	body := sealed[1 : len(sealed)-sumSize]
	plain, err := k.aead().Open(nil, body[:chacha20poly1305.NonceSizeX], body[chacha20poly1305.NonceSizeX:], p.bytes(versionBox))
	if err != nil {
		return nil, ErrSealed
	}
	return unpad(plain)
}

// OpenKey opens a boxed key.
func (k Key) OpenKey(p Place, sealed []byte) (Key, error) {
	return keyFrom(k.Open(p, sealed))
}

// Check finds damage in a sealed value without any key. It returns
// [ErrDamaged] for a value that was cut or changed by accident; it proves
// nothing against a forger.
func Check(sealed []byte) error {
	if len(sealed) <= 1+sumSize || (sealed[0] != versionBox && sealed[0] != versionSeal) {
		return ErrDamaged
	}
	at := len(sealed) - sumSize
	if crc32.Checksum(sealed[:at], castagnoli) != binary.BigEndian.Uint32(sealed[at:]) {
		return ErrDamaged
	}
	return nil
}

func addSum(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func (k Key) aead() cipher.AEAD {
	a, err := chacha20poly1305.NewX(k[:])
	if err != nil {
		panic(err) // only for a key that is not 32 bytes long
	}
	return a
}

// pad adds a one bit and zeros up to the next step (ISO/IEC 7816-4).
func pad(plain []byte) []byte {
	out := make([]byte, (len(plain)/padStep+1)*padStep)
	copy(out, plain)
	out[len(plain)] = 0x80
	return out
}

func unpad(b []byte) ([]byte, error) {
	for i := len(b) - 1; i >= 0 && i >= len(b)-padStep; i-- {
		switch b[i] {
		case 0:
		case 0x80:
			return b[:i], nil
		default:
			return nil, ErrSealed
		}
	}
	return nil, ErrSealed
}
