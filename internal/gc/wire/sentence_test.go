package wire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// sentences are those of the table.
func sentences() map[string]string {
	all := map[string]string{}
	for _, m := range gc.UserMessages {
		all[m.Key] = m.Text
	}
	return all
}

func keyOf(e gc.Event) string {
	return strings.Join(RowOf(e).keysOf(e)[:min(1, len(RowOf(e).keys))], "")
}

func sentenceOf(all map[string]string, e gc.Event) string { return RowOf(e).Sentence(all, e) }

func TestTheTableOfUserMessagesIsTheSeeds(t *testing.T) {
	require.Len(t, gc.UserMessages, 35)
	require.Len(t, sentences(), 35, "no key is there twice")
	require.Equal(t, gc.UserMessage{Key: "Error#LICENSES_EXCEEDED", Text: "License exceeded, please contact system administrator."}, gc.UserMessages[0])
	require.Equal(t, gc.UserMessage{Key: "ConsultCall#DROP", Text: "Consult call has dropped."}, gc.UserMessages[34])

	var silent []string
	for _, m := range gc.UserMessages {
		require.NotContains(t, m.Text, "#", "it would end the last field of O-003")
		if m.Text == "" {
			silent = append(silent, m.Key)
		}
	}
	require.Equal(t, []string{"InboundCall#INITIATED", "ConsultCall#INITIATING", "ConsultCall#INITIATED"}, silent)
}

func TestAnEventHasASentence(t *testing.T) {
	inbound := func(s gc.CallState) gc.Event { return gc.InboundCall{Call: gc.Call{State: s}} }
	consult := func(s gc.CallState) gc.Event { return gc.ConsultCall{Call: gc.Call{State: s}} }
	failure := func(c gc.Code) gc.Event { return gc.ErrorEvent{Code: c} }
	const general = "An error occurred, please try again later."
	for rule, test := range map[string]struct {
		event     gc.Event
		key, text string
	}{
		"a state":                           {gc.State{State: gc.NotReady}, "State#NOT_READY", "Your State: Not Ready"},
		"a state the seed has no row for":   {gc.State{State: gc.ReservedPreview}, "State#RESERVED_OUTBOUND_PREVIEW", ""},
		"the end of a session":              {gc.State{State: gc.LoggedOut}, "State#LOGOUT", "You are Logged out"},
		"an agent nobody knows":             {gc.ReLogin{}, "State#RE_LOGIN", "Reconnecting, please wait..."},
		"a sign-in":                         {gc.AgentInfo{}, "State#LOGGED_IN", "You are Logged in"},
		"a code of ours":                    {failure(gc.NoDialogID), "Error#NO_DIALOG_ID", "Invalid operation or call not found."},
		"a code of Finesse":                 {failure(gc.ResourceBusy), "Error#CF_RESOURCE_BUSY", "Phone extension is already in use"},
		"a code without a row":              {failure(gc.Down), "Error#DOWN", general},
		"the general code":                  {failure(gc.GeneralError), "Error#GENERAL_ERROR", general},
		"a call":                            {inbound(gc.Alerting), "InboundCall#ALERTING", "Call is ringing.."},
		"a call that ended":                 {inbound(gc.Dropped), "InboundCall#DROP", "Call has been released.."},
		"a call that failed":                {inbound(gc.Failed), "InboundCall#FAILED", "Call has failed.."},
		"a call whose row is empty":         {inbound(gc.Initiated), "InboundCall#INITIATED", ""},
		"a call in a state without a row":   {inbound(gc.Held), "InboundCall#HELD", ""},
		"a consultation":                    {consult(gc.Active), "ConsultCall#ACTIVE", "Consult call is active.."},
		"a consultation that ended":         {consult(gc.Dropped), "ConsultCall#DROP", "Consult call has dropped."},
		"a consultation whose row is empty": {consult(gc.Initiating), "ConsultCall#INITIATING", ""},
		"Finesse's status is nobody's own":  {gc.System{Status: gc.OutOfService}, "", ""},
		"a new call tells its state later":  {gc.NewInboundCall{Call: gc.Call{State: gc.Alerting}}, "", ""},
		"a sentence has no sentence":        {gc.StatusBar{Message: "hello"}, "", ""},
		"what old clients are told twice":   {gc.AgentLogout{}, "", ""},
	} {
		t.Run(rule, func(t *testing.T) {
			require.Equal(t, test.key, keyOf(test.event))
			require.Equal(t, test.text, sentenceOf(sentences(), test.event))
		})
	}
}

// A row that no event leads to would be a sentence nobody ever reads.
func TestEachSentenceHasAnEvent(t *testing.T) {
	for _, m := range gc.UserMessages {
		name, value, ok := strings.Cut(m.Key, "#")
		require.True(t, ok, m.Key)
		if value == "DROP" {
			value = string(gc.Dropped)
		}
		call := gc.Call{State: gc.CallState(value)}
		var e gc.Event
		switch {
		case m.Key == "State#RE_LOGIN":
			e = gc.ReLogin{}
		case m.Key == "State#LOGGED_IN":
			e = gc.AgentInfo{}
		case name == "State":
			e = gc.State{State: gc.UserState(value)}
		case name == "Error":
			e = gc.ErrorEvent{Code: gc.Code(value)}
		case name == "InboundCall":
			e = gc.InboundCall{Call: call}
		case name == "ConsultCall":
			e = gc.ConsultCall{Call: call}
		}
		require.Equal(t, m.Key, keyOf(e))
		require.Equal(t, m.Text, sentenceOf(sentences(), e))
	}
}

func TestASentenceThatIsSwitchedOffStaysOff(t *testing.T) {
	other := sentences()
	other["Error#NO_DIALOG_ID"] = ""
	require.Empty(t, sentenceOf(other, gc.ErrorEvent{Code: gc.NoDialogID}), "the general one is not in its place")
	other["Error#GENERIC_ERROR"] = ""
	require.Empty(t, sentenceOf(other, gc.ErrorEvent{Code: gc.Down}))
	require.Empty(t, sentenceOf(nil, gc.ErrorEvent{Code: gc.Down}))
}
