package config

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// checker collects the faults of values that have the right type.
type checker struct{ faults Errors }

// that reports value unless ok.
func (c *checker) that(ok bool, path string, value any, problem string) {
	if !ok {
		c.faults = append(c.faults, newFault(path, value, problem))
	}
}

func (c *checker) within(d, least, most time.Duration, path string) {
	c.that(least <= d && d <= most, path, d.String(), "is out of range")
}

func (c *checker) between(n, least, most int, path string) {
	c.that(least <= n && n <= most, path, n, "is out of range")
}

func (c *checker) oneOf(value, path string, accepted ...string) {
	c.that(slices.Contains(accepted, value), path, value, "is not known")
}

// check reports the values that cannot work.
func (c *Config) check() Errors {
	var k checker
	c.Broker.check(&k)
	c.Finesse.check(&k)
	c.Messages.check(&k)
	c.Capture.check(&k)
	c.Recording.check(&k)
	c.Cluster.check(&k, c.Broker.Embedded != "")
	k.that(c.Agents.Limit >= 0, "agents.limit", c.Agents.Limit, "is out of range")
	k.that(isHostPort(c.HTTP.Listen), "http.listen", c.HTTP.Listen, "is not an address to listen on")
	k.oneOf(c.Log.Level, "log.level", "debug", "info", "warn", "error")
	k.oneOf(c.Log.Format, "log.format", "json", "console")
	return k.faults
}

func (b *Broker) check(k *checker) {
	if b.Embedded != "" {
		k.that(isHostPort(b.Embedded), "broker.embedded", b.Embedded, "is not an address to listen on")
	} else {
		k.that(len(b.URLs) > 0, "broker.urls", nil, "is empty")
		for i, address := range b.URLs {
			_, err := parseAddress(address, true, "tcp", "ssl")
			k.that(err == nil, fmt.Sprintf("broker.urls[%d]", i), address, text(err))
		}
	}
	k.that(isDestinationName(b.CommandQueue), "broker.command_queue", b.CommandQueue, "is not the name of a queue")
	k.that(isDestinationName(b.SyncTopic), "broker.sync_topic", b.SyncTopic, "is not the name of a topic")
	k.between(b.ConsumerPriority, 0, 127, "broker.consumer_priority")
	k.within(b.Heartbeat, time.Second, 5*time.Minute, "broker.heartbeat")
	k.within(b.MaxCommandAge, time.Second, 24*time.Hour, "broker.max_command_age")
}

func (f *Finesse) check(k *checker) {
	k.that(len(f.Nodes) == 1 || len(f.Nodes) == 2, "finesse.nodes", nil, fmt.Sprintf("has %d nodes", len(f.Nodes)))
	for i, node := range f.Nodes {
		node.check(k, fmt.Sprintf("finesse.nodes[%d]", i))
	}
	if len(f.Nodes) == 2 {
		k.that(f.Nodes[0].REST != f.Nodes[1].REST, "finesse.nodes[1].rest", f.Nodes[1].REST, "is the same as that of the other node")
	}
	k.that(isDomain(f.XMPPDomain), "finesse.xmpp_domain", f.XMPPDomain, "is not a domain name")
	k.that(isDomain(f.PubSubDomain), "finesse.pubsub_domain", f.PubSubDomain, "is not a domain name")
	k.within(f.RequestTimeout, 100*time.Millisecond, 30*time.Second, "finesse.request_timeout")
	k.between(f.Retries, 0, 10, "finesse.retries")
	f.Admin.check(k)
}

// check also sees to the colon: it would end the name in an HTTP request (RFC
// 7617).
func (a *Admin) check(k *checker) {
	k.that(isPrintable(a.Username) && !strings.Contains(a.Username, ":"), "finesse.admin.username", a.Username, "is not a user name")
	password := a.PasswordFile != "" || a.Password.Reveal() != ""
	k.that(a.Username == "" || password, "finesse.admin.password_file", nil, "is missing beside finesse.admin.username")
	k.that(a.Username != "" || !password, "finesse.admin.username", nil, "is missing beside a password")
}

