package capture

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// secrets gives passwords, and destinations that may be passwords, names that
// reveal only which are the same. It keeps none of the originals.
type secrets struct {
	key []byte

	mu     sync.Mutex
	names  map[string]string
	places map[string]string
}

// maxSecrets bounds the names: an attacker may try any number of passwords.
const maxSecrets = 100_000

func newSecrets() *secrets {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it never fails
	return &secrets{key: key, names: map[string]string{}, places: map[string]string{}}
}

func (s *secrets) digest(of string) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(of))
	return string(h.Sum(nil))
}

// place returns what stands for a destination: itself, unless it is hidden, now
// or before.
func (s *secrets) place(d gc.Destination, hide bool) gc.Destination {
	name := d.Name()
	kind := strings.TrimSuffix(string(d), name)
	digest := s.digest(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	other := s.places[digest]
	switch {
	case other != "":
	case !hide:
		return d
	case len(s.places) >= maxSecrets:
		other = HiddenPlaces + "none"
	default:
		other = fmt.Sprintf("%s%d", HiddenPlaces, len(s.places)+1)
		s.places[digest] = other
	}
	return gc.Destination(kind + other)
}

// HiddenPlaces is the prefix of the names of hidden destinations.
const HiddenPlaces = "hidden."

func (s *secrets) name(password string) string {
	digest := s.digest(password)
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
