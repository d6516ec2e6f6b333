package capture

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"sync"
)

// secrets gives passwords names that tell nothing but which are the same. It
// keeps no password.
type secrets struct {
	key []byte

	mu    sync.Mutex
	names map[string]string
}

// maxSecrets bounds the names: who tries passwords may try any number.
const maxSecrets = 100_000

func newSecrets() *secrets {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it never fails
	return &secrets{key: key, names: map[string]string{}}
}

func (s *secrets) name(password string) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(password))
	digest := string(h.Sum(nil))
	s.mu.Lock()
	defer s.mu.Unlock()
	name := s.names[digest]
	if name == "" {
		if len(s.names) >= maxSecrets {
			return "[secret]"
		}
		name = fmt.Sprintf("[secret %d]", len(s.names)+1)
		s.names[digest] = name
	}
	return name
}
