package notify

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"

	"mellium.im/xmpp"
	"mellium.im/xmpp/websocket"
)

const (
	saslNS    = "urn:ietf:params:xml:ns:xmpp-sasl"
	tlsNS     = "urn:ietf:params:xml:ns:xmpp-tls"
	bindNS    = "urn:ietf:params:xml:ns:xmpp-bind"
	sessionNS = "urn:ietf:params:xml:ns:xmpp-session"
)

// authFailure is the server's refusal to authenticate (RFC 6120, 6.5).
type authFailure struct{ condition, text string }

func (f *authFailure) Error() string {
	return fmt.Sprintf("authentication refused: %s %s", f.condition, f.text)
}

// credentials is whether it is about the agent's id or password.
func (f *authFailure) credentials() bool {
	switch f.condition {
	case "temporary-auth-failure", "aborted", "encryption-required", "incorrect-encoding",
		"invalid-mechanism", "malformed-request", "mechanism-too-weak":
		return false
	}
	return true
}

// authentication is SASL PLAIN. Passwords are checked by the contact centre,
// which PLAIN alone allows. The library's own hides the condition of a failure
// from its callers.
func authentication(a Account) xmpp.StreamFeature {
	return xmpp.StreamFeature{
		Name:       xml.Name{Space: saslNS, Local: "mechanisms"},
		Prohibited: xmpp.Authn,
		Parse: func(_ context.Context, d *xml.Decoder, start *xml.StartElement) (bool, any, error) {
			var offered struct {
				Mechanisms []string `xml:"mechanism"`
			}
			err := d.DecodeElement(&offered, start)
			return true, offered.Mechanisms, err
		},
		Negotiate: func(ctx context.Context, s *xmpp.Session, offered any) (xmpp.SessionState, io.ReadWriter, error) {
			mechanisms, _ := offered.([]string)
			if !slices.Contains(mechanisms, "PLAIN") {
				return 0, nil, fmt.Errorf("no viable authentication method: the server offers %q, not PLAIN", mechanisms)
			}
			if err := authenticate(ctx, s, a); err != nil {
				return 0, nil, err
			}
			return xmpp.Authn, s.Conn(), nil
		},
	}
}

func authenticate(ctx context.Context, s *xmpp.Session, a Account) error {
	secret := "\x00" + a.user() + "\x00" + a.Password.Reveal()
	err := s.Encode(ctx, struct {
		XMLName   xml.Name `xml:"urn:ietf:params:xml:ns:xmpp-sasl auth"`
		Mechanism string   `xml:"mechanism,attr"`
		Response  string   `xml:",chardata"`
	}{Mechanism: "PLAIN", Response: base64.StdEncoding.EncodeToString([]byte(secret))})
	if err != nil {
		return err
	}
	var answer struct {
		XMLName    xml.Name
		Text       string  `xml:"text"`
		Conditions []named `xml:",any"`
	}
	if err := nextElement(s, &answer); err != nil {
		return err
	}
	switch answer.XMLName {
	case xml.Name{Space: saslNS, Local: "success"}:
		return nil
	case xml.Name{Space: saslNS, Local: "failure"}:
		failure := &authFailure{text: answer.Text}
		if len(answer.Conditions) > 0 {
			failure.condition = answer.Conditions[0].XMLName.Local
		}
		return failure
	}
	return errors.New("the server did not say whether the password is right")
}

// named is an element of which the name alone matters.
type named struct{ XMLName xml.Name }

// nextElement reads the server's answer while there is no reader yet.
func nextElement(s *xmpp.Session, v any) error {
	return untilElement(s, func(d *xml.Decoder, start xml.StartElement) (bool, error) {
		return true, d.DecodeElement(v, &start)
	})
}

// untilElement has take read element after element, while there is no reader yet, until
// it says that it has what it wants. It has no end but that and the connection's.
func untilElement(s *xmpp.Session, take func(*xml.Decoder, xml.StartElement) (done bool, err error)) error {
	tokens := s.TokenReader()
	defer tokens.Close()
	d := xml.NewTokenDecoder(tokens)
	for {
		token, err := d.Token()
		if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok {
			if done, err := take(d, start); done || err != nil {
				return err
			}
		}
	}
}

// binding asks for the resource and puts the full address in jid. The
// library's own never sends the resource. Older servers want a session behind
// it (RFC 3921, 3), newer ones say that it is optional or do not offer it.
func binding(resource string, jid *string) xmpp.StreamFeature {
	return xmpp.StreamFeature{
		Name:       xml.Name{Space: bindNS, Local: "bind"},
		Necessary:  xmpp.Authn,
		Prohibited: xmpp.Ready,
		Parse: func(_ context.Context, d *xml.Decoder, start *xml.StartElement) (bool, any, error) {
			return true, nil, d.DecodeElement(&named{}, start)
		},
		Negotiate: func(ctx context.Context, s *xmpp.Session, _ any) (xmpp.SessionState, io.ReadWriter, error) {
			answer, err := roundTrip(ctx, s, "fc-bind", bindRequest{Resource: resource})
			if err != nil {
				return 0, nil, fmt.Errorf("binding the resource: %w", err)
			}
			if _, ok := s.Feature(sessionNS); ok {
				if _, err := roundTrip(ctx, s, "fc-session", sessionRequest{}); err != nil {
					return 0, nil, fmt.Errorf("starting the session: %w", err)
				}
			}
			*jid = answer.JID
			return xmpp.Ready, nil, nil
		},
	}
}

type bindRequest struct {
	XMLName  xml.Name `xml:"urn:ietf:params:xml:ns:xmpp-bind bind"`
	Resource string   `xml:"resource"`
}

type sessionRequest struct {
	XMLName xml.Name `xml:"urn:ietf:params:xml:ns:xmpp-session session"`
}

// roundTrip asks the server something while there is no reader yet. A server may send
// other stanzas before its answer: presences, messages that it kept, requests such as a
// push of the roster. They are left out: who connects reads everything afterwards.
func roundTrip(ctx context.Context, s *xmpp.Session, id string, content any) (iq, error) {
	if err := s.Encode(ctx, request{Type: "set", ID: id, Content: content}); err != nil {
		return iq{}, err
	}
	answer, err := answerTo(s, id)
	if err == nil && answer.refused() {
		err = fmt.Errorf("the server refuses: %s", answer.condition())
	}
	return answer, err
}

// answerTo reads on to the answer to a request.
func answerTo(s *xmpp.Session, id string) (answer iq, err error) {
	err = untilElement(s, func(d *xml.Decoder, start xml.StartElement) (bool, error) {
		switch {
		case start.Name == xml.Name{Space: websocket.NS, Local: "close"}:
			return false, errServerEnded
		case start.Name.Local != "iq":
			return false, d.Skip()
		}
		err := d.DecodeElement(&answer, &start)
		return answer.ID == id && answer.isAnswer(), err
	})
	return answer, err
}
