// Package trouble names what is wrong with something that the connector needs, such as
// the broker or a node of Finesse, and what an operator does about it. Whoever owns the
// connection has the table of its kinds; check, the log and /readyz show them.
package trouble

// Kind is a cause as an operator sees it. Two that are equal are the same: a log says it
// once.
type Kind struct {
	Class string `json:"cause,omitempty"` // a few words
	Next  string `json:"next,omitempty"`  // what to do about it
}

// Error is an error with its kind.
type Error struct {
	Kind
	Target string // what was tried
	Err    error
}

func (e *Error) Error() string { return e.Target + ": " + e.Detail() + " (" + e.Next + ")" }

// Detail is what went wrong, without target and next step.
func (e *Error) Detail() string { return e.Class + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Case is a row of a table of kinds.
type Case struct {
	Kind
	Matches func(error) bool
}

// Find is the kind of the first case that matches, else otherwise.
func Find(err error, cases []Case, otherwise Kind) Kind {
	for _, c := range cases {
		if c.Matches(err) {
			return c.Kind
		}
	}
	return otherwise
}
