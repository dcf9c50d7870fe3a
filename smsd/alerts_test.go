package main

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"consigne/internal/database"
)

var (
	alertPattern  = regexp.MustCompile(`(?m)^      - alert: (Consigne[A-Za-z]+)$`)
	exprPattern   = regexp.MustCompile(`(?m)^        expr: (.+)$`)
	metricPattern = regexp.MustCompile(`\b(consigne_[a-z_]+)(?:\{([^}]*)\})?`)
	labelPattern  = regexp.MustCompile(`([a-z_]+)(=~|=)"([^"]*)"`)
)

// readAlerts gives the rules' expressions, by alert.
func readAlerts(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("../docs/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "\t") {
		t.Error("YAML takes no tabs")
	}
	out := map[string]string{}
	for _, rule := range regexp.MustCompile(`(?m)^      - `).Split(string(b), -1)[1:] {
		rule = "      - " + rule
		name, expr := alertPattern.FindStringSubmatch(rule), exprPattern.FindStringSubmatch(rule)
		if name == nil || expr == nil {
			t.Fatalf("a rule without name or expression:\n%s", rule)
		}
		if !regexp.MustCompile(`\n          severity: (critical|warning)\n`).MatchString(rule) ||
			!strings.Contains(rule, "\n          summary: ") || !strings.Contains(rule, "\n          description: ") {
			t.Errorf("%s lacks severity, summary or description", name[1])
		}
		if strings.Count(expr[1], "(") != strings.Count(expr[1], ")") || strings.Contains(expr[1], ": ") || strings.Contains(expr[1], " #") {
			t.Errorf("%s: %q is no expression, or no plain YAML", name[1], expr[1])
		}
		out[name[1]] = expr[1]
	}
	return out
}

// Every metric that a rule names is printed by a daemon that has just started,
// with the labels that the rule asks for: an alert on a name that is misspelt
// would never fire.
func TestAlerts_NameWhatIsPrinted(t *testing.T) {
	s := newStation(t, database.SQLite)
	d := s.start()
	code, printed := get(t, d.internal+"/metrics")
	if code != http.StatusOK {
		t.Fatalf("metrics answer %d", code)
	}
	series := strings.Split(printed, "\n")
	named := 0
	rules := readAlerts(t)
	for alert, expr := range rules {
		for _, m := range metricPattern.FindAllStringSubmatch(expr, -1) {
			named++
			var exact []string
			for _, l := range labelPattern.FindAllStringSubmatch(m[2], -1) {
				if l[2] == "=" {
					exact = append(exact, l[1]+`="`+l[3]+`"`)
				}
			}
			if !slices.ContainsFunc(series, func(line string) bool { return shows(line, m[1], exact) }) {
				t.Errorf("%s: nothing prints %s with %q", alert, m[1], exact)
			}
		}
	}
	if len(rules) < 5 || named < 7 {
		t.Errorf("%d rules name %d metrics: the file was not read", len(rules), named)
	}
}

func shows(line, metric string, labels []string) bool {
	if !strings.HasPrefix(line, metric+" ") && !strings.HasPrefix(line, metric+"{") {
		return false
	}
	return !slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(line, l) })
}

// The test above would be worth nothing if it took any name.
func TestShows(t *testing.T) {
	line := `consigne_smsd_webhooks_total{result="refused",webhook="status"} 0`
	for _, c := range []struct {
		metric string
		labels []string
		want   bool
	}{
		{"consigne_smsd_webhooks_total", nil, true},
		{"consigne_smsd_webhooks_total", []string{`webhook="status"`}, true},
		{"consigne_smsd_webhooks_total", []string{`webhook="inbound"`}, false},
		{"consigne_smsd_webhooks", nil, false},
		{"smsd_webhooks_total", nil, false},
	} {
		if got := shows(line, c.metric, c.labels); got != c.want {
			t.Errorf("%s %q: %v", c.metric, c.labels, got)
		}
	}
}
