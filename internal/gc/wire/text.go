package wire

import (
	"strconv"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// The forms of text: the seed's "New Format". Position and number of the fields
// are the contract; fields are only ever appended.

func systemText(t *textForm, e gc.System) { t.fields("System", string(e.Status)) }

func stateText(t *textForm, e gc.State) {
	t.fields(string(e.Agent), "State", string(e.State), string(e.Reason), e.FullName)
}

func reLoginText(t *textForm, e gc.ReLogin) { t.fields(string(e.Agent), "State", "RE_LOGIN") }

func errorText(t *textForm, e gc.ErrorEvent) { t.fields(string(e.Agent), "Error", string(e.Code)) }

func agentInfoText(t *textForm, e gc.AgentInfo) {
	t.fields(string(e.Agent), "AgentInfo", e.FirstName, e.LastName, strconv.FormatBool(e.Supervisor), e.WrapUp, e.FullName())
}

// statusBarText ends with a sentence for people: in it only "#" would do harm.
func statusBarText(t *textForm, e gc.StatusBar) {
	t.fields(string(e.Agent), "Control", "PrintStatusBar", "")
	t.replace("#", e.Message)
}

func agentLogoutText(t *textForm, e gc.AgentLogout) { t.fields(string(e.Agent), "LOGOUT") }

// reconnectText ends with what the driver is to send again: nothing in it is
// replaced.
func reconnectText(t *textForm, e gc.Reconnect) {
	t.fields(string(e.Agent), "RECONNECT", "")
	t.raw(e.Text)
}

func destinationReconnectText(t *textForm, e gc.DestinationReconnect) {
	t.fields("DESTINATION", e.Destination.Name(), "RECONNECT")
}

// agentSyncText is for other connectors and the same in every format. The
// password is as it is: no other field can hold a separator, so it is what
// stands between the second and the last but one.
func agentSyncText(t *textForm, e gc.AgentSync) {
	t.fields("AgentState", string(e.Agent), "")
	t.raw(e.Password.Reveal())
	t.fields(string(e.Extension))
	t.time(e.Subscribed)
}

// teamMemberStateText has the member's id appended to the seed's four fields.
func teamMemberStateText(t *textForm, e gc.TeamMemberState) {
	t.fields(string(e.Agent), "TeamMemberStateChanged", string(e.Team), string(e.Member.State), string(e.Member.Agent))
}

// newInboundCallText, unlike all others, has the bare number in front of the
// call variables.
func newInboundCallText(t *textForm, e gc.NewInboundCall) {
	t.fields(string(e.Agent), "NewInboundCall", e.From, e.ANI())
	t.variables(e.Variables)
	t.labelled("DialogID", string(e.Dialog))
}

func newOutboundCallText(t *textForm, e gc.NewOutboundCall) {
	t.fields(string(e.Agent), "NewOutboundCall", e.From)
	t.callVariables(e.Call)
	t.labelled("DialogID", string(e.Dialog))
}

func inboundCallText(t *textForm, e gc.InboundCall) { t.call("InboundCall", "DialogID", e.Call) }

func consultCallText(t *textForm, e gc.ConsultCall) { t.call("ConsultCall", "AssDialogID", e.Call) }

// call is the form that the two kinds of call share.
func (t *textForm) call(name, id string, c gc.Call) {
	t.fields(string(c.Agent), name, string(c.State))
	t.labelled(id, string(c.Dialog))
	if c.State == gc.Failed {
		t.fields(c.Cause, c.FullName)
		return
	}
	t.fields(c.From)
	t.callVariables(c)
	t.time(c.Start)
	t.fields(c.FullName)
}

func dialogStateText(t *textForm, e gc.DialogState) {
	t.fields(string(e.Agent), "DialogState", string(e.State), string(e.Dialog), e.FullName, e.From)
	if e.State == gc.NotFound {
		t.fields("") // of a call that is not found nothing is known
	} else {
		t.callVariables(e.Call)
	}
	t.associated(e.Associated)
}

// associated are the four fields about the other call of a consultation; they
// are there, empty, when there is none.
func (t *textForm) associated(a *gc.Call) {
	if a == nil {
		t.fields("", "", "", "")
		return
	}
	t.fields(string(a.Dialog), string(a.State), a.From)
	t.callVariables(*a)
}

func agentDialogStateText(t *textForm, e gc.AgentDialogState) {
	t.fields(string(e.Agent), "DialogState", string(e.State), string(e.Dialog), e.FullName)
}

// dialogStatusText is the longer of the two forms that the seed prints.
func dialogStatusText(t *textForm, e gc.DialogStatus) {
	t.fields(string(e.Agent), "DialogStatus", string(e.Dialog), string(e.State), e.From)
	t.callVariables(e.Call)
	t.associated(e.Associated)
}

func dialogStateControlsText(t *textForm, e gc.DialogStateControls) {
	t.fields(string(e.Agent), e.Kind(), "DialogState", string(e.State), string(e.Dialog), e.FullName)
}
