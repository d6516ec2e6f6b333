package gc

import (
	"crypto/subtle"
	"errors"
	"strings"
)

// Secret is a password, or the access token of single sign-on that stands for one. No
// way of printing, logging or encoding it shows the value; only Reveal does, where it
// is sent to the system it belongs to.
//
// The value sits behind a pointer: fmt does not call methods of unexported
// fields and would otherwise print it with "%+v" of a struct that holds one.
type Secret struct {
	value *string
	token bool
}

// NewSecret hides a password.
func NewSecret(s string) Secret { return Secret{value: &s} }

// NewToken hides an access token. It fails for one that cannot stand in a header of
// HTTP; the error does not show it.
func NewToken(s string) (Secret, error) {
	strange := func(r rune) bool { return r < ' ' || r > '~' }
	if s == "" || strings.TrimSpace(s) != s || strings.ContainsFunc(s, strange) {
		return Secret{}, errors.New("an access token is printable ASCII, without a blank at its ends")
	}
	return Secret{&s, true}, nil
}

// IsToken reports whether it is an access token.
func (s Secret) IsToken() bool { return s.token }

const redacted = "[redacted]"

// Reveal is the secret itself, "" for the zero value.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Equal compares in constant time.
func (s Secret) Equal(t Secret) bool {
	return s.token == t.token && subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(t.Reveal())) == 1
}

// String, GoString, MarshalText and MarshalJSON never show the value.
func (Secret) String() string { return redacted }

// GoString answers "%#v".
func (Secret) GoString() string { return redacted }

// MarshalText serves JSON, YAML and zap's reflection.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
