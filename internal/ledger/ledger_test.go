package ledger_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServer_TakesTheReceiptOfAMessageOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, ledger.Options{})
	account := s.Account()
	e, other := account.Expect(time.Now().Add(time.Minute)), account.Expect(time.Now().Add(time.Minute))
	before := time.Now()
	for range 2 {
		s.send(http.MethodPost, "/v1/receipts/"+e.ID, "")
	}
	select {
	case a := <-e.Arrivals():
		if !a.Intact || a.At.Before(before) || time.Now().Before(a.At) {
			t.Errorf("got the arrival %+v, want an intact one of now", a)
		}
	default:
		t.Fatal("no arrival")
	}
	if len(e.Arrivals()) > 0 || len(other.Arrivals()) > 0 {
		t.Error("a second arrival, or one of another message, want one")
	}
	if s.count("receipt") != 1 || s.count("repeated") != 1 {
		t.Errorf("got %+v, want one receipt and one repeated", s.Readings())
	}
}

func TestLedger_ReceiptsEndWithTheirWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ledger.New()
		account := l.Account()
		inTime, late, forgotten := account.Expect(time.Now().Add(time.Minute)), account.Expect(time.Now().Add(time.Minute)), account.Expect(time.Now().Add(time.Hour))
		account.Forget(forgotten)
		<-time.After(time.Minute)
		if !l.Confirm(inTime.ID, time.Now()) {
			t.Error("a receipt at the end of the window is refused")
		}
		<-time.After(1)
		for _, test := range []struct {
			name string
			id   string
		}{{"after the window", late.ID}, {"once more", late.ID}, {"of a message that was forgotten", forgotten.ID}, {"of none", "nobody-waits-for-this"}} {
			if l.Confirm(test.id, time.Now()) {
				t.Errorf("a receipt %s is taken", test.name)
			}
		}
		if len(inTime.Arrivals()) != 1 || len(late.Arrivals()) != 0 || len(forgotten.Arrivals()) != 0 {
			t.Error("want one arrival in time and no other")
		}
		account.Forget(inTime) // has arrived: its receipt stays one that came before
		l.Confirm(inTime.ID, time.Now())
		if got := countsOf(l); got != (counts{receipt: 1, repeated: 1, expired: 3, unknown: 1}) {
			t.Errorf("got %+v", got)
		}
	})
}

// counts are the readings of a ledger.
type counts struct {
	receipt, report, heartbeat, webhook                          float64
	repeated, expired, unknown, limited, malformed, unauthorized float64
}

func countsOf(l *ledger.Ledger) counts {
	var c counts
	for _, r := range l.Readings() {
		*map[string]*float64{
			"receipt": &c.receipt, "report": &c.report, "heartbeat": &c.heartbeat, "webhook": &c.webhook, "repeated": &c.repeated, "expired": &c.expired,
			"unknown": &c.unknown, "limited": &c.limited, "malformed": &c.malformed, "unauthorized": &c.unauthorized,
		}[r.Labels[0].Value] = r.Value
	}
	return c
}

func TestReadings_AreThereFromTheStart(t *testing.T) {
	t.Parallel()
	labels := map[string][]string{}
	for _, r := range ledger.New().Readings() {
		if r.Help == "" || r.Value != 0 || len(r.Labels) != 1 {
			t.Errorf("got %+v, want a help and the value 0", r)
		}
		labels[r.Metric+" "+r.Labels[0].Name] = append(labels[r.Metric+" "+r.Labels[0].Name], r.Labels[0].Value)
	}
	equal(t, "series", labels, map[string][]string{
		"push_receipts_total what":         {"receipt", "report", "heartbeat", "webhook"},
		"push_receipts_rejected_total why": {"repeated", "expired", "unknown", "limited", "malformed", "unauthorized"},
	})
}
