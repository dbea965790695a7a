package webpush

import (
	"testing"
	"time"
)

func TestJournal_KeepsTheCertificateThatEndsFirst(t *testing.T) {
	t.Parallel()
	at := func(hours int) validity {
		return validity{notBefore: time.Unix(0, 0), notAfter: time.Unix(0, 0).Add(time.Duration(hours) * time.Hour)}
	}
	cases := []struct {
		name string
		seen []validity
		want validity
	}{
		{"none", []validity{{}, {}}, validity{}},
		{"one without TLS", []validity{{}, at(2), {}}, at(2)},
		{"first", []validity{at(1), at(2)}, at(1)},
		{"second", []validity{at(2), at(1)}, at(1)},
	}
	for _, tc := range cases {
		var j journal
		for _, v := range tc.seen {
			j.saw(v)
		}
		if j.certificate != tc.want {
			t.Errorf("%s: got the end %v, want %v", tc.name, j.certificate.notAfter, tc.want.notAfter)
		}
	}
}
