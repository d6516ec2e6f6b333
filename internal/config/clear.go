package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// InClear tells what others on the network can read or get at, as the
// configuration stands: passwords and calls that travel without encryption,
// certificates that are not checked, and addresses that anybody may reach. Each
// is a sentence with what to do about it. What stays on this host is none, but
// for what is for a lab by its name.
func (c *Config) InClear() []string {
	var found []string
	say := func(open bool, format string, args ...any) {
		if open {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	c.Broker.inClear(say)
	for i, n := range c.Finesse.Nodes {
		say(schemeOf(n.Notify) == "xmpp+plain", "finesse.nodes[%d].notify begins with xmpp+plain://, which is for a lab: agents' passwords and calls travel in clear; use xmpps://, wss:// or xmpp://", i)
	}
	say(c.Finesse.InsecureSkipVerify, "finesse.insecure_skip_verify is set: whoever is between this host and Finesse can read agents' passwords; use finesse.ca_file instead")
	say(!staysHere(c.HTTP.Listen), "http.listen %s can be reached from other hosts, in clear and without a password: whoever does reads the state of the connector; listen on 127.0.0.1, or let only operators reach it", c.HTTP.Listen)
	for _, r := range []struct{ key, address string }{{"recording.pause_url", c.Recording.PauseURL}, {"recording.resume_url", c.Recording.ResumeURL}} {
		say(leaves(r.address, "http"), "%s begins with http://: the calls of agents, and any key in the address, travel in clear; use https://", r.key)
	}
	say(c.Cluster.Plaintext, "cluster.plaintext is set: whoever can read the topic %s learns the password of each agent that signs in; let only connectors read it", c.Broker.SyncTopic)
	return found
}

// inClear looks at the way to the broker. Drivers send agents' passwords by it,
// also where the broker itself asks for none.
func (b *Broker) inClear(say func(bool, string, ...any)) {
	if b.Embedded != "" {
		say(!staysHere(b.Embedded), "broker.embedded %s can be reached from other hosts and knows no encryption: agents' passwords travel in clear; listen on 127.0.0.1, or use a broker with ssl://", b.Embedded)
		return
	}
	whose := "agents' passwords"
	if b.Password.Reveal() != "" {
		whose = "the broker's and agents' passwords"
	}
	for i, address := range b.URLs {
		say(leaves(address, "tcp"), "broker.urls[%d] %s is not encrypted: %s travel in clear; use ssl://", i, address, whose)
	}
}

// leaves tells whether address has that scheme and is on another host.
func leaves(address, scheme string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == scheme && !isLoopback(u.Hostname())
}

func schemeOf(address string) string {
	scheme, _, _ := strings.Cut(address, "://")
	return strings.ToLower(scheme) // as it is read
}

// staysHere tells whether only this host can reach what listens at address. An
// empty host stands for all addresses.
func staysHere(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && isLoopback(host)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}
