package embedded

import (
	"fmt"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/broker/framing"
)

const maxDestination = 1024

// address is a destination under the name all connections share.
type address struct {
	name  string
	topic bool
}

// temporary is a destination that lives as long as its owner, which knows it
// under a name of its own.
type temporary struct {
	owner *conn
	local string
}

// resolve reads a destination header. As in ActiveMQ a name without a prefix is
// a queue, and a temporary destination that is gone is a fault. Faults are
// logged, so they quote nothing: s may be a misplaced password.
func (b *Broker) resolve(c *conn, s string) (address, error) {
	if s == "" || len(s) > maxDestination {
		return address{}, framing.Faultf("destination is missing or longer than %d bytes", maxDestination)
	}
	if strings.ContainsAny(s, "*>,?") {
		return address{}, framing.Faultf("wildcard, composite and optioned destinations are not supported")
	}
	if !strings.HasPrefix(s, "/") {
		s = "/queue/" + s
	}
	kind, name, _ := strings.Cut(s[1:], "/")
	if name == "" {
		return address{}, framing.Faultf("the destination has no name")
	}
	to := address{name: s, topic: strings.HasSuffix(kind, "topic")}
	switch kind {
	case "queue", "topic":
		return to, nil
	case "temp-queue", "temp-topic":
		var err error
		to.name, err = b.own(c, s)
		return to, err
	case "remote-temp-queue", "remote-temp-topic":
		if _, ok := b.temporaries[s]; !ok {
			return address{}, framing.Faultf("the temporary destination does not exist")
		}
		return to, nil
	}
	return address{}, framing.Faultf("a destination must begin with /queue/, /topic/, /temp-queue/ or /temp-topic/")
}

// own returns the shared name of c's temporary destination, and makes it on
// first use. The client's part of the name is not in it: others must be able to
// use the name unchanged in a header or as a destination.
func (b *Broker) own(c *conn, local string) (string, error) {
	if name, ok := c.temporaries[local]; ok {
		return name, nil
	}
	if len(c.temporaries) >= b.limits.temporaries {
		return "", framing.Faultf("more than %d temporary destinations", b.limits.temporaries)
	}
	kind, _, _ := strings.Cut(local[1:], "/")
	name := fmt.Sprintf("/remote-%s/ID:%s-%d:%d", kind, b.id, c.number, len(c.temporaries)+1)
	c.temporaries[local] = name
	b.temporaries[name] = temporary{c, local}
	return name, nil
}

// shown returns the name under which c knows a destination.
func (b *Broker) shown(c *conn, name string) string {
	if t, ok := b.temporaries[name]; ok && t.owner == c {
		return t.local
	}
	return name
}

// removeTemporaries deletes c's temporary destinations and what is in them.
func (b *Broker) removeTemporaries(c *conn) {
	for _, name := range c.temporaries {
		delete(b.temporaries, name)
		if q := b.queues[name]; q != nil {
			for _, m := range q.ready {
				b.storedBytes -= m.size
			}
			delete(b.queues, name)
		}
	}
}
