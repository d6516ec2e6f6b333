package ops

import (
	"time"

	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

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

// Role is what a connector is among those that share the command queue.
type Role string

// The roles. Waiting is a connector that hears of no owner, and is none.
const (
	Owner   Role = "owner"
	Standby Role = "standby"
	Waiting Role = "waiting"
)

// ClusterState is the connector among those that share the command queue.
type ClusterState struct {
	Name  string      `json:"name"`
	Role  Role        `json:"role"`
	Since *time.Time  `json:"since,omitempty"` // when it became the owner
	Peers []PeerState `json:"peers"`           // the others that it hears
}

// PeerState is another connector.
type PeerState struct {
	Host     string `json:"host"`
	Version  string `json:"version"`
	Priority int    `json:"priority"`
	Owner    bool   `json:"owner"`
}

// Readiness is what /readyz shows.
type Readiness struct {
	Broker  BrokerState   `json:"broker"`
	Cluster *ClusterState `json:"cluster,omitempty"` // without cluster.name there is none
	Nodes   []NodeState   `json:"nodes"`
}

// Ready reports whether commands are being consumed, by this connector or, as it hears,
// by the owner of its cluster. That Finesse is away does not count: events report it to
// drivers, which needs a running connector.
func (r Readiness) Ready() bool {
	return r.Broker.Consuming || r.Cluster != nil && r.Cluster.Role == Standby
}
