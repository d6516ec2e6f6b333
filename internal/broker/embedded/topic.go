package embedded

import "slices"

// topic delivers each message to everybody who is subscribed now. It exists
// while somebody is.
type topic struct {
	name        string
	subscribers []*subscription
}

func (b *Broker) topic(name string) *topic {
	t := b.topics[name]
	if t == nil {
		t = &topic{name: name}
		b.topics[name] = t
	}
	return t
}

func (b *Broker) publish(m *message) {
	t := b.topics[m.destination]
	if t == nil {
		return
	}
	for _, s := range t.subscribers {
		s.conn.enqueue(&delivery{sub: s, msg: m})
	}
}

func (b *Broker) leaveTopic(t *topic, s *subscription) {
	t.subscribers = slices.DeleteFunc(t.subscribers, func(have *subscription) bool { return have == s })
	if len(t.subscribers) == 0 {
		delete(b.topics, t.name)
	}
}
