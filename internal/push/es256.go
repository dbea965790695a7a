package push

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"time"
)

// SignES256 returns a JSON Web Token in compact form (RFC 7515, RFC 7518 section 3.4) that is signed with a key on
// P-256. Equal key, header and claims give the same token (RFC 6979), so that a restart, or another agent with the same
// key, presents no new one: providers limit how often a sender may come with a new token.
func SignES256(key *ecdsa.PrivateKey, header, claims map[string]any) (string, error) {
	if key == nil || key.Curve != elliptic.P256() {
		return "", fmt.Errorf("signing a token: want a key on the curve P-256")
	}
	head, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("signing a token: header: %w", err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("signing a token: claims: %w", err)
	}
	b64 := base64.RawURLEncoding
	signed := b64.EncodeToString(head) + "." + b64.EncodeToString(body)
	digest := sha256.Sum256([]byte(signed))
	der, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &pair); err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	raw := make([]byte, 64)
	pair.R.FillBytes(raw[:32])
	pair.S.FillBytes(raw[32:])
	return signed + "." + b64.EncodeToString(raw), nil
}

// Step returns the beginning of the time step that now is in, for claims of tokens that are the same for everybody with
// the same key within a step.
func Step(now time.Time, step time.Duration) time.Time {
	return now.Truncate(step)
}
