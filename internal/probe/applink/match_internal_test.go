package applink

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestOpens(t *testing.T) {
	t.Parallel()
	const app = "ABCDE12345.com.example.shop"
	cases := map[string]struct {
		details string // of the app; the whole applinks when it begins with {
		opens   []string
		not     []string
	}{
		"paths":       {`"paths":["NOT /a/x*","/a/*","/b/?"]`, []string{"/a/", "/a/b?q", "/b/1"}, []string{"/a/x1", "/b/12", "/B/1", "/c", "/b/"}},
		"any path":    {`"paths":["*"]`, []string{"", "/", "/a/b/c"}, nil},
		"no patterns": {`"paths":[]`, nil, []string{"/"}},
		"components go before paths": {
			`"components":[{"/":"/new"}],"paths":["/old"]`, []string{"/new"}, []string{"/old"},
		},
		"the first match decides": {
			`"components":[{"#":"web","exclude":true},{"/":"/buy/*"},{"/":"/buy/x","exclude":true}]`,
			[]string{"/buy/1", "/buy/x", "/buy/1#app"},
			[]string{"/buy/1#web", "/sell"},
		},
		"everything":          {`"components":[{}]`, []string{"/", "/x?y#z"}, nil},
		"one or more":         {`"components":[{"/":"/a/?*"}]`, []string{"/a/b", "/a/b/c"}, []string{"/a/", "/a"}},
		"no regular language": {`"components":[{"/":"/a.b+[c]"}]`, []string{"/a.b+[c]"}, []string{"/axbb"}},
		"query as a whole":    {`"components":[{"?":"a=*"}]`, []string{"/?a=1&b=2"}, []string{"/", "/?b=2&a=1"}},
		"query items": {
			`"components":[{"?":{"n":"????","m":"?*"}}]`,
			[]string{"/?n=1234&m=1", "/?m=1&x=2&n=1234"},
			[]string{"/?n=123&m=1", "/?n=1234", "/?n=1234&m=1&n=1", "/"},
		},
		"a query item that may be absent": {`"components":[{"?":{"n":"*"}}]`, []string{"/", "/?n", "/?n=1"}, nil},
		"without fragment":                {`"components":[{"#":""}]`, []string{"/a"}, []string{"/a#b"}},
		"escaped":                         {`"components":[{"/":"/caf%C3%A9"}]`, []string{"/caf%C3%A9"}, []string{"/cafe"}},
		"not escaped":                     {`"components":[{"/":"/café","percentEncoded":false}]`, []string{"/caf%C3%A9"}, []string{"/cafe"}},
		"query not escaped": {
			`"components":[{"?":{"q":"ü"},"percentEncoded":false}]`, []string{"/?q=%C3%BC"}, []string{"/?q=u"},
		},
		"any case of a component": {`"components":[{"/":"/buy","caseSensitive":false}]`, []string{"/BUY"}, nil},
		"any case of an app": {
			`"defaults":{"caseSensitive":false},"components":[{"/":"/buy"},{"/":"/help","caseSensitive":true}]`, []string{"/BUY", "/help"}, []string{"/HELP"},
		},
		"any case of the file": {
			`{"defaults":{"caseSensitive":false},"details":[{"appID":"` + app + `","components":[{"/":"/buy"}]}]}`, []string{"/BUY"}, nil,
		},
		"variables": {
			`{"substitutionVariables":{"food":["pizza","s?shi*"]},"details":[{"appIDs":["` + app + `"],"components":[{"/":"/$(lang)_$(region)/$(food)/$(digit)"}]}]}`,
			[]string{"/de_AT/pizza/1", "/en_US/sushi-set/9"},
			[]string{"/de_AT/burger/1", "/DE_AT/pizza/1", "/de_AT/pizza/x"},
		},
		"an unknown variable": {`"components":[{"/":"/$(food)"}]`, nil, []string{"/$(food)", "/"}},
		"an empty variable": {
			`{"substitutionVariables":{"food":[]},"details":[{"appIDs":["` + app + `"],"components":[{"/":"/$(food)"}]}]}`, nil, []string{"/"},
		},
		"no variable":                {`"components":[{"/":"/$(open"}]`, []string{"/$(open"}, nil},
		"letters":                    {`"components":[{"/":"/$(alpha)$(upper)$(lower)$(alnum)$(xdigit)"}]`, []string{"/aAa1f"}, []string{"/1Aa1f", "/aaa1f", "/aAa1g"}},
		"an app among several":       {`"appIDs":["x","` + app + `"],"components":[{"/":"/a"}]`, []string{"/a"}, []string{"/b"}},
		"another app":                {`{"details":[{"appID":"other","components":[{}]}]}`, nil, []string{"/"}},
		"an app in several details":  {`{"details":[{"appID":"` + app + `","paths":["/a"]},{"appID":"` + app + `","paths":["/b"]}]}`, []string{"/a", "/b"}, []string{"/c"}},
		"an app in later components": {`{"details":[{"appID":"` + app + `","components":[{"/":"/a"}]},{"appID":"` + app + `","components":[{"/":"/b"}]}]}`, []string{"/b"}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			links := c.details
			if !strings.HasPrefix(links, "{") {
				links = `{"details":[{"appID":"` + app + `",` + c.details + `}]}`
			}
			a, err := parseAssociation([]byte(`{"applinks":` + links + `}`))
			if err != nil {
				t.Fatal(err)
			}
			for i, path := range append(c.opens, c.not...) {
				link, err := url.Parse("https://shop.example" + path)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := a.opens(app, link), i < len(c.opens); got != want {
					t.Errorf("%q opens the app: %v, want %v", path, got, want)
				}
			}
		})
	}
}

