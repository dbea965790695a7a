package ledger

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"
)

// BenchmarkServer is what a request costs without its connection: a guess by a stranger, and a message of a sender that is
// reported and confirmed, with as many messages outstanding as a book keeps.
func BenchmarkServer(b *testing.B) {
	const token = "the-token-of-a-sender"
	l := New()
	s, err := NewServer(Options{Ledger: l})
	if err != nil {
		b.Fatal(err)
	}
	book := l.OpenBook(token, time.Hour)
	defer book.Close()
	report := func(n int) submission {
		return submission{what: report, id: fmt.Sprintf("%032x", n), token: token}
	}
	for n := range maxMessages - 1 {
		l.take(report(n), time.Now(), func() bool { return true })
	}
	b.Run("guess", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, receiptPath+report(1<<30+n).id, nil)
			s.ServeHTTP(httptest.NewRecorder(), r)
		}
	})
	b.Run("message", func(b *testing.B) {
		b.ReportAllocs()
		for n := maxMessages; b.Loop(); n++ {
			l.take(report(n), time.Now(), func() bool { return true })
			s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(b.Context(), http.MethodPost, receiptPath+report(n).id, nil))
			b.StopTimer()
			book.Settle()
			b.StartTimer()
		}
	})
}

// BenchmarkWaiting is what a message of a sender takes while it waits for its receipt.
func BenchmarkWaiting(b *testing.B) {
	for b.Loop() {
		l := New()
		book := l.OpenBook("the-token-of-a-sender", time.Hour)
		before := inUse()
		for n := range maxMessages {
			l.take(submission{what: report, id: fmt.Sprintf("%032x", n), token: "the-token-of-a-sender"}, time.Now(), func() bool { return true })
		}
		b.ReportMetric(float64(inUse()-before)/maxMessages, "B/message")
		book.Close()
	}
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
