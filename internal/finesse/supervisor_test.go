package finesse

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestASupervisorListensAndBreaksIn(t *testing.T) {
	var got asked
	_, c := startNode(t, record(&got, 202, ""))
	require.NoError(t, c.SilentMonitor(t.Context(), supervisor, "r1", "3001", "3002"))
	require.Equal(t, asked{method: "POST", uri: "/finesse/api/User/2001/Dialogs", user: "2001", id: "r1",
		body: "<Dialog><requestedAction>SILENT_MONITOR</requestedAction><fromAddress>3001</fromAddress><toAddress>3002</toAddress></Dialog>"}, got)

	require.NoError(t, c.BargeIn(t.Context(), supervisor, "r2", "3001", "3002", "6873122"))
	require.Equal(t, asked{method: "POST", uri: "/finesse/api/User/2001/Dialogs", user: "2001", id: "r2",
		body: "<Dialog><requestedAction>BARGE_CALL</requestedAction><fromAddress>3001</fromAddress><toAddress>3002</toAddress>" +
			"<associatedDialogUri>/finesse/api/Dialog/6873122</associatedDialogUri></Dialog>"}, got)
}

func TestListeningAndBreakingInThatIsRefused(t *testing.T) {
	for _, c := range []struct {
		name           string
		status         int
		body           string
		monitor, barge gc.Code
	}{
		{"to whom nothing can be heard", 400, apiErrors("Invalid State", "", ""), gc.InvalidObjectState, gc.InvalidObjectState},
		{"the agent is not talking, in the peripheral's words", 400, apiErrors("13145", "", ""), gc.InvalidObjectState, gc.InvalidObjectState},
		{"too many parties", 400, apiErrors("20700", "", ""), "CF_CONFERENCE_MEMBER_LIMIT_EXCEEDED", "CF_CONFERENCE_MEMBER_LIMIT_EXCEEDED"},
		{"nobody at the extension, or a held call", 400, apiErrors("Invalid Destination", "", "3002"), gc.BadDestination, gc.BadDestination},
		{"no number", 400, apiErrors("Parameter Missing", "", "toAddress"), gc.MissingNumber, gc.MissingNumber},
		{"not found, not said what", 404, apiErrors("Not Found", "", ""), gc.UserNotFound, gc.NoDialogID},
		{"unknown call", 404, apiErrors("Dialog Not Found", "", ""), gc.NoDialogID, gc.NoDialogID},
		{"unknown user", 404, apiErrors("User Not Found", "UNKNOWN_USER", ""), gc.UserNotFound, gc.UserNotFound},
		{"not on this platform", 501, apiErrors("Not Implemented", "", ""), gc.GeneralError, gc.GeneralError},
		{"out of service", 503, "", gc.FinesseUnavailable, gc.FinesseUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, client := startNode(t, answer(c.status, c.body))
			require.Equal(t, c.monitor, codeOf(t, client.SilentMonitor(t.Context(), supervisor, "r", "3001", "3002")))
			require.Equal(t, c.barge, codeOf(t, client.BargeIn(t.Context(), supervisor, "r", "3001", "3002", "7")))
		})
	}
}