func TestMatches_BoundsPatterns(t *testing.T) {
	t.Parallel()
	variables := map[string][]string{"v": {strings.Repeat("x", 1000)}}
	if matches(strings.Repeat("$(v)", 1000), strings.Repeat("x", 1_000_000), false, variables) {
		t.Error("a pattern of 1 MB matched, want it refused")
	}
	if !matches(strings.Repeat("$(v)", 10), strings.Repeat("x", 10_000), false, variables) {
		t.Error("a pattern of 10 kB did not match")
	}
}

func TestSight(t *testing.T) {
	t.Parallel()
	var s sight
	start := time.Now()
	at := func(after time.Duration, body, modified string) time.Duration {
		header := http.Header{}
		if modified != "" {
			header.Set("Last-Modified", modified)
		}
		return s.age([]byte(body), header, start.Add(after))
	}
	weekAgo := start.Add(-7 * 24 * time.Hour).UTC().Format(http.TimeFormat)
	if got := at(0, "a", ""); got != 0 {
		t.Errorf("a file that was never seen is %v old, want 0", got)
	}
	if got := at(time.Hour, "a", ""); got != time.Hour {
		t.Errorf("a file that was seen an hour ago is %v old", got)
	}
	if got := at(time.Hour, "a", weekAgo); got < 7*24*time.Hour {
		t.Errorf("a file that was modified a week ago is %v old", got)
	}
	if got := at(2*time.Hour, "b", weekAgo); got != 0 {
		t.Errorf("a file that was seen to change is %v old, want 0 whatever it says", got)
	}
	if got := at(30*time.Hour, "b", weekAgo); got != 28*time.Hour {
		t.Errorf("a file that changed 28 hours ago is %v old", got)
	}
}

func TestVersion_Compare(t *testing.T) {
	t.Parallel()
	cases := []struct {
		a, b string
		want int
	}{
		{"1", "1.0.0", 0},
		{"4.9", "4.10", -1},
		{"4.10.0", "4.9.9", 1},
		{"2-beta", "2+7", 0},
		{"10 (123)", "9", 1},
		{" 3.1 ", "3.1.1", -1},
	}
	for _, c := range cases {
		a, errA := parseVersion(c.a)
		b, errB := parseVersion(c.b)
		if errA != nil || errB != nil || a.compare(b) != c.want || b.compare(a) != -c.want {
			t.Errorf("%q and %q compare as %d (%v, %v), want %d", c.a, c.b, a.compare(b), errA, errB, c.want)
		}
	}
	for _, wrong := range []string{"", "v1", "1..2", "1.x", "-1", "1.2.3.4.5.6.7.8.9", "99999999999999999999"} {
		if v, err := parseVersion(wrong); err == nil {
			t.Errorf("%q was read as %v, want an error", wrong, v)
		}
	}
}

func FuzzAssociation(f *testing.F) {
	for _, seed := range []string{
		`{"applinks":{"details":[{"appID":"a","paths":["NOT /x","*"]}]}}`,
		`{"applinks":{"substitutionVariables":{"v":["a*"]},"details":[{"appIDs":["a"],"components":[{"/":"/$(v)","?":{"q":"??"},"#":"","exclude":true}]}]}}`,
	} {
		f.Add([]byte(seed), "/x?q=12#f")
	}
	f.Fuzz(func(t *testing.T, data []byte, path string) {
		link, err := url.Parse("https://shop.example/" + path)
		if err != nil {
			return
		}
		a, err := parseAssociation(data)
		if err != nil {
			return
		}
		if a.opens("a", link) && !a.names("a") {
			t.Errorf("%s opens an app that is not named", link)
		}
	})
}

func FuzzStatements(f *testing.F) {
	f.Add([]byte(`[{"relation":["delegate_permission/common.handle_all_urls"],"target":{"namespace":"android_app","package_name":"a","sha256_cert_fingerprints":["AA"]}},{"include":"x"}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseStatements(data)
		if err != nil {
			return
		}
		if keys, named := s.keys("a"); len(keys) > 0 && !named {
			t.Error("keys of a package that is not named")
		}
		s.includes()
	})
}

// What a file asks for is known before it is done.
func TestAssociation_Work(t *testing.T) {
	t.Parallel()
	modest, err := parseAssociation([]byte(`{"applinks":{"substitutionVariables":{"food":["pizza","pasta"]},"details":[{"appID":"a","components":[{"/":"/$(food)/*"},{"#":"x"}]}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := modest.work(); got > 100 {
		t.Errorf("a file of two patterns takes %d, want next to nothing", got)
	}
	values := `"` + strings.Repeat(`xxxxxxxxx","`, 6000) + `"`
	patterns := strings.Repeat(`{"/":"/$(v)"},`, 200) + `{"/":"/"}`
	hostile, err := parseAssociation([]byte(`{"applinks":{"substitutionVariables":{"v":[` + values + `]},"details":[{"appID":"a","components":[` + patterns + `]}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := hostile.work(); got <= maxWork {
		t.Errorf("200 patterns over 6000 values take %d, want more than %d", got, maxWork)
	}
}
