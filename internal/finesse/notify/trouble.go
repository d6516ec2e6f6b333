package notify

import (
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

var troubles = []trouble.Case{
	{Kind: trouble.Kind{Class: "no TLS", Next: "turn on TLS at the notification service, or use xmpps:// or wss:// in finesse.nodes; xmpp+plain:// is for a lab"}, Matches: trouble.Is(ErrNoTLS)},
	{Kind: trouble.Kind{Class: "wants TLS", Next: "use xmpp:// in finesse.nodes"}, Matches: trouble.Is(ErrWantsTLS)},
}

var outOfService = trouble.Kind{Class: "out of service", Next: "see the log of Finesse's notification service"}

// Trouble is what is wrong with a notification service that err came from.
func Trouble(err error) trouble.Kind {
	return trouble.Find(err, troubles, finesse.NodeTrouble(err, outOfService))
}
