package notify

import (
	"crypto/tls"
	"errors"
	"net"
	"reflect"
	"unsafe"

	"github.com/xmppo/go-xmpp"
)

// connField is where go-xmpp v0.2.10 keeps the connection of a client. The
// library offers no deadline and no way to close a connection whose server has
// fallen silent, and a goroutine in Recv would wait there for ever. Reading
// this one field is the smallest way out; the other is a copy of the library
// with changes, to be kept up for ever.
const connField = "conn"

var connType = reflect.TypeFor[net.Conn]()

// checkLibrary finds out at start, not in the night, that an update of the
// library has moved the field.
func checkLibrary() error {
	field, ok := reflect.TypeFor[xmpp.Client]().FieldByName(connField)
	if !ok || field.Type != connType {
		return errors.New("this version of go-xmpp keeps its connection elsewhere: use the version go.mod names")
	}
	return nil
}

// socketOf is the connection of a client that is connected. The caller must
// have called checkLibrary before.
func socketOf(client *xmpp.Client) (net.Conn, error) {
	field := reflect.ValueOf(client).Elem().FieldByName(connField)
	conn := *(*net.Conn)(unsafe.Pointer(field.UnsafeAddr()))
	if conn == nil {
		return nil, errors.New("go-xmpp reports a connection but has none")
	}
	return conn, nil
}

// forceClose closes without the goodbye of TLS, which waits up to 5 s for a
// peer that has stopped reading.
func forceClose(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	_ = conn.Close() // there is nobody to tell, and nothing to do about it
}
