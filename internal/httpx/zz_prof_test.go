package httpx_test

import (
	"context"
	"testing"

	"github.com/channelwatch/channelwatch/internal/httpx"
)

func BenchmarkOurs(b *testing.B) {
	addr := startTarget(b, targetEnv+"=plain")
	client, _ := httpx.New(httpx.Options{})
	b.ReportAllocs()
	b.SetParallelism(10)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			ctx, cancel := context.WithTimeout(b.Context(), benchTimeout)
			resp, err := client.Do(ctx, &httpx.Request{URL: "http://" + addr})
			cancel()
			if err != nil || resp.Reason != "" {
				b.Error(err)
			}
		}
	})
}

func BenchmarkDirect(b *testing.B) {
	addr := startTarget(b, targetEnv+"=plain")
	b.ReportAllocs()
	b.SetParallelism(10)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := direct(addr, nil); err != nil {
				b.Error(err)
			}
		}
	})
}
