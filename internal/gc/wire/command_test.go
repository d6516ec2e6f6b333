package wire_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// show writes the fields of a command that are set, passwords included.
func show(c gc.Command) string {
	s, secret := string(c.Spec.Name), c.Password.Reveal()
	if c.Password.IsToken() {
		secret = "token " + secret
	}
	for _, v := range []string{string(c.Agent), string(c.Destination), secret, string(c.Extension), string(c.Number), string(c.Dialog), string(c.Reason), c.WrapUp, c.Variable.Name, c.Variable.Value, string(c.Team), string(c.Member), c.Party, string(c.Phonebook)} {
		if v != "" {
			s += " [" + v + "]"
		}
	}
	if c.NailedUp {
		s += " nailed up"
	}
	switch c.TeamEvents {
	case gc.TeamEventsOn:
		s += " with events"
	case gc.TeamEventsOff:
		s += " without events"
	}
	return s
}

func TestCommandsAreRead(t *testing.T) {
	read := map[gc.CommandName]bool{}
	for _, x := range []struct{ rule, typ, body, want string }{
		{"a destination stands behind Hello", "Hello#10.0.0.7", "", "Hello [/topic/10.0.0.7]"},
		{"Beat names a queue", "Beat#queue://crm", "", "Beat [/queue/crm]"},
		{"Connect binds agent and destination", "Connect#1001", "crm.7,secret", "Connect [1001] [/topic/crm.7] [secret]"},
		{"a password that comes last may have commas and blanks", "Connect#1001", "crm.7, se,cret, ", "Connect [1001] [/topic/crm.7] [ se,cret, ]"},
		{"with SSO behind it, it is an access token", "Connect#1001", "crm.7,eyJ.a-b_c=,SSO", "Connect [1001] [/topic/crm.7] [token eyJ.a-b_c=]"},
		{"which may have commas, too", "Connect#1001", "crm.7,a,b,SSO\r\n", "Connect [1001] [/topic/crm.7] [token a,b]"},
		{"any other spelling is part of the password", "Connect#1001", "crm.7,secret,sso", "Connect [1001] [/topic/crm.7] [secret,sso]"},
		{"so is one with a blank", "Connect#1001", "crm.7,secret, SSO", "Connect [1001] [/topic/crm.7] [secret, SSO]"},
		{"and one that is not the last", "Connect#1001", "crm.7,SSO,secret", "Connect [1001] [/topic/crm.7] [SSO,secret]"},
		{"a password may be SSO", "Connect#1001", "crm.7,SSO", "Connect [1001] [/topic/crm.7] [SSO]"},
		{"Login has no such word", "Login#1001", "SSO,2001", "Login [1001] [SSO] [2001]"},
		{"Login has the password first", "Login#1001", "secret,2001", "Login [1001] [secret] [2001]"},
		{"an extension may be E.164", "Login#1001", "secret,+4920112345", "Login [1001] [secret] [+4920112345]"},
		{"names compare without case", "LOGOUT#1001", "", "Logout [1001]"},
		{"names compare without case, the other way", "MakeNotReadywithreason#1001", "8", "MakeNotReadyWithReason [1001] [8]"},
		{"blanks around # are trimmed", " MakeCall # 1001 ", "4085551234", "MakeCall [1001] [4085551234]"},
		{"blanks around a parameter are trimmed", "MakeCall#1001", " 4085551234\n", "MakeCall [1001] [4085551234]"},
		{"a body of blanks is an empty body", "MakeReady#1001", " \n", "MakeReady [1001]"},
		{"AnswerCall", "AnswerCall#1001", "16871253", "AnswerCall [1001] [16871253]"},
		{"HoldCall", "HoldCall#1001", "16871253", "HoldCall [1001] [16871253]"},
		{"RetrieveCall", "RetrieveCall#1001", "16871253", "RetrieveCall [1001] [16871253]"},
		{"ReleaseCall", "ReleaseCall#1001", "16871253", "ReleaseCall [1001] [16871253]"},
		{"getdialogstate", "GetDialogState#1001", "16871253", "getdialogstate [1001] [16871253]"},
		{"MakeNotReady", "MakeNotReady#1001", "", "MakeNotReady [1001]"},
		{"logoutwithreason", "logoutwithreason#1001", "3", "logoutwithreason [1001] [3]"},
		{"GetState", "GetState#1001", "", "GetState [1001]"},
		{"refresh", "refresh#1001", "", "refresh [1001]"},
		{"reasoncodenotready", "reasoncodenotready#1001", "", "reasoncodenotready [1001]"},
		{"reasoncodelogout", "reasoncodelogout#1001", "", "reasoncodelogout [1001]"},
		{"a mobile agent whose number is called for each call", "MobileAgentLogin#1001", "secret,2001,4085551234,true", "MobileAgentLogin [1001] [secret] [2001] [4085551234]"},
		{"a mobile agent with a nailed connection", "MOBILEAGENTLOGIN#1001", "secret,2001,4085551234,False", "MobileAgentLogin [1001] [secret] [2001] [4085551234] nailed up"},
		{"Transfer_sst", "Transfer_sst#1001", "2002,16871253", "Transfer_sst [1001] [2002] [16871253]"},
		{"ConsultCall", "ConsultCall#1001", "2002,16871253", "ConsultCall [1001] [2002] [16871253]"},
		{"the first field of TransferCall is ignored", "TransferCall#1001", "anything,16871253", "TransferCall [1001] [16871253]"},
		{"the first field of Conferencecall may be empty", "ConferenceCall#1001", ",16871253", "Conferencecall [1001] [16871253]"},
		{"wrapup has the reason first", "wrapup#1001", " Happy customer ,16871253", "wrapup [1001] [16871253] [Happy customer]"},
		{"the name of a variable compares without case", "update_call_variable#1001", "7,callvariable10,x", "update_call_variable [1001] [7] [callVariable10] [x]"},
		{"the value of a variable may have commas", "update_call_variable#1001", "7,user.ecc[0], a, b ", "update_call_variable [1001] [7] [user.ecc[0]] [a, b]"},
		{"a password may have commas and blanks wherever it stands", "Login#1001", " s,e cret, 2001 ", "Login [1001] [ s,e cret] [2001]"},
		{"so may a label, and what follows its last comma is the dialog", "wrapup#1001", "Sold, delivery later , 7", "wrapup [1001] [7] [Sold, delivery later]"},
		{"line breaks at the end are no part of a password", "Connect#1001", "desk,secret\r\n", "Connect [1001] [/topic/desk] [secret]"},
		{"nor of another parameter", "Login#1001", "secret,2001\n\n", "Login [1001] [secret] [2001]"},
		{"nor are they one", "GetState#1001", "\r\n", "GetState [1001]"},
		{"the value of a variable may be empty", "update_call_variable#1001", "7,callVariable4,", "update_call_variable [1001] [7] [callVariable4]"},
		{"wrapupreasoncode", "wrapupreasoncode#1001", "", "wrapupreasoncode [1001]"},
		{"force_logout", "FORCE_LOGOUT#1001", "", "force_logout [1001]"},
		{"makeworkready", "MakeWorkReady#1001", "", "makeworkready [1001]"},
		{"makeworknotready", "makeworknotready#1001", "", "makeworknotready [1001]"},
		{"getdialogstatecontrols", "getdialogstatecontrols#1001", "7", "getdialogstatecontrols [1001] [7]"},
		{"getDialogParticipants", "getdialogparticipants#1001", "7", "getDialogParticipants [1001] [7]"},
		{"getallagents", "getallagents#1001", "", "getallagents [1001]"},
		{"ZOOMPauseRecording", "ZoomPauseRecording#1001", "", "ZOOMPauseRecording [1001]"},
		{"ZOOMResumeRecording", "ZOOMResumeRecording#1001", "", "ZOOMResumeRecording [1001]"},
		{"GetPhonebooks", "GetPhonebooks#1001", "", "GetPhonebooks [1001]"},
		{"the phone books of the agent's own team", "GetTeamPhonebooks#1001", "", "GetTeamPhonebooks [1001]"},
		{"the phone books of a team", "GetTeamPhonebooks#1001", "7", "GetTeamPhonebooks [1001] [7]"},
		{"GetPhonebookContacts", "GetPhonebookContacts#1001", "12", "GetPhonebookContacts [1001] [12]"},
		{"a preview is accepted with its word", "AcceptOutboundPreview#1001", "16871253,ACCEPT", "AcceptOutboundPreview [1001] [16871253]"},
		{"a preview is rejected with its word", "RejectOutboundPreview#1001", "16871253,REJECT", "RejectOutboundPreview [1001] [16871253]"},
		{"a preview is closed with its word, in any case", "CloseOutboundPreview#1001", "16871253, close", "CloseOutboundPreview [1001] [16871253]"},
		{"getqueuelist", "getqueuelist#2001", "", "getqueuelist [2001]"},
		{"silentmonitor names the agent by extension", "silentmonitor#2001", "1101", "silentmonitor [2001] [1101]"},
		{"endsilentmonitor", "endsilentmonitor#2001", "16871253", "endsilentmonitor [2001] [16871253]"},
		{"dropparticipant", "dropparticipant#2001", "1101,16871253", "dropparticipant [2001] [1101] [16871253]"},
		{"the members of a team", "getteamusers#2001", "7", "getteamusers [2001] [7]"},
		{"the members of a team and what happens to them", "getteamusers#2001", "7, TRUE", "getteamusers [2001] [7] with events"},
		{"the members of a team and no more", "getteamusers#2001", "7,false", "getteamusers [2001] [7] without events"},
		{"an empty second field of getteamusers is none", "getteamusers#2001", "7,", "getteamusers [2001] [7]"},
		{"getteamuserstate names the member by login id", "getteamuserstate#2001", "ann.smith", "getteamuserstate [2001] [ann.smith]"},
		{"bargein takes a login id", "bargein#2001", "ann.smith,16871253", "bargein [2001] [16871253] [ann.smith]"},
		{"bargein takes an extension", "bargein#2001", "+4920142054,16871253", "bargein [2001] [16871253] [+4920142054]"},
		{"an agent id may be a name", "GetState#jehanzeb.riaz@site", "", "GetState [jehanzeb.riaz@site]"},
	} {
		t.Run(x.rule, func(t *testing.T) {
			c, err := wire.ParseCommand(x.typ, x.body)
			require.NoError(t, err)
			require.Equal(t, x.want, show(c))
			read[c.Spec.Name] = true
		})
	}
	require.Len(t, read, len(gc.Commands), "every command is read once at least")
}

