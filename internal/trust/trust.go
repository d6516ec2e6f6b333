// Package trust says whose certificates a connection takes, and what an operator
// can do about one that it does not take.
package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Config is a TLS configuration that trusts the system's roots and those of
// file, if there is one; insecure trusts everybody.
func Config(file string, insecure bool) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure}
	if file == "" {
		return c, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	if c.RootCAs, err = x509.SystemCertPool(); err != nil {
		c.RootCAs = x509.NewCertPool() // a system without roots
	}
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file %s holds no certificate", file)
	}
	return c, nil
}

// Explain adds to an error about the certificate of host what an operator can
// do about it: address and ca are the keys of the configuration that name the
// host and the authorities. Other errors pass unchanged.
func Explain(host, address, ca string, err error) error {
	var (
		hostname  x509.HostnameError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		failed    *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &hostname):
		return fmt.Errorf("the certificate of %s is for another name: use the name in it in %s: %w", host, address, err)
	case errors.As(err, &authority):
		return fmt.Errorf("the certificate of %s is not trusted: add its CA to %s: %w", host, ca, err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("the certificate of %s is not valid at this time: renew it or set the clock: %w", host, err)
	case errors.As(err, &invalid), errors.As(err, &failed):
		return fmt.Errorf("the certificate of %s cannot be used: %w", host, err)
	}
	return err
}
