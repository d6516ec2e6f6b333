package notify

import (
	"errors"
	"hash/maphash"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
)

// message is what is read of a message (XEP-0060, 7.1.2).
type message struct {
	From     string    `xml:"from,attr"`
	Type     string    `xml:"type,attr"`
	Delay    *struct{} `xml:"urn:xmpp:delay delay"` // XEP-0203
	OldDelay *struct{} `xml:"jabber:x:delay x"`     // XEP-0091
	Lists    []struct {
		Node  string `xml:"node,attr"`
		Items []item `xml:"item"`
	} `xml:"http://jabber.org/protocol/pubsub#event event>items"`
}

// item is an update: an element notification, whose name space differs between
// releases, with the update as escaped text.
type item struct {
	ID            string `xml:"id,attr"`
	Notifications []struct {
		Text []byte `xml:",chardata"`
	} `xml:"notification"`
}

func (i item) update() (finesse.Update, error) {
	if len(i.Notifications) == 0 {
		return finesse.Update{}, errors.New("an item without notification")
	}
	return finesse.ParseUpdate(i.Notifications[0].Text)
}

func (i item) text() []byte {
	if len(i.Notifications) == 0 {
		return nil
	}
	return i.Notifications[0].Text
}

// deliver passes the updates of a message on.
func (s *Stream) deliver(m message) {
	for _, list := range m.Lists {
		if !strings.HasPrefix(list.Node, ourNodes) || m.Type == "error" || !s.current(m) {
			continue
		}
		if !isHeard(s.agent, list.Node) {
			s.leaveOut(list.Node, "", len(list.Items))
			continue
		}
		for _, item := range list.Items {
			if s.seen.add(list.Node, item.ID) {
				s.metrics.duplicates.Inc()
				continue
			}
			s.record(capture.Update, list.Node, item.text(), nil)
			if !s.pass(item, list.Node) {
				return
			}
		}
	}
}

// current is whether a message is news, and the service's own: any user of the
// server can send an agent a message that looks like an update, and what a
// server has kept for later is no longer so.
func (s *Stream) current(m message) bool {
	switch {
	case !strings.EqualFold(m.From, s.pubsub):
		s.metrics.foreign.Inc()
		s.strangers.Do(func() {
			s.log.Warn("a notification that the notification service has not sent is dropped, later ones of the stream are only counted; "+
				"if the sender is the service, set finesse.pubsub_domain",
				zap.String("node", s.node), zap.String("sender", m.From), zap.String("expected", s.pubsub))
		})
		return false
	case m.Delay != nil || m.OldDelay != nil:
		s.metrics.delayed.Inc()
		return false
	}
	return true
}

// leaveOut notes updates that are not for the agent.
func (s *Stream) leaveOut(node, source string, updates int) {
	s.metrics.others.Add(float64(updates))
	s.mistaken.Do(func() {
		s.log.Info("an update that is not about the agent or its calls is dropped, later ones of the stream are only counted",
			zap.String("node", s.node), zap.String("agent", string(s.agent)), zap.String("topic", start(node)), zap.String("source", start(source)))
	})
}

// start is as much of a name from outside as a log line has room for.
func start(name string) string { return name[:min(len(name), 100)] }

// pass waits for the consumer when the channel is full. It is false when the
// stream was closed meanwhile.
func (s *Stream) pass(i item, node string) bool {
	u, err := i.update()
	if err != nil {
		s.metrics.malformed.Inc()
		s.grumble.Do(func() {
			s.log.Warn("an update of the notification service cannot be read, later ones of the stream are only counted",
				zap.String("node", s.node), zap.Error(err))
		})
		return true
	}
	s.omitted(u.Omitted)
	if !Concerns(s.agent, node, u) {
		s.leaveOut(node, u.Source, 1)
		return true
	}
	u.Team = TeamOf(node)
	select {
	case s.updates <- u:
		s.metrics.updates.Inc()
		return true
	case <-s.closing:
		return false
	}
}

// omitted counts what of an update, or of the stream itself, cannot be read, and says
// so once.
func (s *Stream) omitted(out finesse.Omissions) {
	if out == (finesse.Omissions{}) {
		return
	}
	s.metrics.characters.Add(float64(out.Characters))
	s.metrics.elements.Add(float64(out.Elements))
	s.puzzle.Do(func() {
		s.log.Warn("some of what the notification service sends cannot be read and is left out, the rest is used; more of the stream is only counted",
			zap.String("node", s.node), zap.String("agent", string(s.agent)), zap.Int("characters", out.Characters), zap.Int("elements", out.Elements),
			zap.NamedError("element", out.Why))
	})
}

// recentItems remembers the last items of a stream. The service numbers items
// and repeats one to a client that is subscribed twice, directly after the
// first.
type recentItems struct {
	ring []uint64 // sums: a name may have a megabyte
	next int
}

const itemsRemembered = 16

var itemSeed = maphash.MakeSeed()

// add reports whether the item is among those remembered. Items without an id
// are all different.
func (r *recentItems) add(node, id string) bool {
	if id == "" {
		return false
	}
	key := maphash.Comparable(itemSeed, [2]string{node, id})
	if slices.Contains(r.ring, key) {
		return true
	}
	if len(r.ring) < itemsRemembered {
		r.ring = append(r.ring, key)
		return false
	}
	r.ring[r.next] = key
	r.next = (r.next + 1) % itemsRemembered
	return false
}
