package gc

import "time"

// Events that the seed keeps for older clients, and those between connectors.

// AgentLogout says that the agent is signed out (O-006, "use O-001").
type AgentLogout struct{ Agent AgentID }

// AgentDialogState reports the state of a call behind a State (O-018,
// deprecated).
type AgentDialogState struct{ Call }

// Reconnect asks the driver to connect an agent that is not known and to send
// the command, which it carries, again (O-023, deprecated in favour of O-007).
type Reconnect struct {
	Agent   AgentID
	Request string // JMSType of the command, as sent
	Text    string // its parameters; never those with a password
}

// AgentSync tells other connectors of an agent, so that they could take over
// (O-025). Its form holds the password in clear.
type AgentSync struct {
	Agent      AgentID
	Password   Secret
	Extension  Extension
	Subscribed time.Time
}

// DestinationReconnect reports to a client that the connector has no record of its
// destination: it is to connect its agents again (O-026).
type DestinationReconnect struct{ Destination Destination }

func (AgentLogout) event()          {}
func (AgentDialogState) event()     {}
func (Reconnect) event()            {}
func (AgentSync) event()            {}
func (DestinationReconnect) event() {}
