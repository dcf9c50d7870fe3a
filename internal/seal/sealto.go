package seal

import (
	"crypto/hpke"
)

// A PublicKey receives what is sealed to somebody absent: 1,216 bytes of
// ML-KEM-768 and X25519 (X-Wing, draft-ietf-hpke-pq).
type PublicKey []byte

// An Identity opens what was sealed to its public key. It is made of a 32-byte
// seed; see [Key.Identity].
type Identity struct {
	private hpke.PrivateKey
}

func suite() (hpke.KEM, hpke.KDF, hpke.AEAD) {
	return hpke.MLKEM768X25519(), hpke.HKDFSHA256(), hpke.AES256GCM()
}

// Identity gives the hybrid key pair of a seed, the same each time.
func (k Key) Identity() *Identity {
	kem, _, _ := suite()
	sub := k.Derive("identity")
	private, err := kem.NewPrivateKey(sub[:])
	if err != nil {
		panic(err) // only for a seed that is not 32 bytes long
	}
	return &Identity{private}
}

// Public gives the public half.
func (id *Identity) Public() PublicKey {
	return id.private.PublicKey().Bytes()
}

// Seal seals plain to the holder of the public key (RFC 9180, base mode). It
// returns [ErrSealed] for bytes that are no public key.
func (p PublicKey) Seal(pl Place, plain []byte) ([]byte, error) {
	kem, kdf, aead := suite()
	public, err := kem.NewPublicKey(p)
	if err != nil {
		return nil, ErrSealed
	}
	body, err := hpke.Seal(public, kdf, aead, pl.bytes(versionSeal), pad(plain))
	if err != nil {
		return nil, ErrSealed
	}
	return addSum(append([]byte{versionSeal}, body...)), nil
}

// Open opens what was sealed to this identity for the same place. It returns
// [ErrSealed] for any fault.
func (id *Identity) Open(pl Place, sealed []byte) ([]byte, error) {
	if Check(sealed) != nil || sealed[0] != versionSeal {
		return nil, ErrSealed
	}
	_, kdf, aead := suite()
	plain, err := hpke.Open(id.private, kdf, aead, pl.bytes(versionSeal), sealed[1:len(sealed)-sumSize])
	if err != nil {
		return nil, ErrSealed
	}
	return unpad(plain)
}

// OpenKey opens a sealed key.
func (id *Identity) OpenKey(pl Place, sealed []byte) (Key, error) {
	return keyFrom(id.Open(pl, sealed))
}
