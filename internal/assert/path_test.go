package assert_test

import (
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/assert"
)

func TestPath_Text(t *testing.T) {
	t.Parallel()
	document, err := assert.ParseDocument([]byte(`{"id":12345678901234567890,"price":1.50,"name":"a\"b","ok":true,"none":null,"all":[1,2],"items":[{"id":"x"},{"id":"y"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct{ want, wrong string }{
		"$.id":          {want: "12345678901234567890"},
		"$.price":       {want: "1.50"},
		"$.name":        {want: `a"b`},
		"$.ok":          {want: "true"},
		"$.items[*].id": {want: "x"},
		"$.none":        {wrong: "selects a value of type null, want string, number or boolean"},
		"$.all":         {wrong: "selects a value of type array, want string, number or boolean"},
		"$.missing":     {wrong: "selects nothing"},
	}
	for text, c := range cases {
		path, err := assert.ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := path.Text(document)
		wrong := ""
		if err != nil {
			wrong = err.Error()
		}
		if got != c.want || wrong != c.wrong {
			t.Errorf("%s: got %q and %q, want %q and %q", text, got, wrong, c.want, c.wrong)
		}
	}
}

func TestParsePath_Mistake(t *testing.T) {
	t.Parallel()
	if _, err := assert.ParsePath("items"); err == nil || !strings.Contains(err.Error(), `"items"`) {
		t.Errorf("got %v, want an error that names the path", err)
	}
}

func TestParseDocument_Bounds(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no JSON": "<html>", "empty": "", "deep": strings.Repeat("[", 300) + strings.Repeat("]", 300), "two": "{} {}",
	} {
		if _, err := assert.ParseDocument([]byte(body)); err == nil {
			t.Errorf("%s: got a document, want an error", name)
		}
	}
}
