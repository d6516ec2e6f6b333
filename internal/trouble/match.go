package trouble

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"slices"
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
	Invalid        = Has[*tls.CertificateVerificationError] // if it is none of these: expired, for example
	NoTLS          = Has[tls.RecordHeaderError]
)

// NoAnswer matches what took too long.
func NoAnswer(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, os.ErrDeadlineExceeded)
}
