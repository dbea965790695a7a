package webpush_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/webpush"
)

// The example of RFC 8291, section 5 and appendix A.
const (
	rfcPlaintext     = "When I grow up, I want to be a watermelon"
	rfcSenderPrivate = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
	rfcPrivate       = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
	rfcPublic        = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	rfcAuth          = "BTBZMqHH6r4Tts7J_aSIgg"
	rfcSalt          = "DGv6ra1nlYgDCS1FRnbzlw"
	rfcBody          = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_" +
		"yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
	rfcSubscription = `{"endpoint": "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV", "keys": {"p256dh": "` + rfcPublic + `", "auth": "` + rfcAuth + `"}}`
)

func decoded(tb testing.TB, text string) []byte {
	tb.Helper()
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func rfcKeys(tb testing.TB) *webpush.Keys {
	tb.Helper()
	var keys webpush.Keys
	if err := json.Unmarshal(fmt.Appendf(nil, `{"private": %q, "auth": %q}`, rfcPrivate, rfcAuth), &keys); err != nil {
		tb.Fatal(err)
	}
	return &keys
}

func newPair(tb testing.TB) (*webpush.Keys, *webpush.Subscription) {
	tb.Helper()
	keys, err := webpush.NewKeys()
	if err != nil {
		tb.Fatal(err)
	}
	sub, err := keys.Subscription("https://push.example.net/a")
	if err != nil {
		tb.Fatal(err)
	}
	return keys, sub
}

func TestEncrypt_ExampleOfTheRFC(t *testing.T) {
	t.Parallel()
	sub, err := webpush.ParseSubscription([]byte(rfcSubscription))
	if err != nil {
		t.Fatal(err)
	}
	body, err := webpush.EncryptWith(sub, []byte(rfcPlaintext), decoded(t, rfcSenderPrivate), decoded(t, rfcSalt))
	if err != nil {
		t.Fatal(err)
	}
	if got := base64.RawURLEncoding.EncodeToString(body); got != rfcBody {
		t.Errorf("got %s\nwant %s", got, rfcBody)
	}
	plaintext, err := rfcKeys(t).Decrypt(decoded(t, rfcBody))
	if err != nil || string(plaintext) != rfcPlaintext {
		t.Errorf("got %q, %v, want %q", plaintext, err, rfcPlaintext)
	}
}

func TestEncrypt_Sizes(t *testing.T) {
	t.Parallel()
	keys, sub := newPair(t)
	for _, size := range []int{0, 1, 2000, webpush.MaxPlaintext - 1, webpush.MaxPlaintext} {
		want := bytes.Repeat([]byte{0}, size) // a message may end like padding
		body, err := webpush.Encrypt(sub, want)
		if err != nil {
			t.Fatal(err)
		}
		if len(body) != size+103 || len(body) > 4096 {
			t.Errorf("%d bytes became %d, want 103 more and 4096 at most", size, len(body))
		}
		if got, err := keys.Decrypt(body); err != nil || !bytes.Equal(got, want) {
			t.Errorf("size %d: got %d bytes, %v, want what was encrypted", size, len(got), err)
		}
	}
	if webpush.MaxPlaintext != 3993 {
		t.Errorf("%d bytes at most, want 3993 as in RFC 8291, section 4", webpush.MaxPlaintext)
	}
	if _, err := webpush.Encrypt(sub, make([]byte, 3994)); err == nil || err.Error() != "encrypting a message: 3994 bytes, want at most 3993" {
		t.Errorf("got %v, want a message that is too large to be refused", err)
	}
}

func TestEncrypt_NeverTheSameTwice(t *testing.T) {
	t.Parallel()
	_, sub := newPair(t)
	first, err := webpush.Encrypt(sub, []byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := webpush.Encrypt(sub, []byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first[:16], second[:16]) || bytes.Equal(first[21:86], second[21:86]) {
		t.Error("two messages have the same salt or key, want new ones for each: else a nonce is used twice")
	}
}

func TestKeys_DecryptRefusesEveryFlippedBit(t *testing.T) {
	t.Parallel()
	keys, body := rfcKeys(t), decoded(t, rfcBody)
	const recordSize = 16 // where the field begins, which is not authenticated: a larger record size changes nothing
	for at := range body {
		for bit := range 8 {
			if at >= recordSize && at < recordSize+4 {
				continue
			}
			body[at] ^= 1 << bit
			if got, err := keys.Decrypt(body); err == nil {
				t.Fatalf("byte %d, bit %d is flipped, and it decrypts to %q", at, bit, got)
			}
			body[at] ^= 1 << bit
		}
	}
}

func TestKeys_DecryptRefuses(t *testing.T) {
	t.Parallel()
	keys, body := rfcKeys(t), decoded(t, rfcBody)
	others, _ := newPair(t)
	edited := func(at int, with ...byte) []byte {
		out := bytes.Clone(body)
		copy(out[at:], with)
		return out
	}
	for _, tc := range []struct {
		name string
		keys *webpush.Keys
		body []byte
		want string
	}{
		{"nothing", keys, nil, "decrypting a message: 0 bytes, want at least 103"},
		{"a header alone", keys, body[:86], "decrypting a message: 86 bytes, want at least 103"},
		{"a cut record", keys, body[:len(body)-1], "decrypting a message: cipher: message authentication failed"},
		{"records that are smaller", keys, edited(16, 0, 0, 0, 18), "decrypting a message: 58 bytes in records of 18, want one record"},
		{"a key of another length", keys, edited(20, 32), "decrypting a message: a key of 32 bytes, want 65"},
		{"a key beside the curve", keys, edited(85, body[85]^1), "decrypting a message: the sender's key is not on the curve P-256"},
		{"somebody else's keys", others, body, "decrypting a message: cipher: message authentication failed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if _, err := tc.keys.Decrypt(tc.body); err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestKeys_DecryptPadding(t *testing.T) {
	t.Parallel()
	sub, err := webpush.ParseSubscription([]byte(rfcSubscription))
	if err != nil {
		t.Fatal(err)
	}
	const unended = "decrypting a message: no end of the last record in front of the padding"
	for _, tc := range []struct{ name, record, want, mistake string }{
		{"none", "text\x02", "text", ""},
		{"some", "text\x02\x00\x00\x00", "text", ""},
		{"to the largest record", "text\x02" + strings.Repeat("\x00", 3989), "text", ""},
		{"of nothing", "\x02\x00", "", ""},
		{"what looks like padding", "text\x02\x00\x02", "text\x02\x00", ""},
		{"not the last record", "text\x01", "", unended},
		{"no end", "text", "", unended},
		{"nothing but padding", "\x00\x00", "", unended},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			body, err := webpush.Seal(sub, decoded(t, rfcBody), []byte(tc.record), decoded(t, rfcSenderPrivate))
			if err != nil {
				t.Fatal(err)
			}
			got, err := rfcKeys(t).Decrypt(body)
			mistake := ""
			if err != nil {
				mistake = err.Error()
			}
			if string(got) != tc.want || mistake != tc.mistake {
				t.Errorf("got %q, %q, want %q, %q", got, mistake, tc.want, tc.mistake)
			}
		})
	}
}

func FuzzKeys_Decrypt(f *testing.F) {
	keys := rfcKeys(f)
	f.Add(decoded(f, rfcBody))
	f.Add([]byte{})
	f.Add(make([]byte, 103))
	f.Fuzz(func(t *testing.T, body []byte) {
		plaintext, err := keys.Decrypt(body)
		if err == nil && len(plaintext) > len(body)-103 {
			t.Errorf("%d bytes decrypted to %d", len(body), len(plaintext))
		}
	})
}