var clusterName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (c *Cluster) check(k *checker, embedded bool) {
	k.that(c.Name == "" || clusterName.MatchString(c.Name), "cluster.name", c.Name, "is not the name of a group")
	k.that(c.Name == "" || !embedded, "cluster.name", c.Name, "is set together with broker.embedded, which no other connector could use after this one has died")
	k.that(c.Name == "" || c.KeyFile != "", "cluster.key_file", nil, "is missing beside cluster.name")
	k.that(c.Name != "" || c.KeyFile == "", "cluster.name", nil, "is missing beside cluster.key_file")
}

func (c *Capture) check(k *checker) {
	k.that(MB <= c.MaxSize && c.MaxSize <= 10*GB, "capture.max_size", c.MaxSize.String(), "is out of range")
	k.between(c.Keep, 0, 10_000, "capture.keep")
	for i, pattern := range c.Destinations {
		k.that(isPattern(pattern), fmt.Sprintf("capture.destinations[%d]", i), pattern, "the pattern can match no destination")
	}
	for i, agent := range c.Agents {
		_, err := gc.ParseAgentID(agent)
		k.that(err == nil, fmt.Sprintf("capture.agents[%d]", i), agent, "is not a login id")
	}
}

// check shows no query in a fault: sites put keys there.
func (r *Recording) check(k *checker) {
	one := func(path, address, otherPath, other string) {
		if address == "" {
			k.that(other == "", path, nil, "is missing beside "+otherPath)
			return
		}
		err := parseEndpoint(address)
		shown, _, _ := strings.Cut(address, "?")
		k.that(err == nil, path, shown, text(err))
	}
	one("recording.pause_url", r.PauseURL, "recording.resume_url", r.ResumeURL)
	one("recording.resume_url", r.ResumeURL, "recording.pause_url", r.PauseURL)
}

func (n Node) check(k *checker, path string) {
	_, err := parseAddress(n.REST, false, "https")
	k.that(err == nil, path+".rest", n.REST, text(err))
	_, err = parseAddress(n.Notify, true, "xmpps", "xmpp", "xmpp+plain", "wss")
	k.that(err == nil, path+".notify", n.Notify, text(err))
}

func (m *Messages) check(k *checker) {
	checkFormat(k, "messages.format", m.Format)
	for pattern, format := range m.Formats {
		path := fmt.Sprintf("messages.formats[%q]", pattern)
		checkFormat(k, path, format)
		k.that(isPattern(string(pattern)), path, nil, "the pattern can match no destination")
	}
	for i, pattern := range m.Destinations {
		k.that(isPattern(pattern), fmt.Sprintf("messages.destinations[%d]", i), pattern, "the pattern can match no destination")
	}
	k.that(propertyName.MatchString(m.CategoryProperty), "messages.category_property", m.CategoryProperty, "is not the name of a message property")
	r, size := utf8.DecodeRuneInString(m.SeparatorSubstitute)
	fits := size > 0 && size == len(m.SeparatorSubstitute) && r != utf8.RuneError && unicode.IsPrint(r) && !strings.ContainsRune("#|,=:", r)
	k.that(fits, "messages.separator_substitute", m.SeparatorSubstitute, "cannot stand in for a separator")
	k.that(slices.Contains(wire.AllParticipants, m.Participants), "messages.participants", string(m.Participants), "is not a way to list participants")
}

func checkFormat(k *checker, path string, f wire.Format) {
	k.that(slices.Contains(wire.Formats, f), path, string(f), "is not a format")
}

var (
	propertyName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	domain       = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*)?$`)
)

// isDestinationName tells whether s names a queue or a topic, without saying
// which.
func isDestinationName(s string) bool {
	_, err := gc.ParseDestination("/queue/" + s)
	return err == nil && !strings.Contains(s, "/")
}

func isPrintable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func isDomain(s string) bool { return len(s) <= 253 && domain.MatchString(s) }

// isPattern tells whether s is made of characters that destinations have.
func isPattern(s string) bool {
	_, err := gc.ParseDestination(strings.ReplaceAll(s, "*", "x"))
	return err == nil
}

// isHostPort accepts what can be listened on: the host may be empty for all
// addresses, the port 0 for any free one.
func isHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	return err == nil && isPort(port, 0) && !strings.ContainsAny(host, " /@")
}

func isPort(s string, least int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && least <= n && n <= 65535
}
