package gc

import "crypto/subtle"

// Secret is a password. No way of printing, logging or encoding it shows the
// value; only Reveal does, where it is sent to the system it belongs to.
//
// The value sits behind a pointer: fmt does not call methods of unexported
// fields and would otherwise print it with "%+v" of a struct that holds one.
type Secret struct{ value *string }

// NewSecret hides s.
func NewSecret(s string) Secret { return Secret{&s} }

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
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(t.Reveal())) == 1
}

// String, GoString, MarshalText and MarshalJSON never show the value.
func (Secret) String() string { return redacted }

// GoString answers "%#v".
func (Secret) GoString() string { return redacted }

// MarshalText serves JSON, YAML and zap's reflection.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
