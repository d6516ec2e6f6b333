package passwords

import (
	"container/list"
	"slices"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// isOf reports whether Finesse calls a user so.
func isOf(agent gc.AgentID, u finesse.User) bool {
	asked := fold(agent)
	return asked == fold(u.LoginID) || asked == fold(gc.AgentID(u.LoginName))
}

// learn notes what Finesse calls the agent of whom a password was just proved:
// it takes the login id and the login name of the same user, and counts their
// wrong passwords together. Names that the agent does not have any more are
// forgotten, so there are three at most: these two and the one that was asked
// about.
func (g *Guard) learn(agent gc.AgentID, u finesse.User) {
	asked, user := fold(agent), fold(u.LoginID)
	g.mu.Lock()
	defer g.unlock()
	element := g.accounts[asked]
	if element == nil || user == "" {
		return
	}
	e := element.Value.(*entry)
	switch {
	case len(e.worked) == 0:
		return // forgotten meanwhile, and asked about by a stranger
	case e.user != "" && e.user != user && e.user != asked: // somebody's login name is the login id of another
		delete(g.accounts, asked)
		e.names = slices.DeleteFunc(e.names, func(name string) bool { return name == asked })
		return
	}
	e.user = user
	names := []string{asked}
	if g.join(element, user) && user != asked {
		names = append(names, user)
	}
	if name, err := gc.ParseAgentID(u.LoginName); err == nil && !slices.Contains(names, fold(name)) && g.join(element, fold(name)) {
		names = append(names, fold(name))
	}
	for _, name := range e.names {
		if !slices.Contains(names, name) {
			delete(g.accounts, name)
		}
	}
	e.names = names
}

// join makes what is known under a name part of an account, unless the name is
// known to be another user's.
func (g *Guard) join(element *list.Element, name string) bool {
	e := element.Value.(*entry)
	if other := g.accounts[name]; other != nil && other != element {
		o := other.Value.(*entry)
		if o.user != "" && o.user != e.user {
			return false
		}
		g.remove(g.listOf(o), other)
		e.absorb(&o.account)
		o.into = e
	}
	g.accounts[name] = element
	return true
}
