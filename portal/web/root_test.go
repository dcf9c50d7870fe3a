package web_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"consigne/portal/web"
)

func TestRootType(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, "<nil>"},
		{errors.New("secret"), "*errors.errorString"},
		{fmt.Errorf("a: %w", fmt.Errorf("b: %w", &fs.PathError{Op: "open", Path: "secret", Err: nil})), "*fs.PathError"},
		{errors.Join(&fs.PathError{Path: "secret"}, errors.New("secret")), "*fs.PathError"},
		{fmt.Errorf("a: %w and %w", errors.New("secret"), &fs.PathError{}), "*errors.errorString"},
		{fmt.Errorf("a: %w", errors.Join(fmt.Errorf("b: %w", &fs.PathError{}))), "*fs.PathError"},
	} {
		if got := web.RootType(c.err); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
