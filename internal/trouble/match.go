package trouble

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
)

// NoFiles is the same trouble with whatever is connected to.
var NoFiles = Kind{"too many open files", "raise LimitNOFILE of the service (ulimit -n), two for each agent and some hundred more"}

// OutOfFiles reports whether the process may open no more files.
func OutOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// Is matches what has one of the errors in its chain.
func Is(errs ...error) func(error) bool {
	return func(err error) bool {
		return slices.ContainsFunc(errs, func(one error) bool { return errors.Is(err, one) })
	}
}

// Has matches what has an error of a type in its chain.
func Has[T error](err error) bool {
	var one T
	return errors.As(err, &one)
}

// What can go wrong on the way to any server.
var (
	NothingListens = Is(syscall.ECONNREFUSED)
	UnknownHost    = Has[*net.DNSError]
	OtherName      = Has[x509.HostnameError]
	UnknownCA      = Has[x509.UnknownAuthorityError]
	Invalid        = Has[*tls.CertificateVerificationError] // if it is none of the others
	NoTLS          = Has[tls.RecordHeaderError]
)

// Expired matches a certificate whose time is over or has not come.
func Expired(err error) bool {
	var invalid x509.CertificateInvalidError
	return errors.As(err, &invalid) && invalid.Reason == x509.Expired
}

// subjectAltName is the extension that names hosts (RFC 5280, 4.2.1.6).
var subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// HasCommonNameAlone reports whether a certificate names no host where names count, and
// has a common name, which does not (RFC 9525, 2).
func HasCommonNameAlone(c *x509.Certificate) bool {
	return c != nil && c.Subject.CommonName != "" &&
		!slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(subjectAltName) })
}

// OnlyCommonName matches a certificate that is no host's for that.
func OnlyCommonName(err error) bool {
	var name x509.HostnameError
	return errors.As(err, &name) && HasCommonNameAlone(name.Certificate)
}

// refusedTLS matches what ended with an alert of the server's, and gives its words.
func refusedTLS(err error) (alert string, ok bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return "", false
	}
	return op.Err.Error(), true
}

// AsksForCertificate matches a server that lets in only who shows a certificate. Java's
// TLS calls the one that was not shown a bad one.
func AsksForCertificate(err error) bool {
	alert, ok := refusedTLS(err)
	return ok && (strings.HasSuffix(alert, "certificate required") || strings.HasSuffix(alert, "bad certificate"))
}

// RefusesTLS matches a server that ends TLS for any other reason.
func RefusesTLS(err error) bool {
	_, ok := refusedTLS(err)
	return ok
}

// NoAnswer matches what took too long.
func NoAnswer(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, os.ErrDeadlineExceeded)
}
