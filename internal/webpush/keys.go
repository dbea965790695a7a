package webpush

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// Keys are a browser's secrets of one subscription: with them, messages that were encrypted for it can be read. They are
// immutable.
type Keys struct {
	private *ecdh.PrivateKey
	auth    []byte
}

// NewKeys returns new keys.
func NewKeys() (*Keys, error) {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the keys of a subscription: %w", err)
	}
	return &Keys{private: private, auth: random(authLength)}, nil
}

// Subscription returns what a sender needs to reach the holder of the keys at the endpoint, which must be https, or http
// on this machine.
func (k *Keys) Subscription(endpoint string) (*Subscription, error) {
	u, err := parseEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	return &Subscription{endpoint: u, key: k.private.PublicKey(), auth: k.auth}, nil
}

// Decrypt returns what was sent in a body with the content encoding aes128gcm. It takes the one record that RFC 8291
// allows, of any record size, padded or not.
func (k *Keys) Decrypt(body []byte) ([]byte, error) {
	if len(body) < headerLength+1+tagLength {
		return nil, fmt.Errorf("decrypting a message: %d bytes, want at least %d", len(body), headerLength+1+tagLength)
	}
	salt, point, record := body[:saltLength], body[saltLength+5:headerLength], body[headerLength:]
	if n := body[saltLength+4]; n != pointLength {
		return nil, fmt.Errorf("decrypting a message: a key of %d bytes, want %d", n, pointLength)
	}
	if size := binary.BigEndian.Uint32(body[saltLength:]); uint64(size) < uint64(len(record)) {
		return nil, fmt.Errorf("decrypting a message: %d bytes in records of %d, want one record", len(record), size)
	}
	sender, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return nil, errors.New("decrypting a message: the sender's key is not on the curve P-256")
	}
	shared, err := k.private.ECDH(sender)
	if err != nil {
		return nil, fmt.Errorf("decrypting a message: %w", err)
	}
	aead, nonce, err := derive(shared, k.auth, k.private.PublicKey(), sender, salt)
	if err != nil {
		return nil, fmt.Errorf("decrypting a message: %w", err)
	}
	plaintext, err := aead.Open(nil, nonce, record, nil)
	if err != nil {
		return nil, fmt.Errorf("decrypting a message: %w", err)
	}
	plaintext = bytes.TrimRight(plaintext, "\x00")
	if len(plaintext) == 0 || plaintext[len(plaintext)-1] != lastRecord {
		return nil, errors.New("decrypting a message: no end of the last record in front of the padding")
	}
	return plaintext[:len(plaintext)-1], nil
}

type storedKeys struct {
	Private string `json:"private"`
	Auth    string `json:"auth"`
}

// MarshalJSON returns the keys as text, for a private file.
func (k *Keys) MarshalJSON() ([]byte, error) {
	return json.Marshal(storedKeys{Private: b64().EncodeToString(k.private.Bytes()), Auth: b64().EncodeToString(k.auth)})
}

// UnmarshalJSON reads what MarshalJSON returned. Its errors hold nothing of the content.
func (k *Keys) UnmarshalJSON(data []byte) error {
	var stored storedKeys
	if json.Unmarshal(data, &stored) != nil {
		return errors.New("keys: not the JSON of keys")
	}
	scalar, err := decode64(stored.Private)
	if err != nil {
		return fmt.Errorf("keys: private: %w", err)
	}
	private, err := ecdh.P256().NewPrivateKey(scalar)
	if err != nil {
		return errors.New("keys: private: not a key on the curve P-256")
	}
	auth, err := parseAuth(stored.Auth)
	if err != nil {
		return err
	}
	k.private, k.auth = private, auth
	return nil
}

// String hides everything.
func (*Keys) String() string { return redacted }

// GoString hides everything.
func (*Keys) GoString() string { return redacted }
