package reader

import (
	"encoding/binary"
	"unsafe"
)

// The numbers of linux/input-event-codes.h that matter here.
const (
	evSyn      = 0
	evKey      = 1
	synReport  = 0
	synDropped = 3

	released = 0
	pressed  = 1
	repeated = 2
)

// event is one struct input_event of linux/input.h: a time of two machine words,
// a type, a code and a value.
type event struct {
	kind  uint16
	code  uint16
	value int32
}

// wordSize is that of the kernel's long, on which the time's size hangs: 16 bytes
// on 64 bits, 8 on 32.
const (
	wordSize  = int(unsafe.Sizeof(uintptr(0)))
	eventSize = 2*wordSize + 8
)

// parse reads one event of exactly eventSize bytes. The time is not used: a
// device's clock may be any.
func parse(b []byte) event {
	b = b[2*wordSize:]
	return event{
		kind:  binary.NativeEndian.Uint16(b),
		code:  binary.NativeEndian.Uint16(b[2:]),
		value: int32(binary.NativeEndian.Uint32(b[4:])),
	}
}

// append writes the event as the kernel does, at the time zero.
func (e event) append(b []byte) []byte {
	b = append(b, make([]byte, 2*wordSize)...)
	b = binary.NativeEndian.AppendUint16(b, e.kind)
	b = binary.NativeEndian.AppendUint16(b, e.code)
	return binary.NativeEndian.AppendUint32(b, uint32(e.value))
}

// plausible tells whether the kernel could have sent this: anything else means
// that the bytes are out of step or no events at all.
func (e event) plausible() bool {
	switch e.kind {
	case evKey:
		return e.value >= released && e.value <= repeated
	case evSyn:
		return e.code <= synDropped
	}
	return e.kind <= 0x1f
}
