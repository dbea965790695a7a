package httpkind_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestCall_PutsTheMarkerEverywhere(t *testing.T) {
	t.Setenv("TEST_CALL_KEY", "hunter2")
	call := httpkind.Call{
		URL: "https://shop.example/p/{{marker}}?m={{marker}}", Headers: map[string]string{"x-trace": "t-{{marker}}", "Accept": "text/plain"},
		SecretHeaders: map[string]probe.Secret{"Authorization": {Env: "TEST_CALL_KEY"}}, Body: `{"note":"{{marker}}","n":{{marker}}}`,
	}
	ready, err := call.Compile("source", http.MethodPut)
	if err != nil {
		t.Fatal(err)
	}
	for _, marker := range []string{"1", "2"} { // one request changes no other
		got := ready.With(marker)
		want := http.Header{
			"X-Trace": {"t-" + marker}, "Accept": {"text/plain"}, "Authorization": {"hunter2"}, "Content-Type": {"application/json"},
		}
		if diff := cmp.Diff(want, got.Header); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
		if got.Method != http.MethodPut || got.URL != "https://shop.example/p/"+marker+"?m="+marker || string(got.Body) != `{"note":"`+marker+`","n":`+marker+`}` {
			t.Errorf("got %s %s with %s", got.Method, got.URL, got.Body)
		}
	}
	if diff := cmp.Diff([]string{"hunter2"}, ready.Secrets); diff != "" || ready.Target.Host != "shop.example" {
		t.Errorf("target %v, secrets (-want +got):\n%s", ready.Target, diff)
	}
}

func TestCall_HidesItsBody(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		body string
		want []string
	}{
		"JSON":                 {`{"user":{"password":"hunter2-SECRET"},"tries":["hunter3"],"n":1234567,"short":"en"}`, []string{"hunter2-SECRET", "hunter3"}},
		"around the marker":    {`{"note":"hunter2-{{marker}}-hunter3"}`, []string{"-hunter3", "hunter2-"}},
		"a marker as a number": {`{"id":{{marker}},"password":"hunter2"}`, []string{"hunter2"}},
		"XML":                  {`<login key="hunter2"><pass>hunter3</pass><note>{{marker}}</note></login>`, []string{"hunter2", "hunter3"}},
		"form":                 {"id={{marker}}&pass=hunter2%21", []string{"&pass=hunter2%21", "hunter2%21", "hunter2!"}},
		"lines":                {"{{marker}}\nhunter2\r\nhunter2", []string{"hunter2"}},
		"none":                 {"", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ready, err := (&httpkind.Call{URL: "https://shop.example/", Body: c.body}).Compile("source", http.MethodPost)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, ready.Secrets, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("secrets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCall_Has(t *testing.T) {
	t.Parallel()
	for _, with := range []httpkind.Call{
		{URL: "https://a.example/{{marker}}"}, {Body: "{{marker}}"}, {Headers: map[string]string{"X": "{{marker}}"}},
	} {
		if !with.Has() {
			t.Errorf("%+v has the marker, got that it has not", with)
		}
	}
	if (&httpkind.Call{URL: "https://a.example/", Body: "marker"}).Has() {
		t.Error("a call without a marker has one")
	}
}

func TestCall_Mistakes(t *testing.T) {
	t.Parallel()
	call := httpkind.Call{
		URL: "https://{{marker}}.shop.example/", Method: "BREW",
		SecretHeaders: map[string]probe.Secret{"X-Key": {Env: "TEST_CALL_NOT_SET"}}, Headers: map[string]string{"Cookie": "hunter2"},
	}
	_, err := call.Compile("trigger", http.MethodPost)
	if err == nil {
		t.Fatal("got no error")
	}
	want := []string{
		"trigger.url: {{marker}} is part of the host, want it in path or query",
		`trigger.method: "BREW", want one of GET, POST, PUT, PATCH, DELETE`,
		"trigger.headers.Cookie: is a credential, want it in secret_headers as {file: …} or {env: …}",
		"trigger.secret_headers.X-Key: environment variable TEST_CALL_NOT_SET is not set",
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
	call = httpkind.Call{URL: "nowhere"}
	if _, err := call.Compile("trigger", http.MethodPost); err == nil || !strings.HasPrefix(err.Error(), "trigger.url: ") {
		t.Errorf("got %v, want trigger.url: …", err)
	}
}
