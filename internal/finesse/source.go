package finesse

import (
	"net/url"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Object is what the source of an Update names. At most one of User and Dialog is
// set; none when it is something that this package has no requests about: a chat, a
// task, a medium, a team.
type Object struct {
	User   gc.AgentID
	Calls  bool // it is the list of the user's calls, where a call that is being made belongs
	Dialog gc.DialogID
}

// Object reads Source, with or without a host in front (Finesse developer guide,
// "Finesse notifications": /finesse/api/User/{id}, /finesse/api/User/{id}/Dialogs,
// /finesse/api/Dialog/{id}).
func (u *Update) Object() Object {
	_, path, ok := strings.Cut(u.Source, "/finesse/api/")
	if !ok {
		return Object{}
	}
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	for i, part := range parts {
		var err error
		if parts[i], err = url.PathUnescape(part); err != nil {
			return Object{}
		}
	}
	switch {
	case len(parts) == 2 && parts[0] == "User":
		return Object{User: gc.AgentID(parts[1])}
	case len(parts) == 3 && parts[0] == "User" && parts[2] == "Dialogs":
		return Object{User: gc.AgentID(parts[1]), Calls: true}
	case len(parts) == 2 && parts[0] == "Dialog":
		return Object{Dialog: gc.DialogID(parts[1])}
	}
	return Object{}
}
