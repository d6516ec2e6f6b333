package gc

import "time"

// TeamInfoIDs reports to a supervisor the ids of the teams led (O-012).
type TeamInfoIDs struct{ AgentInfo }

// TeamInfoNames reports to a supervisor their names, in the same order (O-013).
type TeamInfoNames struct{ AgentInfo }

// TeamUser is an agent in a list of several.
type TeamUser struct {
	LoginID             AgentID
	FirstName, LastName string
	Extension           Extension // "" when signed out
	State, Pending      UserState
	MediaType           string // 1 is voice; "" where Finesse does not say
	Changed             time.Time
}

// Agents lists the agents who are signed in (answer to getallagents).
type Agents struct {
	Agent AgentID // who asked
	Users []TeamUser
}

// TeamUsersList lists the members of a team (O-020).
type TeamUsersList struct {
	Agent AgentID // the supervisor
	Team  TeamID
	Users []TeamUser
}

// TeamMemberState reports to a supervisor the state of a member of a team (O-021).
type TeamMemberState struct {
	Agent  AgentID // the supervisor
	Team   TeamID
	Member State // whose Agent is the member
}

// QueueList answers getqueuelist (O-019).
type QueueList struct {
	Agent  AgentID // the supervisor
	Queues []Queue
}

// Queue is a queue's statistics. A number is -1 where Finesse has none.
type Queue struct {
	Name                                                               string
	AgentsNotReady, AgentsReady                                        int
	AgentsTalkingInbound, AgentsTalkingInternal, AgentsTalkingOutbound int
	AgentsWrapUpNotReady, AgentsWrapUpReady                            int
	CallsInQueue                                                       int
	LongestCallStart                                                   time.Time // zero when no call waits
}

func (TeamInfoIDs) event()     {}
func (TeamInfoNames) event()   {}
func (Agents) event()          {}
func (TeamUsersList) event()   {}
func (TeamMemberState) event() {}
func (QueueList) event()       {}
