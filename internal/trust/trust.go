// Package trust says whose certificates a connection takes.
package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/trouble"
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

// For is c for connections to host alone; nil stands for the system's roots. Names,
// authorities and times are checked as package tls does, with one exception: a
// certificate without a subjectAltName, which package tls takes for no host at all, is
// taken for the host in its common name if it is itself among the roots of c. Those who
// have its key are trusted by name then, and nobody else is: a common name that an
// authority vouches for does not count.
func For(c *tls.Config, host string) *tls.Config {
	c = c.Clone()
	if c == nil {
		c = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c.ServerName = host
	if c.InsecureSkipVerify || c.RootCAs == nil {
		return c
	}
	c.InsecureSkipVerify = true // VerifyConnection checks instead, on each connection, also one that is resumed
	c.VerifyConnection = func(s tls.ConnectionState) error { return verify(c, s.PeerCertificates) }
	return c
}

// verify checks what a server shows as package tls does.
func verify(c *tls.Config, shown []*x509.Certificate) error {
	if len(shown) == 0 {
		return errors.New("the server shows no certificate")
	}
	options := x509.VerifyOptions{Roots: c.RootCAs, DNSName: c.ServerName, Intermediates: x509.NewCertPool()}
	if c.Time != nil {
		options.CurrentTime = c.Time()
	}
	for _, other := range shown[1:] {
		options.Intermediates.AddCert(other)
	}
	_, err := shown[0].Verify(options)
	if trouble.OnlyCommonName(err) && strings.EqualFold(shown[0].Subject.CommonName, c.ServerName) {
		options.DNSName = ""
		if chains, nameless := shown[0].Verify(options); nameless == nil && isRoot(chains) {
			return nil
		}
	}
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: shown, Err: err}
	}
	return nil
}

// isRoot reports whether a certificate with these chains is a root itself.
func isRoot(chains [][]*x509.Certificate) bool {
	for _, chain := range chains {
		if len(chain) == 1 {
			return true
		}
	}
	return false
}
