package simulator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

type certificate struct {
	pem    []byte
	config *tls.Config
}

// Certificate is a kind of certificate, and what is asked of clients.
type Certificate string

// The kinds of certificates that sites have.
const (
	UsualCertificate Certificate = "usual"
	CommonNameAlone  Certificate = "common-name" // it names localhost as older tools do, without a subjectAltName
	ExpiredSince     Certificate = "expired"
	OtherName        Certificate = "other-name"
	ClientsAsked     Certificate = "clients" // clients have to show one, too
)

// Certificates are all kinds.
func Certificates() []Certificate {
	return []Certificate{UsualCertificate, CommonNameAlone, ExpiredSince, OtherName, ClientsAsked}
}

// make changes a certificate to one of the kind.
func (kind Certificate) make(c *x509.Certificate) {
	switch kind {
	case CommonNameAlone:
		c.Subject.CommonName, c.DNSNames, c.IPAddresses = "localhost", nil, nil
	case ExpiredSince:
		c.NotBefore, c.NotAfter = time.Now().AddDate(-2, 0, 0), time.Now().Add(-time.Hour)
	case OtherName:
		c.DNSNames, c.IPAddresses = []string{"finesse.example.com"}, nil
	}
}

// newCertificate makes a certificate for this start and all nodes. Its times come from the
// real clock, which is the one that clients compare them with.
func newCertificate(kind Certificate, domains []string, addresses []net.Addr) (certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificate{}, fmt.Errorf("simulator: make a key: %w", err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: domains[0], Organization: []string{"Simulated Finesse"}},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(2, 0, 0),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    append([]string{"localhost"}, domains...),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		IsCA:        true, BasicConstraintsValid: true,
	}
	for _, address := range addresses {
		if a, ok := address.(*net.TCPAddr); ok && !a.IP.IsUnspecified() && !a.IP.IsLoopback() {
			template.IPAddresses = append(template.IPAddresses, a.IP)
		}
	}
	kind.make(&template)
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return certificate{}, fmt.Errorf("simulator: make a certificate: %w", err)
	}
	clients := tls.NoClientCert
	if kind == ClientsAsked {
		clients = tls.RequireAnyClientCert
	}
	return certificate{
		pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		config: &tls.Config{
			Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
			MinVersion:   tls.VersionTLS12,
			ClientAuth:   clients,
		},
	}, nil
}

// tlsListener serves HTTP/2 as well, as Finesse 12.6 does.
func tlsListener(l net.Listener, c certificate) net.Listener {
	config := c.config.Clone()
	config.NextProtos = []string{"h2", "http/1.1"}
	return tls.NewListener(l, config)
}
