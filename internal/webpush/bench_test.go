package webpush_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/webpush"
)

// aMessage is as long as the messages of the probe.
const aMessage = `{"channelwatch_receipt":"https://receipts.example.com/v1/receipts/ABCDEFGHIJKLMNOPQRSTUVWXYZ"}`

func BenchmarkEncrypt(b *testing.B) {
	_, sub := newPair(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := webpush.Encrypt(sub, []byte(aMessage)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKeys_Decrypt(b *testing.B) {
	keys, sub := newPair(b)
	body, err := webpush.Encrypt(sub, []byte(aMessage))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := keys.Decrypt(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVAPID_Authorization(b *testing.B) {
	vapid, err := webpush.NewVAPID()
	if err != nil {
		b.Fatal(err)
	}
	endpoint, now := &url.URL{Scheme: "https", Host: "push.example.net"}, time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := vapid.Authorization(endpoint, "mailto:push@example.com", now); err != nil {
			b.Fatal(err)
		}
	}
}
