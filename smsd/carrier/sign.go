package carrier

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"slices"
)

// SignatureHeader bears the signature of a webhook call.
const SignatureHeader = "X-Twilio-Signature"

// Sign signs a webhook call in Twilio's way: HMAC-SHA1 over the address and the
// form's names and values, sorted by name
// (https://www.twilio.com/docs/usage/security#validating-requests).
func Sign(token, url string, form map[string]string) string {
	h := hmac.New(sha1.New, []byte(token))
	h.Write([]byte(url))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		h.Write([]byte(name + form[name]))
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
