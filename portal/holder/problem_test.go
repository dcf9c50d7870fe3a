package holder

import (
	"errors"
	"fmt"
	"testing"

	"consigne/portal/vault"
)

func TestRootType(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("secret"), "*errors.errorString"},
		{fmt.Errorf("a: %w", fmt.Errorf("b: %w", &vault.Invalid{Field: "secret"})), "*vault.Invalid"},
		{errors.Join(&vault.WrongPictures{}, errors.New("secret")), "*vault.WrongPictures"},
		{fmt.Errorf("a: %w", errors.Join(&vault.TooSoon{})), "*vault.TooSoon"},
		{nil, "<nil>"},
	} {
		if got := rootType(c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
}
