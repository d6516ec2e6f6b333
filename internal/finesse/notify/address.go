package notify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"mellium.im/xmpp/jid"
)

// escapeNode writes an agent's id as the first part of an XMPP address
// (XEP-0106). Ids with such characters exist on UCCX.
var escapeNode = strings.NewReplacer(
	` `, `\20`, `"`, `\22`, `&`, `\26`, `'`, `\27`, `/`, `\2f`, `:`, `\3a`, `<`, `\3c`, `>`, `\3e`, `@`, `\40`, `\`, `\5c`)

// user is the name to authenticate as, which is also the first part of the
// address.
func (a Account) user() string { return escapeNode.Replace(string(a.ID())) }

// resource is what tells the stream from others of the same agent. Of those for whom
// the agent has another name than Finesse's it is another one: two that are served side
// by side are not to take the stream from each other.
func (a Account) resource(usual string) string {
	if a.Agent == a.ID() {
		return usual
	}
	sum := sha256.Sum256([]byte(a.Agent))
	return usual + "-" + hex.EncodeToString(sum[:4])
}

// server is the address of the domain. It fails on an account that cannot be
// connected.
func (a Account) server() (jid.JID, error) {
	if a.Agent == "" {
		return jid.JID{}, errors.New("no agent to connect")
	}
	if strings.ContainsAny(a.PubSub, notInDomains) {
		return jid.JID{}, errors.New("the domain of the publish-subscribe service is no domain: see finesse.pubsub_domain")
	}
	return addressOf(a.Domain)
}

const notInDomains = "@/<>&'\" \t\r\n"

func addressOf(domain string) (jid.JID, error) {
	server, err := jid.New("", domain, "")
	if err != nil || domain == "" || strings.ContainsAny(domain, notInDomains) {
		return jid.JID{}, errors.New("the xmpp domain is missing or no domain: see finesse.xmpp_domain")
	}
	return server, nil
}

// pubsub is what Openfire calls the service unless it was given a name.
func (a Account) pubsub() string { return cmp.Or(a.PubSub, "pubsub."+a.Domain) }
