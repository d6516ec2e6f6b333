package ops

import "github.com/finesse-connector/finesse-connector/internal/trouble"

// Condition is what is known of a connection.
type Condition string

// The conditions. Unknown is a connection not tried yet, for example the
// notification service of a node until an agent is connected.
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

// Ready reports whether commands are being consumed. That Finesse is away does
// not count: events report it to drivers, which needs a running connector.
func (r Readiness) Ready() bool { return r.Broker.Consuming }
