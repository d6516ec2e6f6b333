package notify

import (
	"net/url"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// The names of Finesse's nodes, which are paths of its REST interface (Finesse
// developer guide, "Finesse notifications"). Names that begin otherwise belong to
// other services of the server.
const (
	ourNodes       = "/finesse/"
	userNodes      = ourNodes + "api/User/"
	systemNode     = ourNodes + "api/SystemInfo"
	teamNodePrefix = ourNodes + "api/Team/"
	teamNodeSuffix = "/Users"
	callsOf        = "/Dialogs" // of a user, voice only; /Dialogs/Media has chats and e-mails
)

func teamNode(team gc.TeamID) string { return teamNodePrefix + string(team) + teamNodeSuffix }

// TeamOf is the team whose users' node it is, "" of any other node.
func TeamOf(node string) gc.TeamID {
	rest, ok := strings.CutPrefix(node, teamNodePrefix)
	id, isUsers := strings.CutSuffix(rest, teamNodeSuffix)
	team, err := gc.ParseTeamID(id)
	if !ok || !isUsers || err != nil {
		return ""
	}
	return team
}

// Concerns reports whether an update that a node brought is for the agent whose stream
// it came by. The server sends more than that: the node of chats and e-mails, and
// those that another client of the same user subscribed to by its bare JID, of other
// agents' calls among them. Of a team any stream may hear; who asked is known to
// package agent.
func Concerns(agent gc.AgentID, node string, u finesse.Update) bool {
	switch {
	case TeamOf(node) != "":
		return true
	case !isHeard(agent, node), isUsers(u.Source) && !isOwn(agent, u.Source):
		return false
	}
	return u.User == nil || u.User.LoginID == "" || u.User.LoginID.Is(agent)
}

// isHeard reports whether the agent hears of a node.
func isHeard(agent gc.AgentID, node string) bool {
	return isOwn(agent, node) || TeamOf(node) != "" || strings.EqualFold(node, systemNode)
}

// isUsers reports whether a path is of a user. That of a call names nobody.
func isUsers(path string) bool {
	return len(path) >= len(userNodes) && strings.EqualFold(path[:len(userNodes)], userNodes)
}

// isOwn reports whether a node, or the source of an update, is the agent or its voice calls.
func isOwn(agent gc.AgentID, path string) bool {
	if !isUsers(path) {
		return false
	}
	id, _ := cutSuffixFold(strings.TrimRight(path[len(userNodes):], "/"), callsOf)
	plain, err := url.PathUnescape(id)
	return agent.Is(gc.AgentID(id)) || err == nil && agent.Is(gc.AgentID(plain))
}

func cutSuffixFold(s, suffix string) (before string, found bool) {
	n := len(s) - len(suffix)
	if n < 0 || !strings.EqualFold(s[n:], suffix) {
		return s, false
	}
	return s[:n], true
}
