package finesse

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Credentials are those of who asks. Finesse lets an agent act on itself only,
// and a supervisor on the members of the teams led too.
type Credentials struct {
	Agent    gc.AgentID // as a person wrote it: requests take a login name and other spellings, too
	LoginID  gc.AgentID // what Finesse itself calls the agent, see ID; "" while that is not known
	Password gc.Secret
	// Unproved: nobody knows yet whether the password is right. A request with
	// it is not sent again on a time-out, for each may count towards locking
	// the account.
	Unproved bool
}

// ID is what Finesse calls the agent, as its answer to User says: the id in addresses and
// nodes of the notification service, which knows no other. It is what a person wrote
// while nothing else is known.
func (c Credentials) ID() gc.AgentID { return cmp.Or(c.LoginID, c.Agent) }

// RequestID marks a request. Finesse echoes it, on a best-effort basis, in the
// asynchronous error the request leads to and sometimes in the update, so it
// helps to tell errors apart but never proves success.
type RequestID string

// NewRequestID makes an id that no other request, of this or another process,
// has.
func NewRequestID() RequestID { return RequestID(rand.Text()) }

// Action is something an agent may do with a call that exists.
type Action string

// The actions the connector uses (Finesse developer guide, "Dialog").
const (
	Answer   Action = "ANSWER"
	Hold     Action = "HOLD"
	Retrieve Action = "RETRIEVE"
	Drop     Action = "DROP"
	// Transfer and Conference join the parties of the held call they are sent
	// for with those of the agent's active consultation. Finesse takes them
	// once they are among the actions of the agent's held participant.
	Transfer   Action = "TRANSFER"
	Conference Action = "CONFERENCE"
	// Accept, Reject and Close answer a call of an outbound campaign that is
	// shown before it is dialled: dial it, leave it for later, or for good.
	Accept Action = "ACCEPT"
	Reject Action = "REJECT"
	Close  Action = "CLOSE"
	// DropParticipant removes another party from a conference (UCCE). Finesse
	// lets supervisors do it unless it is configured otherwise, and only to
	// agents.
	DropParticipant Action = "PARTICIPANT_DROP"
)

// SystemInfo is the condition of one node. Domains differ from node to node:
// each runs a notification service of its own.
type SystemInfo struct {
	Status                       string // IN_SERVICE, OUT_OF_SERVICE, PARTIAL_SERVICE
	StatusReason                 string // text for people, when not in service
	LastCTIHeartbeat             string // success, failure, "" where the release does not say
	DeploymentType               string // UCCE, UCCX
	SystemAuthMode               string // SSO, NON_SSO, HYBRID: who signs in with an access token; "" before 11.6
	PrimaryHost, SecondaryHost   string // as Finesse knows them; the second is "" on one node
	XMPPDomain, XMPPPubSubDomain string
	CurrentTime                  time.Time // the server's clock, zero when it did not say
}

// Unusable says why agents cannot work on the node, nil where they can. Cisco's
// own desktop wants a good CTI heartbeat besides the status before it moves to a
// node.
func (s SystemInfo) Unusable() error {
	if s.Status == InService && (s.LastCTIHeartbeat == "" || s.LastCTIHeartbeat == "success") {
		return nil
	}
	return fmt.Errorf("finesse says %s %s", s.Status, s.StatusReason)
}

// InService is the SystemInfo status of a node that works.
const InService = "IN_SERVICE"

// Team is a Finesse team.
type Team = gc.Team

// User is an agent as Finesse describes it. Updates may leave out elements
// that did not change (seen in captures of 2017 to 2021), so an empty field of
// an update says nothing about names, teams, roles and settings.
type User struct {
	LoginID             gc.AgentID
	LoginName           string
	FirstName, LastName string
	State, PendingState gc.UserState
	Extension           gc.Extension    // "" when signed out
	ReasonCodeID        gc.ReasonCodeID // "" for none; Finesse leaves it out or says -1
	StateChangeTime     time.Time       // server's clock, UTC; zero when absent
	Roles               []string        // Agent, Supervisor, Administrator
	TeamID              gc.TeamID
	TeamName            string
	Teams               []Team // those a supervisor leads
	Settings            Settings
	WrapUpTimer         time.Duration
}

// Settings are what an administrator allows an agent.
type Settings struct {
	WrapUpOnIncoming, WrapUpOnOutgoing string // REQUIRED, REQUIRED_WITH_WRAP_UP_DATA, OPTIONAL, NOT_ALLOWED
}

// Dialog is a call. Its addresses are those of the original call, and what
// matters for an agent is the state of the agent's own participant: with
// wrap-up the dialog stays ACTIVE after the call has ended. Finesse's dialogs of
// other media, chats and e-mails, are none.
type Dialog struct {
	ID                     gc.DialogID
	State                  gc.CallState
	FromAddress, ToAddress string      // FromAddress is "" when the caller withholds the number
	CallbackNumber         string      // of a campaign's reservation: the customer's number, on UCCE
	AssociatedDialog       gc.DialogID // of a consultation: the original call
	SecondaryID            gc.DialogID // the half that went away in a transfer
	CallType               string      // open set; may be "" or NULL after a failover
	DNIS, DialedNumber     string
	WrapUpReason           string            // several, of UCCX, are joined with a comma
	Variables              []gc.CallVariable // in Finesse's order
	Participants           []Participant     // those with a number only; none that is over beside one of the same address that is not
}

// Participant is one party of a dialog.
type Participant struct {
	MediaAddress               string
	AddressType                string // AGENT_DEVICE, or "" for an outside party
	State                      gc.CallState
	StateCause                 string // BUSY, BAD_DESTINATION, … when the call failed
	StartTime, StateChangeTime time.Time
	Actions                    []string // what the party may do now
}

// Event says what became of the object of an Update.
type Event string

// The events. Finesse writes errors' in lower case; ParseUpdate does not.
const (
	Put    Event = "PUT"
	Post   Event = "POST"
	Delete Event = "DELETE"
)

// Update is one message of the notification service. At most one of User,
// Dialogs, Error and SystemInfo is set, none when it is about something else.
type Update struct {
	Event     Event
	RequestID RequestID // "" mostly
	Source    string    // the object's path, /finesse/api/User/1001
	// Team is set when it came from the node of a team's users: then User is a
	// member, in short. Package notify knows, ParseUpdate does not.
	Team gc.TeamID
	User *User
	// Dialogs with Post joined the agent's calls, with Put changed, with
	// Delete left: then the call is over for the agent whatever its state says.
	Dialogs    []Dialog
	Error      *APIError
	SystemInfo *SystemInfo
	Omitted    Omissions
}
