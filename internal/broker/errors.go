package broker

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

// ServerError is an ERROR frame: the broker's account of what is wrong.
type ServerError struct {
	Message string // the broker's own words
	// Login: the broker answered CONNECT with it.
	Login bool
}

func (e *ServerError) Error() string { return "broker says: " + e.Message }

// isRefusal reports whether the broker understood and refused.
func isRefusal(err error) bool { return trouble.Has[*ServerError](err) }

// maxWords is how much of a broker's own words is kept.
const maxWords = 500

func abridge(s string) string {
	if len(s) > maxWords {
		s = s[:maxWords] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// noRights reports whether a right is missing. ActiveMQ has no error codes, so
// its words have to do.
func (e *ServerError) noRights() bool {
	return strings.Contains(strings.ToLower(e.Message), "not authorized")
}

var (
	errLost        = errors.New("connection lost") // before an answer came
	errClosed      = errors.New("connection is closed")
	errLateReceipt = errors.New("the broker did not confirm in time what was sent to it")
	errOutFull     = errors.New("the broker does not read what is sent to it")
	errNotStomp    = errors.New("what listens there does not speak STOMP")
	errUnshown     = errors.New("the broker's words are not shown: they may hold the destination's name")
	errOldStomp    = errors.New("the broker does not speak STOMP 1.2")
)

var (
	loginRefused = trouble.Kind{Class: "login refused", Next: "correct broker.username and broker.password_file, or the user in the broker"}
	noRights     = trouble.Kind{Class: "no rights", Next: "give the connector's user the right to read the command queue and to write and create destinations"}
	standby      = trouble.Kind{Class: "standby", Next: "nothing: another connector takes the commands, and this one when that cannot"}
	lost         = trouble.Kind{Class: "connection lost", Next: "nothing, if it comes back"}

	troubles = append([]trouble.Case{
		{Kind: loginRefused, Matches: isRefusedLogin},
		{Kind: noRights, Matches: isMissingRight},
		{Kind: standby, Matches: trouble.Is(errNotOwner)},
		{Kind: trouble.Kind{Class: "not STOMP", Next: "use the port of the stomp connector (61613 by default), not openwire's, and ssl:// if it is a TLS port"}, Matches: trouble.Is(errNotStomp, errOldStomp)},
		{Kind: trouble.Kind{Class: "places are held", Next: "nothing, they are freed; find who sends such messages to the command queue, and whether they should be able to"}, Matches: trouble.Is(errHeld)},
		{Kind: trouble.Kind{Class: "not a frame", Next: "nothing, if it comes back: the message that breaks STOMP is searched for and put aside"}, Matches: isNoFrame},
	}, trouble.Server{
		Name: "the broker", Address: "broker.urls", CA: "broker.ca_file", Ports: " (ActiveMQ's stomp connector: 61613)",
	}.Cases()...)
)

func isNoFrame(err error) bool { return framing.IsFault(err) || errors.Is(err, errBarren) }

func isRefusedLogin(err error) bool {
	var said *ServerError
	return errors.As(err, &said) && said.Login
}

func isMissingRight(err error) bool {
	var said *ServerError
	return errors.As(err, &said) && said.noRights()
}

func classify(err error) trouble.Kind { return trouble.Find(err, troubles, lost) }

// needsPerson reports whether trying again soon is useless because somebody
// has to change a password or a right first.
func needsPerson(k trouble.Kind) bool { return k == loginRefused || k == noRights }

// notAFrame turns the reader's complaint about the first answer into one that
// helps: an openwire or HTTP port was taken for STOMP.
func notAFrame(err error) error {
	if framing.IsFault(err) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", errNotStomp, err)
	}
	return err
}
