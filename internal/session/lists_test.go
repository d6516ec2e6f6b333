package session_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestLists(t *testing.T) {
	books := []finesse.PhoneBook{
		{Phonebook: gc.Phonebook{ID: "1", Name: "Main", Type: "GLOBAL"}, Contacts: []gc.Contact{{ID: "3", FirstName: "Kathy", LastName: "Wong", PhoneNumber: "5054", Description: "ext"}}},
		{Phonebook: gc.Phonebook{ID: "2", Name: "Sales", Type: "TEAM"}},
	}
	for _, x := range []struct{ rule, command, body, want string }{
		{"all phone books", "GetPhonebooks#1001", "", "Phonebooks#name:Main,type:GLOBAL,id:1#name:Sales,type:TEAM,id:2"},
		{"those of the own team", "GetTeamPhonebooks#1001", "", "TeamPhoneBooks#name:Sales,type:TEAM,id:2"},
		{"those of another team", "GetTeamPhonebooks#1001", "4", "TeamPhoneBooks#name:Team 4,type:TEAM,id:9"},
		{"contacts of a book", "GetPhonebookContacts#1001", "1", "PhonebookContacts#description:ext,firstName:Kathy,lastName:Wong,phoneNumber:5054,id:3"},
		{"an empty book", "GetPhonebookContacts#1001", "2", "PhonebookContacts#NoContactFound"},
		{"a book the agent does not have", "GetPhonebookContacts#1001", "3", "PhonebookContacts#NoContactFound"},
		{"queues", "getqueuelist#1001", "", "1001#QueueList#QueueName:Sales,AgentsNotReady:0,AgentsReady:0,AgentsTalkingInbound:0,AgentsTalkingInternal:0,AgentsTalkingOutbound:0,AgentsWrapUpNotReady:0,AgentsWrapUpReady:0,CallsInQueue:3,StartTimeOfLongestCallInQueue:"},
		{"who is signed in", "getallagents#1001", "", "1001#Agents#FirstName:Bob,LastName:Ray,Extension:2005"},
	} {
		scene(t, x.rule, func(st *stage) {
			st.lead()
			st.books = books
			st.team = append(st.team, gc.TeamUser{LoginID: "1006", State: gc.LoggedOut})
			st.send(x.command, x.body)
			st.hears("crm: " + x.want)
			require.Equal(st, 1, st.acks)
			st.readErr = gc.Errorf(gc.Down, "finesse", "refused")
			st.send(x.command, x.body)
			st.hears("crm: 1001#Error#DOWN")
		})
	}
}

func TestRecording(t *testing.T) {
	scene(t, "the recorder hears of the agent, the extension and the call", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
		st.heard = nil
		st.send("ZOOMPauseRecording#1001", "")
		st.send("ZOOMResumeRecording#1001", "")
		st.asks("pause 1001 2001 7", "resume 1001 2001 7")
		st.hears()
		require.Equal(st, 2, st.acks)
	})
	scene(t, "without a call there is nothing to pause", func(st *stage) {
		st.signIn()
		st.send("ZOOMPauseRecording#1001", "")
		st.hears("crm: 1001#Error#NO_DIALOG_ID")
		st.asks()
	})
	scene(t, "what the recorder refuses is an error", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, leg("7", "4085551234", gc.Active))
		st.heard = nil
		st.readErr = gc.Errorf(gc.GeneralError, "recording", "500")
		st.send("ZOOMPauseRecording#1001", "")
		st.hears("crm: 1001#Error#GENERAL_ERROR")
		st.readErr = nil
	})
}

// preview is a campaign's call that the agent may take or not.
func preview(callType string, state gc.CallState) finesse.Dialog {
	d := leg("60", "3000", state)
	d.CallType, d.ToAddress = callType, "2001"
	return d
}

func TestOutboundPreview(t *testing.T) {
	const announced = "crm: 1001#NewOutboundCall#3000#…#DialogID:60"
	const ringing = "crm: 1001#InboundCall#ALERTING#DialogID:60#3000#…##Ann Smith"
	scene(t, "the first notification, which knows nothing yet, is left out", func(st *stage) {
		st.signIn()
		st.userIs(gc.ReservedPreview)
		st.dialog(finesse.Post, preview("OTHER_IN", gc.Alerting))
		st.hears("crm: 1001#State#RESERVED_OUTBOUND_PREVIEW##Ann Smith")
		st.dialog(finesse.Put, preview("OUTBOUND_PREVIEW", gc.Alerting))
		st.hears(announced, ringing)
		st.dialog(finesse.Put, preview("OUTBOUND_PREVIEW", gc.Alerting))
		st.hears()
	})
	scene(t, "one that ends before the second was never told", func(st *stage) {
		st.signIn()
		st.userIs(gc.ReservedPreview)
		st.heard = nil
		st.dialog(finesse.Post, preview("OTHER_IN", gc.Alerting))
		st.dialog(finesse.Delete, preview("OTHER_IN", gc.Dropped))
		st.hears()
	})
	scene(t, "a direct call is announced at any other time", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, preview("OTHER_IN", gc.Alerting))
		st.hears("crm: 1001#NewInboundCall#3000#…#DialogID:60", ringing)
	})
	scene(t, "a reservation whose state comes late is told as a campaign's in the end", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, preview("OTHER_IN", gc.Alerting))
		st.heard = nil
		st.dialog(finesse.Put, preview("OUTBOUND_PREVIEW", gc.Alerting))
		st.hears(announced, ringing)
	})
	scene(t, "one that shows as a campaign's only when it is over is not announced", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, preview("OTHER_IN", gc.Alerting))
		st.heard = nil
		st.dialog(finesse.Put, preview("OUTBOUND_PREVIEW", gc.Dropped))
		st.hears("crm: 1001#InboundCall#DROPPED#DialogID:60#3000#…##Ann Smith")
	})
	for command, x := range map[string]struct {
		body, asks string
		outcome    gc.CallState
	}{
		"AcceptOutboundPreview": {"60,ACCEPT", "ACCEPT 60 2001", gc.Accepted},
		"RejectOutboundPreview": {"60,reject", "REJECT 60 2001", gc.Dropped},
		"CloseOutboundPreview":  {"60,CLOSE", "CLOSE 60 2001", gc.Dropped},
	} {
		scene(t, command+" is answered by what becomes of the reservation", func(st *stage) {
			st.signIn()
			st.dialog(finesse.Post, preview("OUTBOUND_PREVIEW", gc.Alerting))
			st.heard = nil
			st.send(command+"#1001", x.body)
			st.asks(x.asks)
			st.dialog(finesse.Put, preview("OUTBOUND_PREVIEW", x.outcome))
			st.hears("crm: 1001#InboundCall#" + string(x.outcome) + "#DialogID:60#3000#…##Ann Smith")
			require.Equal(st, 1, st.acks)
		})
	}
	scene(t, "the call to the customer is a campaign's call too and no consultation", func(st *stage) {
		st.signIn()
		st.dialog(finesse.Post, preview("OUTBOUND_PREVIEW", gc.Alerting))
		st.heard = nil
		d := leg("61", "2001", gc.Initiated)
		d.CallType, d.AssociatedDialog = "OUTBOUND", "60"
		st.dialog(finesse.Post, d)
		st.hears("crm: 1001#NewOutboundCall#2001#…#DialogID:61", "crm: 1001#InboundCall#INITIATED#DialogID:61#2001#…##Ann Smith")
	})
}
