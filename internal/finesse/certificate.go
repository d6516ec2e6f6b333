package finesse

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// ExplainCertificate adds to an error about a node's certificate what an
// operator can do about it. Other errors pass unchanged.
func ExplainCertificate(node string, err error) error {
	var (
		hostname  x509.HostnameError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		failed    *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &hostname):
		return fmt.Errorf("the certificate of %s is for another name: use the name in it in finesse.nodes: %w", node, err)
	case errors.As(err, &authority):
		return fmt.Errorf("the certificate of %s is not trusted: add its CA to finesse.ca_file: %w", node, err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("the certificate of %s is not valid at this time: renew it or set the clock: %w", node, err)
	case errors.As(err, &invalid), errors.As(err, &failed):
		return fmt.Errorf("the certificate of %s can not be used: %w", node, err)
	}
	return err
}
