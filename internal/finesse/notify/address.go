package notify

import (
	"cmp"
	"encoding/xml"
	"errors"
	"strings"
)

// escapeNode writes an agent's id as the first part of an XMPP address
// (XEP-0106). Ids with such characters exist on UCCX.
var escapeNode = strings.NewReplacer(
	` `, `\20`, `"`, `\22`, `&`, `\26`, `'`, `\27`, `/`, `\2f`, `:`, `\3a`, `<`, `\3c`, `>`, `\3e`, `@`, `\40`, `\`, `\5c`)

// address is agent@domain. The library takes the first part, as escaped, for
// the name to authenticate as too.
func (a Account) address() (string, error) {
	if a.Agent == "" {
		return "", errors.New("no agent to connect")
	}
	const notInDomains = "@/<>&'\" \t\r\n"
	if a.Domain == "" || strings.ContainsAny(a.Domain, notInDomains) {
		return "", errors.New("the xmpp domain is missing or no domain: see finesse.xmpp_domain")
	}
	if strings.ContainsAny(a.PubSub, notInDomains) {
		return "", errors.New("the domain of the publish-subscribe service is no domain: see finesse.pubsub_domain")
	}
	return escapeNode.Replace(string(a.Agent)) + "@" + a.Domain, nil
}

// pubsub is what Openfire calls the service unless it was given a name.
func (a Account) pubsub() string { return cmp.Or(a.PubSub, "pubsub."+a.Domain) }

// escape makes s safe in an attribute or in text.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
