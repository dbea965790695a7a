package webpush

import "crypto/ecdh"

// EncryptWith encrypts with a sender's key and a salt that a test knows.
func EncryptWith(sub *Subscription, plaintext, sender, salt []byte) ([]byte, error) {
	key, err := ecdh.P256().NewPrivateKey(sender)
	if err != nil {
		return nil, err
	}
	return encrypt(sub, plaintext, key, salt)
}
