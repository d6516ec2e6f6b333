package notify

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/xmppo/go-xmpp"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// ourNodes is where the names of Finesse's nodes start. Others belong to
// other services of the server.
const ourNodes = "/finesse/"

// deliver passes the updates of an event on, and waits for the consumer when
// the channel is full.
func (s *Stream) deliver(e xmpp.PubsubEvent) {
	if !strings.HasPrefix(e.Node, ourNodes) {
		return
	}
	team := teamOf(e.Node)
	for _, item := range e.Items {
		if s.seen.add(e.Node, item.ID) {
			s.metrics.duplicates.Inc()
			continue
		}
		u, err := parseItem(item.InnerXML)
		if err != nil {
			s.metrics.malformed.Inc()
			s.grumble.Do(func() {
				s.log.Warn("an update of the notification service can not be read, later ones of the stream are only counted",
					zap.String("node", s.node), zap.Error(err))
			})
			continue
		}
		u.Team = team
		select {
		case s.updates <- u:
			s.metrics.updates.Inc()
		case <-s.closing:
			return
		}
	}
}

// The name of the node of a team's users (Finesse developer guide, "Team
// notifications").
const teamNodePrefix, teamNodeSuffix = ourNodes + "api/Team/", "/Users"

func teamNode(team gc.TeamID) string { return teamNodePrefix + string(team) + teamNodeSuffix }

// teamOf is the team whose users' node it is, "" of any other node.
func teamOf(node string) gc.TeamID {
	rest, ok := strings.CutPrefix(node, teamNodePrefix)
	id, isUsers := strings.CutSuffix(rest, teamNodeSuffix)
	team, err := gc.ParseTeamID(id)
	if !ok || !isUsers || err != nil {
		return ""
	}
	return team
}

// parseItem reads the inside of an item: an element notification, whose name
// space differs between releases, with the update as escaped text.
func parseItem(raw []byte) (finesse.Update, error) {
	if len(raw) > maxStanza {
		return finesse.Update{}, errOversized
	}
	document, err := notificationText(raw)
	if err != nil {
		return finesse.Update{}, fmt.Errorf("notification: %w", err)
	}
	return finesse.ParseUpdate(document)
}

// notificationText is the text directly inside the first element
// notification.
func notificationText(raw []byte) ([]byte, error) {
	d := xml.NewDecoder(bytes.NewReader(raw))
	var depth int
	var text []byte
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("there is none")
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth++; depth == 1 && t.Name.Local != "notification" {
				depth = 0
				if err := d.Skip(); err != nil {
					return nil, err
				}
			}
		case xml.CharData:
			if depth == 1 {
				text = append(text, t...)
			}
		case xml.EndElement:
			if depth--; depth == 0 {
				return text, nil
			}
		}
	}
}

// recentItems remembers the last items of a stream. The service numbers items
// and repeats one to a client that is subscribed twice, directly after the
// first.
type recentItems struct {
	ring []string
	next int
}

const itemsRemembered = 16

// add reports whether the item is among those remembered. Items without an id
// are all different.
func (r *recentItems) add(node, id string) bool {
	if id == "" {
		return false
	}
	key := node + "#" + id
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
