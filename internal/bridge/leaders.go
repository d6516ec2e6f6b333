package bridge

import (
	"slices"
	"sync"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// leaders are the sessions of supervisors who have asked about teams, by the
// members. Anybody may name an agent, so that to find one must not take longer
// the more sessions there are. It is safe for concurrent use.
type leaders struct {
	mu      sync.Mutex
	members map[*session.Session][]gc.AgentID
	of      map[gc.AgentID][]*session.Session
}

func newLeaders() *leaders {
	return &leaders{members: map[*session.Session][]gc.AgentID{}, of: map[gc.AgentID][]*session.Session{}}
}

// lead notes whom a session leads from now on; nobody when it ends.
func (l *leaders) lead(s *session.Session, members []gc.AgentID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range l.members[s] {
		l.of[id] = slices.DeleteFunc(l.of[id], func(other *session.Session) bool { return other == s })
		if len(l.of[id]) == 0 {
			delete(l.of, id)
		}
	}
	delete(l.members, s)
	if len(members) == 0 {
		return
	}
	l.members[s] = members
	for _, id := range members {
		l.of[id] = append(l.of[id], s)
	}
}

// leader is the session of a supervisor who has asked about the agent's team,
// nil when there is none.
func (l *leaders) leader(agent gc.AgentID) *session.Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	if all := l.of[agent]; len(all) > 0 {
		return all[0]
	}
	return nil
}
