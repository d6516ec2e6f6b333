package notify

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/stream"
)

// ErrNoTLS is in the chain of Dial's error when a server of xmpp:// did not
// offer STARTTLS. Nothing of the agent's was sent.
var ErrNoTLS = errors.New("the server offers no STARTTLS, or somebody on the way took the offer out: " +
	"turn TLS on at the server or use xmpps:// or wss:// (xmpp+plain:// speaks clear text, for a lab)")

// ErrWantsTLS is in the chain of Dial's error when a server of xmpp+plain://
// lets nobody in without TLS.
var ErrWantsTLS = errors.New("the server lets nobody in without TLS: use xmpp:// instead of xmpp+plain://")

// maxGreeting bounds what a server says before there is TLS.
const maxGreeting = 64 << 10

// byteReader reads no byte ahead: what follows the server's consent belongs to
// TLS, also if somebody put it there in clear. Each byte is a system call, for
// some hundred of them.
type byteReader struct {
	io.Reader
	left int
}

func (b *byteReader) ReadByte() (byte, error) {
	if b.left--; b.left < 0 {
		return 0, errors.New("the server greets without end")
	}
	var one [1]byte
	_, err := io.ReadFull(b.Reader, one[:])
	return one[0], err
}

// startTLS leads a connection in clear to the point where TLS begins (RFC 6120,
// 5.4). The library, which would go on without TLS or be told that clear text is
// secure, comes after it, and so does everything about the agent. It ends with
// the connection.
func startTLS(w io.ReadWriter, server jid.JID) error {
	var domain strings.Builder
	_ = xml.EscapeText(&domain, []byte(server.String())) // a Builder does not fail
	_, err := fmt.Fprintf(w, "<?xml version='1.0'?><stream:stream to='%s' version='1.0' xmlns='jabber:client' xmlns:stream='%s'>", &domain, stream.NS)
	if err != nil {
		return err
	}
	d := xml.NewDecoder(&byteReader{w, maxGreeting})
	if _, err := expect(d, xml.Name{Space: stream.NS, Local: "stream"}); err != nil {
		return err
	}
	start, err := expect(d, xml.Name{Space: stream.NS, Local: "features"})
	if err != nil {
		return err
	}
	var features struct {
		StartTLS *named `xml:"urn:ietf:params:xml:ns:xmpp-tls starttls"`
	}
	if err := d.DecodeElement(&features, &start); err != nil {
		return err
	}
	if features.StartTLS == nil {
		return ErrNoTLS
	}
	if _, err := io.WriteString(w, "<starttls xmlns='"+tlsNS+"'/>"); err != nil {
		return err
	}
	if _, err := expect(d, xml.Name{Space: tlsNS, Local: "proceed"}); err != nil {
		return err
	}
	return d.Skip() // its end
}

// expect reads on to the next element, which must have that name.
func expect(d *xml.Decoder, name xml.Name) (xml.StartElement, error) {
	for {
		token, err := d.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name != name {
				return t, unexpected(d, t)
			}
			return t, nil
		case xml.EndElement:
			return xml.StartElement{}, errServerEnded
		}
	}
}

// unexpected says what the server said instead of going on to TLS.
func unexpected(d *xml.Decoder, start xml.StartElement) error {
	switch start.Name {
	case xml.Name{Space: stream.NS, Local: "error"}:
		var told stream.Error
		if err := d.DecodeElement(&told, &start); err != nil {
			return err
		}
		return fmt.Errorf("the server ended the stream: %w", told)
	case xml.Name{Space: tlsNS, Local: "failure"}:
		return errors.New("the server offers STARTTLS and refuses it: see to its certificate")
	}
	return fmt.Errorf("the server says <%s> before there is TLS", start.Name.Local)
}
