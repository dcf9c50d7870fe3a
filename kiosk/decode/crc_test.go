package decode_test

import (
	"encoding/binary"
	"hash/crc32"
)

// withCRC makes the check sum of a PNG's header right again.
func withCRC(file []byte) []byte {
	binary.BigEndian.PutUint32(file[29:33], crc32.ChecksumIEEE(file[12:29]))
	return file
}
