package cluster

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// MinKey is how many bytes a key has at least: what "openssl rand -base64 48" writes is
// twice that.
const MinKey = 32

// seal encrypts what connectors say to each other, and proves that one of them said it
// (AES-256-GCM). Its key is derived from the site's and the name of the cluster, so that
// two clusters with one key do not take each other's messages.
type seal struct {
	aead cipher.AEAD
	name []byte
}

// sealed begins a message, and says in which form the rest is.
const sealed = "connector-sync/1 "

func newSeal(key gc.Secret, name string) (*seal, error) {
	derived, err := hkdf.Key(sha256.New, []byte(key.Reveal()), nil, "finesse-connector cluster "+name, 32)
	if err != nil {
		return nil, fmt.Errorf("derive the cluster's key: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &seal{aead, []byte(name)}, err
}

func (s *seal) close(plain []byte) string {
	return sealed + base64.StdEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, s.name))
}

var (
	errForm   = errors.New("it is no message of this version of the connector")
	errSealed = errors.New("it was sealed with another key, or for another cluster.name, or is forged")
)

// open gives what a message says, if somebody with the key has sealed it.
func (s *seal) open(message string) ([]byte, error) {
	text, ok := strings.CutPrefix(message, sealed)
	if !ok {
		return nil, errForm
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errForm
	}
	plain, err := s.aead.Open(nil, nil, b, s.name)
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

// newID is one that nobody can guess.
func newID() string { return rand.Text() }
