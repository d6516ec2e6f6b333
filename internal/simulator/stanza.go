package simulator

import (
	"bufio"
	"encoding/xml"
	"errors"
	"io"
)

// maxStanza bounds what is read for one stanza, in bytes.
const maxStanza = 64 << 10

// errStreamEnd is the client's </stream:stream>.
var errStreamEnd = errors.New("the client ended the stream")

// Namespaces of RFC 6120 and of the extensions that are served.
const (
	nsStream  = "http://etherx.jabber.org/streams"
	nsClient  = "jabber:client"
	nsSASL    = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsBind    = "urn:ietf:params:xml:ns:xmpp-bind"
	nsSession = "urn:ietf:params:xml:ns:xmpp-session"
	nsStanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"
	nsRoster  = "jabber:iq:roster"
	nsPing    = "urn:xmpp:ping"
	nsPubSub  = "http://jabber.org/protocol/pubsub"
)

// stanza is any child of a stream.
type stanza struct {
	XMLName  xml.Name
	Type     string    `xml:"type,attr"`
	ID       string    `xml:"id,attr"`
	To       string    `xml:"to,attr"`
	Priority string    `xml:"priority"`
	Children []element `xml:",any"`
	Text     string    `xml:",chardata"`

	Mechanism string `xml:"mechanism,attr"` // of <auth>
}

// element is what a stanza contains, as far as it matters here.
type element struct {
	XMLName  xml.Name
	Node     string    `xml:"node,attr"`
	JID      string    `xml:"jid,attr"`
	Resource string    `xml:"resource"`
	Children []element `xml:",any"`
}

func (s *stanza) child(space, local string) *element {
	for i := range s.Children {
		if s.Children[i].XMLName == (xml.Name{Space: space, Local: local}) {
			return &s.Children[i]
		}
	}
	return nil
}

// stanzaReader reads the stream's head and its children, with a bound on
// each. Comments, processing instructions and document types are refused (RFC
// 6120, 11.1).
type stanzaReader struct {
	source  *boundedReader
	decoder *xml.Decoder
}

func newStanzaReader(r io.Reader) *stanzaReader {
	source := &boundedReader{r: bufio.NewReader(r)}
	return &stanzaReader{source, xml.NewDecoder(source)}
}

// restart is needed after authentication, when the client opens its stream
// anew within the old one.
func (r *stanzaReader) restart() { r.decoder = xml.NewDecoder(r.source) }

// open reads the head of the stream and returns what it is addressed to.
func (r *stanzaReader) open() (to string, err error) {
	r.source.left = maxStanza
	for {
		t, err := r.decoder.Token()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.ProcInst:
			if t.Target != "xml" {
				return "", streamError("restricted-xml")
			}
		case xml.CharData:
		case xml.StartElement:
			if t.Name != (xml.Name{Space: nsStream, Local: "stream"}) {
				return "", streamError("invalid-namespace")
			}
			for _, a := range t.Attr {
				if a.Name.Local == "to" {
					to = a.Value
				}
			}
			return to, nil
		default:
			return "", streamError("restricted-xml")
		}
	}
}

// next reads the next stanza; errStreamEnd when the client has none left.
func (r *stanzaReader) next() (*stanza, error) {
	if err := r.source.skipBlanks(); err != nil {
		return nil, err
	}
	r.source.left = maxStanza
	for {
		t, err := r.decoder.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.CharData: // means nothing between stanzas
		case xml.EndElement:
			return nil, errStreamEnd
		case xml.StartElement:
			var s stanza
			err := r.decoder.DecodeElement(&s, &t)
			if err != nil {
				return nil, err
			}
			return &s, nil
		default:
			return nil, streamError("restricted-xml")
		}
	}
}

// boundedReader gives out left bytes and then an error. It reads byte by byte
// so that the decoder takes nothing beyond the stanza it returns.
type boundedReader struct {
	r    *bufio.Reader
	left int
}

func (b *boundedReader) ReadByte() (byte, error) {
	if b.left--; b.left < 0 {
		return 0, streamError("policy-violation")
	}
	return b.r.ReadByte()
}

// skipBlanks passes over the blanks that keep a connection alive. The decoder
// would collect them until the next stanza comes, for days.
func (b *boundedReader) skipBlanks() error {
	for {
		c, err := b.r.ReadByte()
		if err != nil {
			return err
		}
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return b.r.UnreadByte()
		}
	}
}

// Read serves io.Reader; the decoder uses ReadByte.
func (b *boundedReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := b.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}
