package gc

import (
	"errors"
	"slices"
	"strings"
)

// Destination is where a client's events go, in STOMP's form: "/topic/name",
// "/queue/name", or the temporary destination of a JMSReplyTo. The zero value
// means that none is known.
type Destination string

// ParseDestination reads the name a client gave in Hello or Connect. A bare
// name is a topic; "queue://X", "/queue/X", "topic://X" and "/topic/X" are
// understood. Characters that a broker would take for a wildcard, a list of
// destinations or options are refused, and so are the broker's own
// destinations: with them one client could write to others.
func ParseDestination(s string) (Destination, error) {
	kind, name := "/topic/", s
	for prefix, k := range map[string]string{
		"/topic/": "/topic/", "topic://": "/topic/", "/queue/": "/queue/", "queue://": "/queue/",
	} {
		if rest, ok := strings.CutPrefix(s, prefix); ok {
			kind, name = k, rest
		}
	}
	if err := checkDestinationName(name); err != nil {
		return "", err
	}
	return Destination(kind + name), nil
}

// ParseReplyTo reads the reply-to header of a command. Besides what ParseDestination
// takes, but for a bare name, which no client writes there and a password may be, it knows the temporary destinations of other clients, which ActiveMQ
// shows as "/remote-temp-queue/ID:…", whether JMS or STOMP made them. Without
// "remote" it would be one of the connector's own, which the broker makes for
// it when it writes there: only a sender who forges the header asks for that.
// Artemis shows "temp-queue://X", which STOMP calls the queue X (ARTEMIS-2311).
func ParseReplyTo(s string) (Destination, error) {
	for _, kind := range []string{"/remote-temp-queue/", "/remote-temp-topic/"} {
		if name, ok := strings.CutPrefix(s, kind); ok {
			if err := checkDestinationName(name); err != nil {
				return "", err
			}
			return Destination(s), nil
		}
	}
	if strings.HasPrefix(s, "temp-queue://") || strings.HasPrefix(s, "temp-topic://") {
		s = strings.TrimPrefix(s, "temp-")
	}
	for _, kind := range []string{"/topic/", "/queue/", "topic://", "queue://"} {
		if strings.HasPrefix(s, kind) {
			return ParseDestination(s)
		}
	}
	return "", errors.New("reply-to is neither a topic nor a queue")
}

func checkDestinationName(name string) error {
	if name == "" || len(name) > maxName {
		return errors.New("destination is empty or longer than 255 characters")
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c > '~' || strings.IndexByte("*>,?#|", c) >= 0 {
			return errors.New("destination has a character that none has")
		}
	}
	// ActiveMQ reads "/topic/queue://X" as the queue X.
	if name[0] == '/' || strings.Contains(name, "://") {
		return errors.New("destination is named within another")
	}
	if isBrokers(strings.ToLower(name)) {
		return errors.New("destination is one of the broker's own")
	}
	return nil
}

// isBrokers reports whether a name, in lower case, is one that brokers keep for
// themselves: ActiveMQ's advisories, statistics and dead letters, Artemis'
// management and notifications, and what begins with a dollar.
func isBrokers(name string) bool {
	first, _, _ := strings.Cut(name, ".")
	return name[0] == '$' || slices.Contains([]string{"activemq", "dlq", "expiryqueue"}, first)
}

// BelongsTo reports whether the destination leads to a queue or topic of that
// name, in whatever case: it is that, its owner's (name.owner), or one from which
// ActiveMQ copies there, such as VirtualTopic.name and Consumer.a.VirtualTopic.name.
func (d Destination) BelongsTo(name string) bool {
	own, name := strings.ToLower(d.Name()), strings.ToLower(name)
	first, _, _ := strings.Cut(own, ".")
	copied := first == "consumer" || first == "virtualtopic" || first == "mirror"
	return own == name || own == name+".owner" || copied && strings.HasSuffix(own, "."+name)
}

// IsTemporary reports whether the destination goes with the client that made it.
func (d Destination) IsTemporary() bool {
	return !strings.HasPrefix(string(d), "/topic/") && !strings.HasPrefix(string(d), "/queue/")
}

// Name is the destination without its kind, as the client knows it.
func (d Destination) Name() string {
	s := string(d)
	if i := strings.IndexByte(strings.TrimPrefix(s, "/"), '/'); i >= 0 {
		return s[i+2:]
	}
	return s
}

// IsTopic reports whether events for d may share a connection with those of
// other clients. A queue or temporary destination may vanish with its client,
// and the broker then closes the connection that wrote to it.
func (d Destination) IsTopic() bool { return strings.HasPrefix(string(d), "/topic/") }
