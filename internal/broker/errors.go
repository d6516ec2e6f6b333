package broker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
)

// ServerError is an ERROR frame: what the broker says is wrong.
type ServerError struct {
	Message string // the broker's own words
	// Login: the broker answered CONNECT with it.
	Login bool
}

func (e *ServerError) Error() string { return "broker says: " + e.Message }

// isRefusal: the broker understands, and says no.
func isRefusal(err error) bool {
	var said *ServerError
	return errors.As(err, &said)
}

// maxWords is how much of a broker's own words is kept.
const maxWords = 500

func abridge(s string) string {
	if len(s) > maxWords {
		s = s[:maxWords] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// noRights: ActiveMQ has no error codes, so its words have to do.
func (e *ServerError) noRights() bool {
	return strings.Contains(strings.ToLower(e.Message), "not authorized")
}

var (
	errLost        = errors.New("connection lost") // before an answer came
	errClosed      = errors.New("connection is closed")
	errLateReceipt = errors.New("the broker did not confirm in time what was sent to it")
	errOutFull     = errors.New("the broker does not read what is sent to it")
	errNotStomp    = errors.New("what listens there does not speak STOMP")
	errUnshown     = errors.New("the broker's words may name the destination, which may be anything")
	errOldStomp    = errors.New("the broker does not speak STOMP 1.2")
)

// class is a cause of failure: a log says it once, not on every attempt.
type class struct{ name, action string }

// needsPerson reports whether trying again soon is useless because somebody
// has to change a password or a right first.
func (k class) needsPerson() bool { return k == loginRefused || k == noRights }

var (
	loginRefused = class{"login refused", "correct broker.username and broker.password_file, or the user in the broker"}
	noRights     = class{"no rights", "give the connector's user the right to read the command queue and to write and create destinations"}
	noListener   = class{"nothing listens", "start the broker, or correct host and port: ActiveMQ's stomp connector is 61613 by default"}
	noName       = class{"unknown host", "correct the host name in broker.urls"}
	badTLS       = class{"certificate or TLS", "use ssl:// only for a TLS connector, and add the broker's CA to broker.ca_file"}
	notStomp     = class{"not STOMP", "use the port of the stomp connector (61613 by default), not openwire's, and ssl:// if it is a TLS port"}
	noFiles      = class{"too many open files", "raise LimitNOFILE of the service (ulimit -n)"}
	placesHeld   = class{"places are held", "nothing, they are given free; find who sends such messages to the command queue, and whether they should be able to"}
	badFrame     = class{"not a frame", "nothing, if it comes back: a message that breaks STOMP is looked for and put aside"}
	noAnswer     = class{"no answer", "check that the broker is up, that no firewall drops the connection, and that ssl:// is used for a TLS port only"}
	lost         = class{"connection lost", "nothing, if it comes back"}
)

func classify(err error) class {
	var said *ServerError
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &said) && said.Login:
		return loginRefused
	case errors.As(err, &said) && said.noRights():
		return noRights
	case isTLS(err):
		return badTLS
	case errors.As(err, &dns):
		return noName
	case errors.Is(err, syscall.ECONNREFUSED):
		return noListener
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return noFiles
	case errors.Is(err, errNotStomp), errors.Is(err, errOldStomp):
		return notStomp
	case errors.Is(err, errHeld):
		return placesHeld
	case framing.IsFault(err):
		return badFrame
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		return noAnswer
	}
	return lost
}

func isTLS(err error) bool {
	var record tls.RecordHeaderError
	var verify *tls.CertificateVerificationError
	var alert tls.AlertError
	var name x509.HostnameError
	return errors.As(err, &record) || errors.As(err, &verify) || errors.As(err, &alert) || errors.As(err, &name)
}

// notAFrame turns the reader's complaint about the first answer into one that
// helps: an openwire or HTTP port was taken for STOMP.
func notAFrame(err error) error {
	if framing.IsFault(err) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", errNotStomp, err)
	}
	return err
}
