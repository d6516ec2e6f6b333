package finesse

import (
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

// troubles are those with a node, whatever is asked of it.
var troubles = append(trouble.Server{
	Name: "Finesse", Address: "finesse.nodes", CA: "finesse.ca_file", Ports: " (REST 8445, notifications 5223)",
}.Cases(), []trouble.Case{
	{Kind: trouble.Kind{Class: "account locked", Next: "wait five minutes, then try the right password"}, Matches: has(gc.AccountLocked)},
	{Kind: trouble.Kind{Class: "unknown agent", Next: "name an agent that Finesse knows"}, Matches: has(gc.UserNotFound)},
}...)

func has(code gc.Code) func(error) bool {
	return func(err error) bool { return gc.CodeOf(err) == code }
}

var (
	wrongPassword = trouble.Case{
		Kind:    trouble.Kind{Class: "password refused", Next: "correct the password; it is not tried again, as five wrong ones lock the account"},
		Matches: has(gc.SubscriptionFailed),
	}
	outOfService = trouble.Kind{Class: "out of service", Next: "see Finesse's services (Tomcat, CTI) and its log"}
)

// Trouble is what is wrong with a node when a request to it ends with err.
func Trouble(err error) trouble.Kind {
	return trouble.Find(err, append([]trouble.Case{wrongPassword}, troubles...), outOfService)
}

// NodeTrouble is what is wrong with a node, asked in any way, if that can be seen from
// err, else otherwise.
func NodeTrouble(err error, otherwise trouble.Kind) trouble.Kind {
	return trouble.Find(err, troubles, otherwise)
}
