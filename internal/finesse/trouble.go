package finesse

import (
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

// troubles are those with a node, whatever is asked of it.
var troubles = []trouble.Case{
	{Kind: trouble.Kind{Class: "certificate for another name", Next: "use the name in the certificate in finesse.nodes"}, Matches: trouble.OtherName},
	{Kind: trouble.Kind{Class: "unknown CA", Next: "add the CA of the certificate to finesse.ca_file"}, Matches: trouble.UnknownCA},
	{Kind: trouble.Kind{Class: "certificate not valid", Next: "renew the certificate, or set the clock of this host"}, Matches: trouble.Invalid},
	{Kind: trouble.NoFiles, Matches: trouble.OutOfFiles},
	{Kind: trouble.Kind{Class: "no TLS", Next: "correct port and scheme: what listens there does not speak TLS"}, Matches: trouble.NoTLS},
	{Kind: trouble.Kind{Class: "unknown host", Next: "correct the host name in finesse.nodes, or the name server"}, Matches: trouble.UnknownHost},
	{Kind: trouble.Kind{Class: "nothing listens", Next: "correct the port in finesse.nodes (REST 8445, notifications 5223), or start Finesse"}, Matches: trouble.NothingListens},
	{Kind: trouble.Kind{Class: "no answer", Next: "open the port in the firewalls between, or start Finesse"}, Matches: trouble.NoAnswer},
	{Kind: trouble.Kind{Class: "account locked", Next: "wait five minutes, then try the right password"}, Matches: has(gc.AccountLocked)},
	{Kind: trouble.Kind{Class: "unknown agent", Next: "name an agent that Finesse knows"}, Matches: has(gc.UserNotFound)},
}

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
