// Package trouble names what is wrong with something that the connector needs, such as
// the broker or a node of Finesse, and what an operator does about it. Whoever owns the
// connection has the table of its kinds; check, the log and /readyz show them.
package trouble

import "go.uber.org/zap"

// Kind is a cause as an operator sees it. Two that are equal are the same: a log says it
// once.
type Kind struct {
	Class string `json:"cause,omitempty"` // a few words
	Next  string `json:"next,omitempty"`  // what to do about it
}

// Fields are what a log says of it.
func (k Kind) Fields(err error) []zap.Field {
	return []zap.Field{zap.String("cause", k.Class), zap.String("action", k.Next), zap.Error(err)}
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

// Server is one that is connected to, in the words of the configuration.
type Server struct {
	Name    string // "Finesse"
	Address string // the key that says where it is
	CA      string // the key that says by whom it is trusted
	Ports   string // which ports are usual; "" where none are
}

// Cases are what can go wrong on the way to it.
func (s Server) Cases() []Case {
	return []Case{
		{Kind{"client certificate asked for", "let " + s.Name + " ask clients for a password alone: the connector has no certificate to show"}, AsksForCertificate},
		{Kind{"TLS refused", "see the log of " + s.Name + ": it has to speak TLS 1.2 or 1.3 with a usual cipher, and ask for no client certificate"}, RefusesTLS},
		{Kind{"certificate with a common name alone", "have it issued anew with the host as subjectAltName, or put this very certificate into " + s.CA}, OnlyCommonName},
		{Kind{"certificate for another name", "use the name in the certificate in " + s.Address}, OtherName},
		{Kind{"unknown CA", "add the CA of the certificate to " + s.CA}, UnknownCA},
		{Kind{"certificate expired", "renew the certificate, or set the clock of this host"}, Expired},
		{Kind{"certificate not valid", "have a certificate issued that is meant for a TLS server; the error says what is wrong with this one"}, Invalid},
		{NoFiles, OutOfFiles},
		{Kind{"no TLS", "correct port and scheme: what listens there does not speak TLS"}, NoTLS},
		{Kind{"unknown host", "correct the host name in " + s.Address + ", or the name server"}, UnknownHost},
		{Kind{"nothing listens", "correct the port in " + s.Address + s.Ports + ", or start " + s.Name}, NothingListens},
		{Kind{"no answer", "open the port in the firewalls between, correct port and scheme, or start " + s.Name}, NoAnswer},
	}
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
