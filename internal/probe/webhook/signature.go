package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// The schemes of signatures.
const (
	schemeNone     = "none"
	schemeStandard = "standard-webhooks" // standardwebhooks.com
	schemeStripe   = "stripe"            // docs.stripe.com/webhooks, "Verify manually"
	schemeGitHub   = "github"            // docs.github.com, "Validating webhook deliveries"
)

// verifier checks signatures of one scheme. It is immutable.
type verifier struct {
	scheme    string
	header    string // of the signature
	key       []byte
	tolerance time.Duration
}

// decodeKey returns the key that a scheme's secret stands for.
func decodeKey(scheme, secret string) ([]byte, error) {
	if scheme != schemeStandard {
		return []byte(secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return nil, errors.New("is not Base64, with whsec_ in front or not, as Standard Webhooks wants it") // the cause would tell a part
	}
	return key, nil
}

// signed is what a webhook says of its signature.
type signed struct {
	content    []byte // that is signed
	signatures [][]byte
	time       string // Unix time; empty for none
}

// verify returns why a receiver should refuse a webhook that came at a time, or nil.
func (v *verifier) verify(header http.Header, body []byte, at time.Time) *probe.Finding {
	var s signed
	switch v.scheme {
	case schemeStandard:
		s = readStandard(header, body)
	case schemeStripe:
		s = readStripe(header.Get(v.header), body)
	case schemeGitHub:
		s = readGitHub(header.Get(v.header), body)
	default:
		return nil
	}
	if len(s.signatures) == 0 {
		return probe.Findingf(badSignature, "no signature of the scheme %s", v.scheme)
	}
	mac := hmac.New(sha256.New, v.key)
	mac.Write(s.content)
	want, fits := mac.Sum(nil), false
	for _, signature := range s.signatures {
		fits = hmac.Equal(signature, want) || fits // all are compared: during a change of keys there are several
	}
	if !fits {
		return probe.Findingf(badSignature, "none of %d signatures fits the key and the body of %d bytes", len(s.signatures), len(body))
	}
	if v.scheme == schemeGitHub {
		return nil // it signs no time
	}
	return v.verifyTime(s.time, at)
}

func (v *verifier) verifyTime(text string, at time.Time) *probe.Finding {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return probe.Findingf(badTime, "the signed time is no Unix time")
	}
	switch off := at.Sub(time.Unix(seconds, 0)); {
	case off > v.tolerance:
		return probe.Findingf(badTime, "the signed time is %v ago, want at most %v", off.Round(time.Second), v.tolerance)
	case off < -v.tolerance:
		return probe.Findingf(badTime, "the signed time is %v ahead, want at most %v", -off.Round(time.Second), v.tolerance)
	}
	return nil
}

// readStandard reads the signatures of version 1 in "v1,… v1,…"; those of other versions are for other kinds of keys.
func readStandard(header http.Header, body []byte) signed {
	id, at := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	s := signed{time: at, content: append([]byte(id+"."+at+"."), body...)}
	for entry := range strings.FieldsSeq(header.Get("Webhook-Signature")) {
		version, text, _ := strings.Cut(entry, ",")
		if signature, err := base64.StdEncoding.DecodeString(text); err == nil && version == "v1" && len(signature) > 0 {
			s.signatures = append(s.signatures, signature)
		}
	}
	return s
}

// readStripe reads the time and the signatures of version 1 in "t=…,v1=…,v1=…".
func readStripe(value string, body []byte) signed {
	var s signed
	for entry := range strings.SplitSeq(value, ",") {
		name, text, _ := strings.Cut(strings.TrimSpace(entry), "=")
		switch name {
		case "t":
			s.time = text
		case "v1":
			if signature, err := hex.DecodeString(text); err == nil && len(signature) > 0 {
				s.signatures = append(s.signatures, signature)
			}
		}
	}
	s.content = append([]byte(s.time+"."), body...)
	return s
}

// readGitHub reads the signature in "sha256=…".
func readGitHub(value string, body []byte) signed {
	s := signed{content: body}
	text, ok := strings.CutPrefix(value, "sha256=")
	if signature, err := hex.DecodeString(text); ok && err == nil && len(signature) > 0 {
		s.signatures = append(s.signatures, signature)
	}
	return s
}
