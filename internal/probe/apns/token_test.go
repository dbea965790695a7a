package apns_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe/apns"
)

// issuedAt returns when a provider token says that it was made.
func issuedAt(tb testing.TB, token string) time.Time {
	tb.Helper()
	parts := strings.Split(token, ".")
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		tb.Fatal(err)
	}
	var c claims
	if err := json.Unmarshal(body, &c); err != nil {
		tb.Fatal(err)
	}
	return time.Unix(c.IssuedAt, 0)
}

// TestToken_IsTheSameForHalfAnHour walks through a day minute by minute.
func TestToken_IsTheSameForHalfAnHour(t *testing.T) {
	a := newApple(t)
	file := a.keyFile(t)
	begin := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	changes, last := []time.Time{}, ""
	for now := begin; now.Before(begin.AddDate(0, 0, 1)); now = now.Add(time.Minute) {
		token, err := apns.Token(file, keyID, teamID, now)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := verify(&a.key.PublicKey, token); !ok {
			t.Fatalf("the token of %v is not signed by the key", now)
		}
		// Another clock may be a minute behind, and a token must not be older than an hour there.
		if age := now.Sub(issuedAt(t, token)); age < time.Minute || age > 31*time.Minute {
			t.Errorf("at %v the token is %v old, want 1m to 31m", now, age)
		}
		if token != last {
			changes = append(changes, now)
		}
		last = token
	}
	for i := 2; i < len(changes); i++ {
		if between := changes[i].Sub(changes[i-1]); between != 30*time.Minute {
			t.Errorf("the token changes after %v, want 30m", between)
		}
	}
	if len(changes) != 49 {
		t.Errorf("the token changes %d times in a day, want 48 times", len(changes)-1)
	}
}

func TestToken_DependsOnTheKey(t *testing.T) {
	now := time.Now()
	token := func(a *apple) string {
		token, err := apns.Token(a.keyFile(t), keyID, teamID, now)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	a := newApple(t)
	if here, there := token(a), token(a); here != there {
		t.Error("two agents with the same key present two tokens")
	}
	if token(a) == token(newApple(t)) {
		t.Error("two keys give the same token")
	}
}

// TestProbe_RestartsPresentOneToken builds the touchpoint anew for each message, as a crash loop and replicas do. The
// stand-in refuses a key whose token changes oftener than every 20 minutes, and counts them.
func TestProbe_RestartsPresentOneToken(t *testing.T) {
	const restarts = 50
	a := newApple(t)
	begin := time.Now()
	for range restarts {
		r := take(t, a.build(t, nil).Prober)
		want(t, &r, "", "delivered")
	}
	// More than one is right only when a step of half an hour ended meanwhile.
	steps := make(map[time.Time]bool)
	for _, at := range []time.Time{begin, time.Now()} {
		steps[at.Add(-time.Minute).Truncate(30*time.Minute)] = true
	}
	if len(a.tokens) > len(steps) {
		t.Errorf("%d restarts presented %d provider tokens, want %d", restarts, len(a.tokens), len(steps))
	}
	if got := len(a.messages()); got != restarts {
		t.Errorf("%d messages were sent, want %d", got, restarts)
	}
}

// TestStandIn_RefusesTokensThatChange shows what happens to a sender that makes a token for every message.
func TestStandIn_RefusesTokensThatChange(t *testing.T) {
	a := newApple(t)
	now := time.Now()
	for i, want := range []string{"", "TooManyProviderTokenUpdates"} {
		token, err := apns.TokenAt(a.keyFile(t), keyID, teamID, now.Add(-time.Duration(i)*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if _, got := a.checkToken("bearer "+token, now); got != want {
			t.Errorf("token %d: got %q, want %q", i, got, want)
		}
	}
}
