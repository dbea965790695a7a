package fcm_test

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe/fcm"
)

func TestProbe_OldTarget(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	cases := map[string]struct {
		age  time.Duration
		want string // detail of the finding; empty for none
	}{
		"young":         {30*day - time.Hour, ""},
		"a month":       {31 * day, "the token's file was written 31 days ago, want at most 30; FCM stops taking it after 270"},
		"nine months":   {271 * day, "the token's file was written 271 days ago, want at most 30; FCM takes none that was not seen for 270"},
		"of the future": {-day, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			written := time.Now().Add(-c.age)
			s := start(t, func(fc *fcm.Config) { age(t, fc.TokenFile, written) })
			r := s.take(patience)
			got := ""
			if f := r.Find("push_target_stale"); f != nil {
				got = f.Detail
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if at, _ := value(&r, "push_target_refreshed_timestamp_seconds", ""); at != float64(written.Unix()) {
				t.Errorf("refreshed at %v, want %d", at, written.Unix())
			}
		})
	}
}

// A file that is written again, even with the same token, is young again, and a device that was gone is asked for again.
func TestProbe_TargetWrittenAgain(t *testing.T) {
	t.Parallel()
	var file string
	s := start(t, func(c *fcm.Config) { file = c.TokenFile; age(t, file, time.Now().Add(-100*24*time.Hour)) })
	s.set(func(s *standin) {
		s.onSend = answer(http.StatusNotFound, "", googleError(404, "NOT_FOUND", "", fcmError("UNREGISTERED")))
	})
	for range 2 { // the second is withheld
		if r := s.take(patience); r.Reason != "push_target_gone" || r.Find("push_target_stale") == nil {
			t.Errorf("got %q and %v of an old device that is gone, want that, and that it is stale", r.Reason, r.Findings)
		}
	}
	s.set(func(s *standin) { s.onSend = nil })
	now := time.Now().Truncate(time.Second)
	age(t, file, now)
	r := s.take(patience)
	if r.Reason != "" || r.Find("push_target_stale") != nil {
		t.Errorf("got %q and %v, want a message to a device that is not stale", r.Reason, r.Findings)
	}
	if at, _ := value(&r, "push_target_refreshed_timestamp_seconds", ""); at != float64(now.Unix()) {
		t.Errorf("refreshed at %v, want %d", at, now.Unix())
	}
}

func age(t *testing.T, file string, written time.Time) {
	t.Helper()
	if err := os.Chtimes(file, written, written); err != nil {
		t.Fatal(err)
	}
}

// TestProbe_OldTargetThatAnswers takes a receipt for a sign of life, and no other answer.
func TestProbe_OldTargetThatAnswers(t *testing.T) {
	t.Parallel()
	old := func(c *fcm.Config) { age(t, c.TokenFile, time.Now().Add(-100*24*time.Hour)) }
	s := startCanary(t, old)
	s.set(func(st *standin) { st.onMessage = s.confirm })
	if r := s.take(patience); r.Find("push_target_stale") != nil {
		t.Errorf("got %v of a device that has just confirmed, want none", r.Findings)
	}
	s = start(t, old)
	s.set(func(s *standin) {
		s.onSend = answer(http.StatusNotFound, "", googleError(404, "NOT_FOUND", "", fcmError("UNREGISTERED")))
	})
	for range 2 { // the second is withheld
		if r := s.take(patience); r.Find("push_target_stale") == nil {
			t.Errorf("got %v of a device that is gone, want it stale", r.Findings)
		}
	}
}
