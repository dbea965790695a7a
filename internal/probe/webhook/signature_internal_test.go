package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func sum(key, content string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(content))
	return mac.Sum(nil)
}

// TestVerify_VectorsOfOthers uses what the documentation of the schemes gives as examples.
func TestVerify_VectorsOfOthers(t *testing.T) {
	t.Parallel()
	key, err := decodeKey(schemeStandard, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	standard := verifier{scheme: schemeStandard, key: key, tolerance: time.Minute}
	header := http.Header{
		"Webhook-Id": {"msg_p5jXN8AQM9LWM0D4loKWxJek"}, "Webhook-Timestamp": {"1614265330"},
		"Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
	}
	if flaw := standard.verify(header, []byte(`{"test": 2432232314}`), time.Unix(1614265330, 0)); flaw != nil {
		t.Errorf("the example of Standard Webhooks: %+v", flaw)
	}
	github := verifier{scheme: schemeGitHub, header: "X-Hub-Signature-256", key: []byte("It's a Secret to Everybody")}
	header = http.Header{"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}}
	if flaw := github.verify(header, []byte("Hello, World!"), time.Now()); flaw != nil {
		t.Errorf("the example of GitHub: %+v", flaw)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	const key, body, tolerance = "key-of-the-hook-0", `{"order":1}`, 5 * time.Minute
	now := time.Unix(1_800_000_000, 0)
	at := func(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }
	standard := func(key, time, body string) http.Header {
		return http.Header{
			"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {time},
			"Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(sum(key, "msg_1."+time+"."+body))},
		}
	}
	stripe := func(key, time, body string) http.Header {
		return http.Header{"Stripe-Signature": {"t=" + time + ",v1=" + hex.EncodeToString(sum(key, time+"."+body)) + ",v0=00"}}
	}
	github := func(key, _, body string) http.Header {
		return http.Header{"X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(sum(key, body))}}
	}
	schemes := []struct {
		verifier
		sign  func(key, time, body string) http.Header
		field string
	}{
		{verifier{schemeStandard, "", []byte(key), tolerance}, standard, "Webhook-Signature"},
		{verifier{schemeStripe, "Stripe-Signature", []byte(key), tolerance}, stripe, "Stripe-Signature"},
		{verifier{schemeGitHub, "X-Hub-Signature-256", []byte(key), tolerance}, github, "X-Hub-Signature-256"},
	}
	check := func(t *testing.T, v *verifier, what string, header http.Header, body string, want probe.CheckID) {
		t.Helper()
		got := probe.CheckID("")
		if flaw := v.verify(header, []byte(body), now); flaw != nil {
			got = flaw.Check
		}
		if got != want {
			t.Errorf("%s: %s: got %q, want %q", v.scheme, what, got, want)
		}
	}
	for _, s := range schemes {
		timed := badTime
		if s.scheme == schemeGitHub {
			timed = "" // it signs no time
		}
		check(t, &s.verifier, "fine", s.sign(key, at(0), body), body, "")
		check(t, &s.verifier, "another key", s.sign("key-of-the-hook-1", at(0), body), body, badSignature)
		check(t, &s.verifier, "another body", s.sign(key, at(0), body), body+" ", badSignature)
		check(t, &s.verifier, "no signature", http.Header{}, body, badSignature)
		check(t, &s.verifier, "just tolerated", s.sign(key, at(-tolerance), body), body, "")
		check(t, &s.verifier, "too old", s.sign(key, at(-tolerance-time.Second), body), body, timed)
		check(t, &s.verifier, "just not too early", s.sign(key, at(tolerance), body), body, "")
		check(t, &s.verifier, "too early", s.sign(key, at(tolerance+time.Second), body), body, timed)
		check(t, &s.verifier, "no time", s.sign(key, "now", body), body, timed)
		cut := s.sign(key, at(0), body)
		cut.Set(s.field, cut.Get(s.field)[:20])
		check(t, &s.verifier, "a part of it", cut, body, badSignature)
	}
	changed := standard(key, at(-time.Minute), body)
	changed.Set("Webhook-Timestamp", at(0))
	check(t, &schemes[0].verifier, "another time than was signed", changed, body, badSignature)
	several := standard(key, at(0), body)
	several.Set("Webhook-Signature", "v1a,AAAA v1,AAAA "+several.Get("Webhook-Signature")+" v2,AAAA")
	check(t, &schemes[0].verifier, "several signatures", several, body, "")
	two := stripe(key, at(0), body)
	two.Set("Stripe-Signature", two.Get("Stripe-Signature")+", v1=00")
	check(t, &schemes[1].verifier, "two signatures", two, body, "")
	check(t, &verifier{scheme: schemeNone}, "unsigned", http.Header{}, body, "")
}

func TestPast_ForgetsTheOldest(t *testing.T) {
	t.Parallel()
	p := newPast()
	for i := range maxPast + 1 {
		p.add(strconv.Itoa(i), i%2 == 0)
	}
	if _, known := p.arrived["0"]; known || len(p.arrived) != maxPast || p.arrived["1"] || !p.arrived["2"] {
		t.Errorf("got %d markers %v, want the latest %d as they ended", len(p.arrived), p.arrived, maxPast)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("msg_1", "1800000000", "v1,AAAA v1a,", []byte("{}"))
	f.Add("", "", "t=1,v1=00,v1=zz", []byte("x"))
	f.Add("", "", "sha256=00ff", []byte(nil))
	key := []byte("key-of-the-hook-0")
	f.Fuzz(func(t *testing.T, id, at, signature string, body []byte) {
		header := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {signature}, "X": {signature}}
		for _, scheme := range []string{schemeStandard, schemeStripe, schemeGitHub} {
			v := verifier{scheme: scheme, header: "X", key: key, tolerance: time.Minute}
			if v.verify(header, body, time.Unix(1_800_000_000, 0)) == nil {
				t.Errorf("%s: %q was taken of somebody who has no key", scheme, signature)
			}
		}
	})
}