func TestBadCommandsAreRefusedWithTheSeedsCode(t *testing.T) {
	for _, x := range []struct {
		rule, typ, body string
		code            gc.Code
		agent           gc.AgentID
	}{
		{"unknown command", "MakeTea#1001", "", gc.PleaseRetry, "1001"},
		{"no separator", "Login", "secret,2001", gc.PleaseRetry, ""},
		{"no command", "#1001", "", gc.PleaseRetry, ""},
		{"no id", "GetState#", "", gc.PleaseRetry, ""},
		{"empty type", "", "", gc.PleaseRetry, ""},
		{"separator in the id", "GetState#10#01", "", gc.PleaseRetry, ""},
		{"path in the id", "GetState#../1001", "", gc.PleaseRetry, ""},
		{"control character in the id", "GetState#10\x0001", "", gc.PleaseRetry, ""},
		{"type of 2 KB", "GetState#" + strings.Repeat("1", 2000), "", gc.PleaseRetry, ""},
		{"wildcard destination", "Hello#crm.>", "", gc.PleaseRetry, ""},
		{"composite destination", "Hello#a,b", "", gc.PleaseRetry, ""},
		{"the broker's own destination", "Hello#ActiveMQ.DLQ", "", gc.PleaseRetry, ""},
		{"Connect without password", "Connect#1001", "crm.7", gc.MissingPassword, "1001"},
		{"Connect with an empty token", "Connect#1001", "crm.7,,SSO", gc.MissingPassword, "1001"},
		{"Connect with a token that no header can hold", "Connect#1001", "crm.7,tök\x07,SSO", gc.PleaseRetry, "1001"},
		{"Connect with an empty password", "Connect#1001", "crm.7,", gc.MissingPassword, "1001"},
		{"Connect without destination", "Connect#1001", ",secret", gc.PleaseRetry, "1001"},
		{"Connect to a wildcard", "Connect#1001", "*,secret", gc.PleaseRetry, "1001"},
		{"Login without anything", "Login#1001", "", gc.MissingPassword, "1001"},
		{"Login without password", "Login#1001", ",2001", gc.MissingPassword, "1001"},
		{"Login without extension", "Login#1001", "secret", gc.MissingExtension, "1001"},
		{"Login with an empty extension", "Login#1001", "secret, ", gc.MissingExtension, "1001"},
		{"letters in the extension", "Login#1001", "secret,20x1", gc.WrongExtension, "1001"},
		{"extension of 16 digits", "Login#1001", "secret,1234567890123456", gc.WrongExtension, "1001"},
		{"one field too many", "MakeCall#1001", "2001,2002", gc.PleaseRetry, "1001"},
		{"parameter where none belongs", "MakeReady#1001", "now", gc.PleaseRetry, "1001"},
		{"MakeCall without number", "MakeCall#1001", "", gc.MissingNumber, "1001"},
		{"number with a control character", "MakeCall#1001", "408\x07555", gc.PleaseRetry, "1001"},
		{"number of 65 characters", "MakeCall#1001", strings.Repeat("1", 65), gc.PleaseRetry, "1001"},
		{"AnswerCall without dialog", "AnswerCall#1001", "", gc.NoDialogID, "1001"},
		{"dialog with letters", "AnswerCall#1001", "../User", gc.NoDialogID, "1001"},
		{"reason missing", "MakeNotReadyWithReason#1001", "", gc.MissingReasonCode, "1001"},
		{"reason with letters", "logoutwithreason#1001", "lunch", gc.PleaseRetry, "1001"},
		{"mobile sign-in without a number", "MobileAgentLogin#1001", "secret,2001,,true", gc.MissingNumber, "1001"},
		{"mobile sign-in without a mode", "MobileAgentLogin#1001", "secret,2001,4085551234", gc.PleaseRetry, "1001"},
		{"mobile sign-in with another mode", "MobileAgentLogin#1001", "secret,2001,4085551234,1", gc.PleaseRetry, "1001"},
		{"ConsultCall without a number", "ConsultCall#1001", ",7", gc.MissingNumber, "1001"},
		{"ConsultCall without a dialog", "ConsultCall#1001", "2002", gc.NoDialogID, "1001"},
		{"TransferCall without a dialog", "TransferCall#1001", "2002", gc.NoDialogID, "1001"},
		{"TransferCall without anything", "TransferCall#1001", "", gc.PleaseRetry, "1001"},
		{"wrapup without a reason", "wrapup#1001", ",7", gc.MissingReasonCode, "1001"},
		{"a variable without a name", "update_call_variable#1001", "7,,x", gc.PleaseRetry, "1001"},
		{"a variable without a value", "update_call_variable#1001", "7,callVariable4", gc.PleaseRetry, "1001"},
		{"a value of 2,001 bytes", "update_call_variable#1001", "7,callVariable4," + strings.Repeat("x", 2001), gc.PleaseRetry, "1001"},
		{"body that is not UTF-8", "MakeCall#1001", "408\xff\xfe", gc.PleaseRetry, "1001"},
		{"body of 10 MB", "MakeCall#1001", strings.Repeat("1", 10<<20), gc.PleaseRetry, "1001"},
	} {
		t.Run(x.rule, func(t *testing.T) {
			c, err := wire.ParseCommand(x.typ, x.body)
			var e *gc.Error
			require.True(t, errors.As(err, &e), "want a *gc.Error, have %v", err)
			require.Equal(t, x.code, e.Code)
			require.Equal(t, x.agent, c.Agent)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestHelloNeverSharesATopicWithTheBroker(t *testing.T) {
	for in, want := range map[string]gc.Destination{
		"crm": "/topic/crm", "/topic/crm": "/topic/crm", "topic://crm": "/topic/crm", "/queue/crm": "/queue/crm", "queue://crm": "/queue/crm",
		"192.168.1.148": "/topic/192.168.1.148",
	} {
		d, err := gc.ParseDestination(in)
		require.NoError(t, err)
		require.Equal(t, want, d)
		require.Equal(t, strings.TrimPrefix(strings.TrimPrefix(string(want), "/topic/"), "/queue/"), d.Name())
	}
	for _, in := range []string{"", "a b", "a*", "a.>", "a,b", "a?x=1", "ActiveMQ.DLQ", "queue://ActiveMQ.DLQ", "zoë", strings.Repeat("x", 256)} {
		_, err := gc.ParseDestination(in)
		require.Error(t, err, in)
	}
}

func TestAReplyToIsNeverATemporaryDestinationOfTheConnectorsOwn(t *testing.T) {
	for _, in := range []string{"/remote-temp-queue/ID:host-1:2:3", "/remote-temp-topic/ID:host-1:2:3"} {
		d, err := gc.ParseReplyTo(in)
		require.NoError(t, err)
		require.Equal(t, gc.Destination(in), d)
		require.True(t, d.IsTemporary())
	}
	for in, want := range map[string]gc.Destination{
		"queue://crm": "/queue/crm", "topic://crm": "/topic/crm", "/queue/crm": "/queue/crm", "temp-queue://7f-1": "/queue/7f-1", "temp-topic://7f-1": "/topic/7f-1",
	} {
		d, err := gc.ParseReplyTo(in)
		require.NoError(t, err)
		require.Equal(t, want, d)
		require.False(t, d.IsTemporary())
	}
	for _, in := range []string{
		"", "crm", "temp-queue", "/temp-queue/evil", "/temp-topic/evil", "temp-queue:///temp-queue/evil", "temp-temp-queue://evil", "/topic/temp-queue://evil", "/queue//temp-queue/evil",
		"/remote-temp-queue/", "/remote-temp-queue//temp-queue/evil", "/remote-temp-queue/temp-queue://evil", "/remote-temp-queue/a,b",
	} {
		_, err := gc.ParseReplyTo(in)
		require.Error(t, err, in)
	}
}

func FuzzParseCommand(f *testing.F) {
	for _, spec := range gc.Commands {
		f.Add(string(spec.Name)+"#1001", "secret,2001")
	}
	f.Add("Connect#1001", "crm,a,b,c")
	f.Add(" makecall # 1001", "\xff")
	f.Fuzz(func(t *testing.T, typ, body string) {
		c, err := wire.ParseCommand(typ, body)
		if err != nil {
			var e *gc.Error
			if !errors.As(err, &e) || e.Code == "" {
				t.Fatalf("no code in %v", err)
			}
			return
		}
		if (c.Agent == "") == (c.Destination == "") && c.Spec.Name != gc.Connect {
			t.Fatalf("%s has neither or both of agent and destination", c.Spec.Name)
		}
		again, err := wire.ParseCommand(fmt.Sprintf("%s#%s%s", c.Spec.Name, c.Agent, onlyIf(c.Spec.ForDestination, c.Destination)), body)
		if err != nil || show(again) != show(c) {
			t.Fatalf("%q reads differently the second time: %v", typ, err)
		}
	})
}

func onlyIf(yes bool, d gc.Destination) gc.Destination {
	if yes {
		return d
	}
	return ""
}
