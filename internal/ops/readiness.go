package ops

import "github.com/finesse-connector/finesse-connector/internal/trouble"

// Condition is what is known of a connection.
type Condition string

// The conditions. Unknown is one that was not tried yet: the notification
// service of a node, for example, until an agent is connected.
const (
	Unknown Condition = "unknown"
	Up      Condition = "up"
	Down    Condition = "down"
)

// BrokerState is the connector's side of the broker.
type BrokerState struct {
	State        Condition `json:"state"`
	Consuming    bool      `json:"consuming"`     // commands are being taken from the queue
	URL          string    `json:"url,omitempty"` // the broker in use; must hold no password
	trouble.Kind           // why it is down
}

// NodeState is the connector's side of one Finesse server.
type NodeState struct {
	Node          string    `json:"node"` // its host name
	REST          Condition `json:"rest"`
	Notifications Condition `json:"notifications"`
	trouble.Kind            // why one of them is down, or the node is out of service
}

// Readiness is what /readyz shows.
type Readiness struct {
	Broker BrokerState `json:"broker"`
	Nodes  []NodeState `json:"nodes"`
}

// Ready reports whether commands are being consumed. Finesse being away does
// not count: drivers are told so by events, which takes a connector that runs.
func (r Readiness) Ready() bool { return r.Broker.Consuming }
