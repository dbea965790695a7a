package webpush

import (
	"bytes"
	"crypto/ecdh"
	"time"
)

// EncryptWith encrypts with a sender's key and a salt that a test knows.
func EncryptWith(sub *Subscription, plaintext, sender, salt []byte) ([]byte, error) {
	key, err := ecdh.P256().NewPrivateKey(sender)
	if err != nil {
		return nil, err
	}
	return encrypt(sub, plaintext, key, salt)
}

// Seal encrypts a record as it is, with its delimiter and its padding, in place of that of an encrypted body.
func Seal(sub *Subscription, body, record, sender []byte) ([]byte, error) {
	key, err := ecdh.P256().NewPrivateKey(sender)
	if err != nil {
		return nil, err
	}
	shared, err := key.ECDH(sub.key)
	if err != nil {
		return nil, err
	}
	aead, nonce, err := derive(shared, sub.auth, sub.key, key.PublicKey(), body[:saltLength])
	if err != nil {
		return nil, err
	}
	return aead.Seal(bytes.Clone(body[:headerLength]), nonce, record, nil), nil
}

// Open reads what a push service sent to the receiver of a state, and returns the code of its answer.
func Open(state State, data []byte) (m Message, code int, ok bool, err error) {
	f, err := parseFrame(data)
	if err != nil {
		return Message{}, 0, false, err
	}
	m, code, ok = state.open(f, time.Time{})
	return m, code, ok, nil
}
