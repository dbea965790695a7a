package pushservice

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// away returns a store with a subscription whose receiver is away.
func away(t *testing.T) (*store, *subscription) {
	t.Helper()
	st := newStore()
	s := &session{}
	uaid, _, _ := st.connect("", s)
	token, ok := st.subscribe(uaid, "a", "")
	if !ok {
		t.Fatal("the receiver is not known")
	}
	st.disconnect(uaid, s)
	sub, _ := st.find(token)
	return st, sub
}

// back connects the receiver of a subscription and returns the names of what waits for it.
func back(st *store, sub *subscription) string {
	_, waiting, _ := st.connect(sub.user.uaid, &session{})
	var names strings.Builder
	for _, m := range waiting {
		names.WriteString(m.version)
	}
	return names.String()
}

func TestStore_TTL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		ttl  time.Duration
		gone time.Duration // how long the receiver is away
		want string
	}{
		{"at once or never", 0, 0, ""},
		{"within", time.Minute, time.Minute - time.Nanosecond, "m"},
		{"at its end", time.Minute, time.Minute, ""},
		{"the longest", maxTTL, maxTTL - time.Second, "m"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				st, sub := away(t)
				if receiver := st.put(&message{to: sub, version: "m", ttl: tc.ttl}); receiver != nil {
					t.Error("there is a receiver, want it to be away")
				}
				time.Sleep(tc.gone) //nolint:forbidigo // by the clock of this test
				if got := back(st, sub); got != tc.want {
					t.Errorf("%q waits, want %q", got, tc.want)
				}
			})
		})
	}
}

// TestStore_OnItsWay loses the connection of a receiver that has not acknowledged what it was sent.
func TestStore_OnItsWay(t *testing.T) {
	t.Parallel()
	st, sub := away(t)
	s := &session{}
	uaid, _, _ := st.connect(sub.user.uaid, s)
	for version, ttl := range map[string]time.Duration{"a": 0, "b": time.Minute, "c": time.Minute} {
		if receiver := st.put(&message{to: sub, version: version, ttl: ttl}); receiver != s {
			t.Errorf("message %s goes to %v, want the receiver", version, receiver)
		}
	}
	st.acknowledge(uaid, "c", 100)
	st.acknowledge(uaid, "unknown", 100)
	st.acknowledge("nobody", "b", 100)
	st.disconnect(uaid, &session{}) // one of before, which says nothing about this one
	if st.sessions()[0] != s {
		t.Error("the end of another connection ended this one")
	}
	st.disconnect(uaid, s)
	if got := back(st, sub); got != "b" {
		t.Errorf("%q waits, want b alone: a had no TTL, c was acknowledged", got)
	}
}

func TestStore_TopicsAreOfOneSubscription(t *testing.T) {
	t.Parallel()
	st, first := away(t)
	token, _ := st.subscribe(first.user.uaid, "b", "")
	second, _ := st.find(token)
	for _, m := range []*message{
		{to: first, version: "1", topic: "t"},
		{to: second, version: "2", topic: "t"},
		{to: first, version: "3"},
		{to: first, version: "4", topic: "t"},
		{to: first, version: "5"},
	} {
		m.ttl = time.Minute
		st.put(m)
	}
	if got := back(st, first); got != "2345" {
		t.Errorf("%q waits, want 2345: only 1 was replaced", got)
	}
}

func TestStore_EndedSubscription(t *testing.T) {
	t.Parallel()
	st, sub := away(t)
	st.put(&message{to: sub, version: "1", ttl: time.Minute})
	st.unsubscribe("somebody else", "a")
	st.unsubscribe(sub.user.uaid, "another")
	if found, gone := st.find(sub.token); found != sub || gone {
		t.Error("the end of another subscription ended this one")
	}
	st.unsubscribe(sub.user.uaid, "a")
	st.put(&message{to: sub, version: "2", ttl: time.Minute}) // it was on its way
	if found, gone := st.find(sub.token); found != nil || !gone {
		t.Errorf("found %v, gone %v, want it to be known as gone", found, gone)
	}
	if got := back(st, sub); got != "" {
		t.Errorf("%q waits, want nothing", got)
	}
}
