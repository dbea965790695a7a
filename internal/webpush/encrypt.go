package webpush

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// MaxPlaintext is how many bytes a message can have: push services need not take more than 4096 bytes (RFC 8030, section
// 7.2), of which encryption takes 103 (RFC 8291, section 4).
const MaxPlaintext = recordSize - headerLength - tagLength - 1

// ContentEncoding is the value of the header field Content-Encoding of encrypted messages.
const ContentEncoding = "aes128gcm"

const (
	recordSize   = 4096
	saltLength   = 16
	headerLength = saltLength + 4 + 1 + pointLength // salt, record size, length of the key, key (RFC 8188, section 2.1)
	tagLength    = 16
	lastRecord   = 2 // the byte between the content of the last record and its padding (RFC 8188, section 2)
)

// Encrypt returns the body of a request that sends plaintext to the browser: one record in the content encoding aes128gcm,
// without padding, with a key and a salt of its own.
func Encrypt(sub *Subscription, plaintext []byte) ([]byte, error) {
	sender, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("encrypting a message: %w", err)
	}
	return encrypt(sub, plaintext, sender, random(saltLength))
}

func encrypt(sub *Subscription, plaintext []byte, sender *ecdh.PrivateKey, salt []byte) ([]byte, error) {
	if len(plaintext) > MaxPlaintext {
		return nil, fmt.Errorf("encrypting a message: %d bytes, want at most %d", len(plaintext), MaxPlaintext)
	}
	shared, err := sender.ECDH(sub.key)
	if err != nil {
		return nil, fmt.Errorf("encrypting a message: %w", err)
	}
	aead, nonce, err := derive(shared, sub.auth, sub.key, sender.PublicKey(), salt)
	if err != nil {
		return nil, fmt.Errorf("encrypting a message: %w", err)
	}
	body := make([]byte, 0, headerLength+len(plaintext)+1+tagLength)
	body = append(body, salt...)
	body = binary.BigEndian.AppendUint32(body, recordSize)
	body = append(body, pointLength)
	body = append(body, sender.PublicKey().Bytes()...)
	record := append(append([]byte{}, plaintext...), lastRecord)
	return aead.Seal(body, nonce, record, nil), nil
}

// derive returns the cipher and the nonce of the one record of a message (RFC 8291, section 3.4).
func derive(shared, auth []byte, browser, sender *ecdh.PublicKey, salt []byte) (cipher.AEAD, []byte, error) {
	info := "WebPush: info\x00" + string(browser.Bytes()) + string(sender.Bytes())
	input, err := hkdf.Key(sha256.New, shared, auth, info, sha256.Size)
	if err != nil {
		return nil, nil, err
	}
	pseudorandom, err := hkdf.Extract(sha256.New, input, salt)
	if err != nil {
		return nil, nil, err
	}
	key, err := hkdf.Expand(sha256.New, pseudorandom, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, nil, err
	}
	nonce, err := hkdf.Expand(sha256.New, pseudorandom, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	return aead, nonce, err
}
