package reader

// The keys that end a code, and those that only change others.
const (
	keyTab        = 15
	keyEnter      = 28
	keyLeftCtrl   = 29
	keyLeftShift  = 42
	keyRightShift = 54
	keyLeftAlt    = 56
	keyCapsLock   = 58
	keyKeypad     = 96
	keyRightCtrl  = 97
	keyRightAlt   = 100
)

// rows are the typing keys of a US keyboard, each row from its first code on: the
// plain sign and the shifted one. A card's twenty letters sit on the same keys on
// the French and the German keyboard, so for cards the layout does not matter.
var rows = []struct {
	first          uint16
	plain, shifted string
}{
	{2, "1234567890-=", "!@#$%^&*()_+"},
	{16, "qwertyuiop[]", "QWERTYUIOP{}"},
	{30, "asdfghjkl;'`", `ASDFGHJKL:"~`},
	{43, `\zxcvbnm,./`, "|ZXCVBNM<>?"},
	{57, " ", " "},
}

// sign returns what a key types without shift; capitals are as good as small
// letters in a card, so the shift's state is never looked at.
func sign(code uint16) (byte, bool) {
	for _, r := range rows {
		if code >= r.first && int(code-r.first) < len(r.plain) {
			return r.plain[code-r.first], true
		}
	}
	return 0, false
}

// keyOf returns the key that types c, and whether shift is held for it.
func keyOf(c byte) (code uint16, shift, ok bool) {
	for _, r := range rows {
		for i := range len(r.plain) {
			switch c {
			case r.plain[i]:
				return r.first + uint16(i), false, true
			case r.shifted[i]:
				return r.first + uint16(i), true, true
			}
		}
	}
	return 0, false, false
}

func modifier(code uint16) bool {
	switch code {
	case keyLeftCtrl, keyRightCtrl, keyLeftShift, keyRightShift, keyLeftAlt, keyRightAlt, keyCapsLock:
		return true
	}
	return false
}

func ends(code uint16) bool {
	return code == keyEnter || code == keyTab || code == keyKeypad
}
