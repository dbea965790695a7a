package pushservice

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/webpush"
)

// longestToken is how far ahead a signature may end (RFC 8292, section 2).
const longestToken = 24 * time.Hour

// base returns where a request went, as an application server names it.
func base(r *http.Request) *url.URL {
	u := &url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		u.Scheme = "https"
	}
	return u
}

// authorize checks the signature of a sender: a missing or wrong one is 401, that of somebody to whom the subscription is
// not open 403 (RFC 8292, section 4.2).
func (s *Service) authorize(r *http.Request, to *subscription) *refusal {
	header := r.Header.Get("Authorization")
	if header == "" && to.key == "" && !s.opts.RequireVAPID {
		return nil
	}
	key, err := verify(header, webpush.Origin(base(r)), time.Now())
	switch {
	case err != nil:
		return refuse(http.StatusUnauthorized, errnoUnauthorized, err.Error())
	case to.key != "" && key != strings.TrimRight(to.key, "="):
		return refuse(http.StatusForbidden, errnoUnauthorized, "the subscription is for another key")
	}
	return nil
}

// verify checks the value of an Authorization field (RFC 8292, section 3) and returns the key of the sender.
func verify(header, audience string, now time.Time) (key string, err error) {
	scheme, params, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "vapid") {
		return "", errors.New("no vapid authorization")
	}
	var token string
	for param := range strings.SplitSeq(params, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		switch name {
		case "t":
			token = value
		case "k":
			key = strings.TrimRight(value, "=")
		}
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 || !signedBy(key, parts[0]+"."+parts[1], parts[2]) {
		return "", errors.New("the signature does not fit the key")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", errors.New("claims are not base64url")
	}
	var claims struct {
		Audience string `json:"aud"`
		Expires  int64  `json:"exp"`
		Subject  string `json:"sub"`
	}
	ends := func() time.Time { return time.Unix(claims.Expires, 0) }
	switch err := json.Unmarshal(text, &claims); {
	case err != nil:
		return "", errors.New("claims are not JSON")
	case claims.Audience != audience:
		return "", errors.New("aud is another service")
	case !now.Before(ends()):
		return "", errors.New("exp is over")
	case ends().Sub(now) > longestToken:
		return "", errors.New("exp is more than 24 hours ahead")
	case claims.Subject == "":
		return "", errors.New("no sub")
	}
	return key, nil
}

// signedBy checks an ES256 signature (RFC 7518, section 3.4).
func signedBy(key, signed, signature string) bool {
	point, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		return false
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return false
	}
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || len(raw) != 64 {
		return false
	}
	digest := sha256.Sum256([]byte(signed))
	return ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:]))
}
