package window

// An exported function may stand only beside declarations of C, not
// definitions; hence this file of its own.

// #include <stdint.h>
import "C"

import "runtime/cgo"

//export kioskWindowLoaded
func kioskWindowLoaded(handle C.uintptr_t) {
	w, ok := cgo.Handle(handle).Value().(*Window)
	if ok && w.options.Loaded != nil {
		w.options.Loaded()
	}
}

//export kioskWindowCrashed
func kioskWindowCrashed(handle C.uintptr_t, reason C.int) {
	w, ok := cgo.Handle(handle).Value().(*Window)
	if ok && w.options.Crashed != nil {
		w.options.Crashed(int(reason))
	}
}
