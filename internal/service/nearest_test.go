package service

import "testing"

func TestMisspelt(t *testing.T) {
	for given, want := range map[string]string{
		"PAGER_TOKEN": "", "PAGER_TOKNE": "PAGER_TOKEN", "PAGER_TOKE": "PAGER_TOKEN", "PAGER_URL": "", "PAGER_URLS": "PAGER_URL",
		"PAGER_REGION": "", "PATH": "", "": "",
	} {
		if got := Misspelt(given, "PAGER_TOKEN", "PAGER_URL"); got != want {
			t.Errorf("Misspelt(%q) = %q, want %q", given, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "ab", 1},
		{"abc", "xabc", 1}, {"sevre", "serve", 2}, {"kitten", "sitting", 3}, {"é", "e", 1},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := distance(c.b, c.a); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.b, c.a, got, c.want)
		}
	}
}
