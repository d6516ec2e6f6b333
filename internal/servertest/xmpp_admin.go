package servertest

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"
)

// xmppAdminConn is the connection of the user that owns the nodes. It speaks
// just enough XMPP for that.
type xmppAdminConn struct {
	conn   net.Conn
	stanza *xml.Decoder
	domain string
	ids    int
}

const xmppAnswerLimit = 10 * time.Second

func dialXMPPAdmin(ctx context.Context, s *XMPPServer) (*xmppAdminConn, error) {
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: s.CA, ServerName: "127.0.0.1"}}
	conn, err := dialer.DialContext(ctx, "tcp", s.direct)
	if err != nil {
		return nil, err
	}
	a := &xmppAdminConn{conn: conn, domain: s.Domain}
	if err := a.login(xmppAdmin, s.adminPassword); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *xmppAdminConn) close() { _ = a.conn.Close() }

func (a *xmppAdminConn) login(user, password string) error {
	if err := a.open(); err != nil {
		return err
	}
	secret := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
	if err := a.write("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + secret + "</auth>"); err != nil {
		return err
	}
	answer, err := a.next()
	if err != nil {
		return err
	}
	if answer.XMLName.Local != "success" {
		return fmt.Errorf("login of the admin: %s", answer.XMLName.Local)
	}
	if err := a.open(); err != nil {
		return err
	}
	answer, err = a.ask("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>", "")
	if err == nil && answer.Type != "result" {
		err = errors.New("bind of the admin was refused")
	}
	return err
}

// open starts a stream and reads past its features.
func (a *xmppAdminConn) open() error {
	a.stanza = xml.NewDecoder(a.conn)
	err := a.write("<stream:stream to='" + a.domain + "' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")
	if err != nil {
		return err
	}
	for {
		token, err := a.stanza.Token()
		if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "stream" {
			_, err = a.next()
			return err
		}
	}
}

type xmppStanza struct {
	XMLName xml.Name
	ID      string `xml:"id,attr"`
	Type    string `xml:"type,attr"`
	Inner   string `xml:",innerxml"`
}

func (a *xmppAdminConn) next() (xmppStanza, error) {
	var s xmppStanza
	err := a.stanza.Decode(&s)
	return s, err
}

func (a *xmppAdminConn) write(text string) error {
	if err := a.conn.SetDeadline(time.Now().Add(xmppAnswerLimit)); err != nil {
		return err
	}
	_, err := a.conn.Write([]byte(text))
	return err
}

// ask sends a request and waits for its answer.
func (a *xmppAdminConn) ask(content, to string) (xmppStanza, error) {
	a.ids++
	id := fmt.Sprintf("admin-%d", a.ids)
	if to != "" {
		to = " to='" + to + "'"
	}
	if err := a.write(fmt.Sprintf("<iq type='set' id='%s'%s>%s</iq>", id, to, content)); err != nil {
		return xmppStanza{}, err
	}
	for {
		answer, err := a.next()
		if err != nil || answer.ID == id {
			return answer, err
		}
	}
}

func (a *xmppAdminConn) request(t testing.TB, content string) {
	t.Helper()
	answer, err := a.ask(content, "pubsub."+a.domain)
	if err != nil {
		t.Fatalf("request of the admin: %v", err)
	}
	if answer.Type != "result" {
		t.Fatalf("the server refused %s: %s", content, answer.Inner)
	}
}

// create makes a node unless it exists.
func (a *xmppAdminConn) create(t testing.TB, node string) {
	t.Helper()
	content := "<pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='" + xmppEscape(node) + "'/></pubsub>"
	if _, err := a.ask(content, "pubsub."+a.domain); err != nil {
		t.Fatalf("request of the admin: %v", err)
	}
}
