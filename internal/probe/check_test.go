package probe_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func shared(t *testing.T) *probe.Catalogue {
	t.Helper()
	catalogue, err := probe.NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	return catalogue
}

func TestSharedChecks_AreDocumented(t *testing.T) {
	t.Parallel()
	checks := shared(t).Checks()
	if !slices.IsSortedFunc(checks, func(a, b probe.Check) int { return strings.Compare(string(a.ID), string(b.ID)) }) {
		t.Error("checks are not sorted by id")
	}
	for _, check := range checks {
		if !regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`).MatchString(string(check.ID)) {
			t.Errorf("id %q, want lower-case words joined by underscores", check.ID)
		}
		if words := strings.Fields(check.Title); len(words) < 1 || len(words) > 5 || strings.HasSuffix(check.Title, ".") {
			t.Errorf("%s: got title %q, want a few words", check.ID, check.Title)
		}
		for _, sentence := range []string{check.Marketing, check.IT} {
			if !regexp.MustCompile(`^[A-Z].*[a-z].*\.$`).MatchString(sentence) {
				t.Errorf("%s: got %q, want a sentence", check.ID, sentence)
			}
		}
		if check.Dimension >= probe.NumDimensions {
			t.Errorf("%s: got dimension %v", check.ID, check.Dimension)
		}
		if strings.ContainsAny(check.Marketing, "{}_/") {
			t.Errorf("%s: got jargon in %q", check.ID, check.Marketing)
		}
	}
}

// A constant that nobody put into the table would be rated as not measured.
func TestSharedChecks_HoldEveryConstant(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	catalogue, count := shared(t), 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, value := range spec.Values {
			literal, ok := value.(*ast.BasicLit)
			if !ok {
				continue
			}
			id, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			count++
			if check, known := catalogue.Check(probe.CheckID(id)); !known || string(check.ID) != id {
				t.Errorf("%s is declared but not in the catalogue", id)
			}
		}
		return true
	})
	if got := len(catalogue.Checks()); got != count || count == 0 {
		t.Errorf("got %d checks for %d constants", got, count)
	}
}

func TestCatalogue_JoinsKinds(t *testing.T) {
	t.Parallel()
	common := probe.Check{ID: "m_common", Dimension: probe.Correct, Cap: probe.Fair, Title: "common"}
	size := probe.Metric{Name: "size_bytes", Help: "Size.", Label: "of", Values: []string{"a", "b"}, Buckets: []float64{1, 2}}
	catalogue, err := probe.NewCatalogue([]probe.Kind{
		{Name: "one", Checks: []probe.Check{common, {ID: "z_last"}}, Metrics: []probe.Metric{size}},
		{Name: "two", Checks: []probe.Check{common, {ID: "a_first"}}, Metrics: []probe.Metric{{Name: "age_seconds"}, size}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if check, ok := catalogue.Check("m_common"); !ok || check != common {
		t.Errorf("got %+v, %v, want %+v", check, ok, common)
	}
	checks := catalogue.Checks()
	if first, last := checks[0].ID, checks[len(checks)-1].ID; first != "a_first" || last != "z_last" {
		t.Errorf("got first %s and last %s, want them sorted", first, last)
	}
	if got, want := len(checks), len(shared(t).Checks())+3; got != want {
		t.Errorf("got %d checks, want %d: a common one counts once", got, want)
	}
	var metrics []string
	for _, m := range catalogue.Metrics() {
		metrics = append(metrics, m.Name)
	}
	if diff := cmp.Diff([]string{"age_seconds", "size_bytes"}, metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	checks[0].ID = "changed"
	if _, ok := catalogue.Check("a_first"); !ok {
		t.Error("changing the list changed the catalogue")
	}
}

func TestCatalogue_ChecksOfAKind(t *testing.T) {
	t.Parallel()
	twice := probe.Check{ID: "own"}
	catalogue, err := probe.NewCatalogue([]probe.Kind{
		{Name: "one", Checks: []probe.Check{twice, twice}},
		{Name: "two", Checks: []probe.Check{{ID: "other"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	has := func(kind string, id probe.CheckID) int {
		n := 0
		for _, check := range catalogue.KindChecks(kind) {
			if check.ID == id {
				n++
			}
		}
		return n
	}
	if has("one", "own") != 1 || has("one", "other") != 0 || has("two", "other") != 1 || has("one", probe.ConnectRefused) != 1 {
		t.Errorf("got %+v, want the shared checks and the kind's own, each once", catalogue.KindChecks("one"))
	}
	if got, want := len(catalogue.KindChecks("none")), len(shared(t).Checks()); got != want {
		t.Errorf("got %d checks of an unknown kind, want the %d shared ones", got, want)
	}
}

func TestCatalogue_Doubles(t *testing.T) {
	t.Parallel()
	base := probe.Metric{Name: "m", Help: "h", Type: probe.Histogram, Label: "l", Values: []string{"v"}, Buckets: []float64{1}}
	variants := map[string]probe.Metric{"help": base, "type": base, "label": base, "values": base, "buckets": base}
	change := func(name string, edit func(*probe.Metric)) {
		m := variants[name]
		edit(&m)
		variants[name] = m
	}
	change("help", func(m *probe.Metric) { m.Help = "other" })
	change("type", func(m *probe.Metric) { m.Type = probe.Counter })
	change("label", func(m *probe.Metric) { m.Label = "other" })
	change("values", func(m *probe.Metric) { m.Values = []string{"w"} })
	change("buckets", func(m *probe.Metric) { m.Buckets = []float64{2} })
	for name, variant := range variants {
		_, err := probe.NewCatalogue([]probe.Kind{{Name: "one", Metrics: []probe.Metric{base}}, {Name: "two", Metrics: []probe.Metric{variant}}})
		if want := `kind "two": metric "m" is declared differently elsewhere`; err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	_, err := probe.NewCatalogue([]probe.Kind{
		{Name: "one", Checks: []probe.Check{{ID: "c", Title: "a"}, {ID: probe.DNSFailed}}},
		{Name: "two", Checks: []probe.Check{{ID: "c", Title: "b"}}},
	})
	want := `kind "one": check "dns_failed" is declared differently elsewhere` + "\n" + `kind "two": check "c" is declared differently elsewhere`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want all at once: %s", err, want)
	}
}

func TestCatalogue_UnknownCheckIsNotMeasured(t *testing.T) {
	t.Parallel()
	check, ok := shared(t).Check("no_such_check")
	if ok || check.ID != probe.NotMeasured || check.Cap != probe.Unknown {
		t.Errorf("got %+v, %v, want not_measured and false", check, ok)
	}
}
