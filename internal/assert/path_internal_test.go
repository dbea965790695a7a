package assert

import "testing"

// A service chooses the document, so a path must not take the square of it.
func TestParsePath_RefusesWhatGrowsWithTheSquare(t *testing.T) {
	t.Parallel()
	for text, fine := range map[string]bool{
		"$.items[0].price": true, "$..price": true, "$.items[?@.price > 5].id": true, `$["a..b"]..c`: true, `$['$']`: true, `$[?@.a == "$"]`: true,
		"$..*..*": false, "$..a..b": false, "$.a[?count($.a[*])>1]": false, "$[?@.a == $.b]": false, "items": false,
	} {
		if _, err := ParsePath(text); (err == nil) != fine {
			t.Errorf("%s: got %v, want it taken: %v", text, err, fine)
		}
	}
}
