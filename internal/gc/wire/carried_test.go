package wire_test

import (
	"fmt"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// carried is what the JSON of an event has to tell: its members by name, in
// the event's own types. The golden files show their order.
func carried(e gc.Event) any {
	switch e := e.(type) {
	case gc.System:
		return object{"type": "System", "status": e.Status}
	case gc.State:
		return state(e.Agent, e.State, e)
	case gc.ReLogin:
		return state(e.Agent, "RE_LOGIN", gc.State{})
	case gc.ErrorEvent:
		return object{"type": "Error", "error": e.Code, "agentId": e.Agent}
	case gc.StatusBar:
		return object{"type": "Control", "control": "PrintStatusBar", "message": e.Message, "agentId": e.Agent}
	case gc.AgentLogout:
		return object{"type": "LOGOUT", "agentId": e.Agent}
	case gc.AgentInfo:
		return object{"type": "AgentInfo", "firstName": e.FirstName, "lastName": e.LastName, "supervisor": e.Supervisor, "wrapUpOnIncoming": e.WrapUp,
			"teams": each(e.Teams, team), "team": team(e.Team), "agentId": e.Agent}
	case gc.TeamInfoIDs:
		return object{"type": "TeamInfoIDs", "teamIds": each(e.Teams, func(t gc.Team) any { return t.ID }), "agentId": e.Agent}
	case gc.TeamInfoNames:
		return object{"type": "TeamInfoNames", "teamNames": each(e.Teams, func(t gc.Team) any { return t.Name }), "agentId": e.Agent}
	case gc.NewInboundCall:
		return object{"type": "NewInboundCall", "dialogId": e.Dialog, "fromAddress": e.From, "callVariables": variables(e.Call), "agentId": e.Agent}
	case gc.NewOutboundCall:
		return object{"type": "NewOutboundCall", "dialogId": e.Dialog, "fromAddress": e.From, "callVariables": variables(e.Call), "agentId": e.Agent}
	case gc.InboundCall:
		if e.State == gc.Dropped {
			return object{"type": "InboundCall", "dialogId": e.Dialog, "prevDialogId": orNull(e.Previous), "state": e.State, "agentId": e.Agent}
		}
		return withCause(e.Call, object{"type": "InboundCall", "dialogId": e.Dialog, "state": e.State, "startTime": e.Start, "prevDialogId": orNull(e.Previous),
			"fromAddress": e.From, "callVariables": variables(e.Call), "participants": each(e.Participants, party), "agentId": e.Agent})
	case gc.ConsultCall:
		return withCause(e.Call, object{"type": "ConsultCall", "state": e.State, "assDialogId": e.Dialog, "fromAddress": e.From, "toAddress": e.To,
			"startTime": e.Start, "callVariables": variables(e.Call), "participants": each(e.Participants, party), "agentId": e.Agent})
	case gc.DialogState:
		return object{"type": "DialogState", "dialogId": e.Dialog, "state": e.State, "agentId": e.Agent}
	case gc.AgentDialogState:
		return object{"type": "DialogState", "dialogId": e.Dialog, "state": e.State, "agentId": e.Agent}
	case gc.DialogStatus:
		status := object{"type": "DialogStatus", "dialogId": e.Dialog, "state": e.State, "fromAddress": e.From, "callVariables": variables(e.Call),
			"associated": nil, "agentId": e.Agent}
		if a := e.Associated; a != nil {
			status["associated"] = object{"dialogId": a.Dialog, "state": a.State, "fromAddress": a.From, "callVariables": variables(*a)}
		}
		return status
	case gc.DialogStateControls:
		return object{"type": "DialogStateControls", "dialogId": e.Dialog, "callType": e.Kind(), "state": e.State, "agentId": e.Agent}
	case gc.Controls:
		controls := array{}
		for i, visible := range e.Controls {
			name := gc.CommandName("")
			if i < len(gc.CallControls) {
				name = gc.CallControls[i]
			}
			controls = append(controls, object{"index": i + 1, "command": name, "visible": visible})
		}
		return object{"type": "Control", "controls": controls, "agentId": e.Agent}
	case gc.ConferenceParticipants:
		return object{"type": "ConferenceParticipants", "dialogId": e.Dialog, "participants": each(e.Participants, func(p string) any { return p }), "agentId": e.Agent}
	case gc.ReasonCodes:
		return object{"type": "ReasonCodes", "category": e.Category, "agentId": e.Agent,
			"reasonCodes": each(e.Codes, func(c gc.ReasonCode) any { return object{string(c.ID): c.Label} })}
	case gc.QueueList:
		return object{"type": "QueueList", "queues": each(e.Queues, queue), "agentId": e.Agent}
	case gc.Agents:
		return array{object{"type": "Agents", "users": each(e.Users, user)}}
	case gc.TeamUsersList:
		return array{object{"type": "Agents", "users": each(e.Users, user)}}
	case gc.TeamMemberState:
		return object{"type": "TeamMemberStateChanged", "teamId": e.Team, "memberId": e.Member.Agent, "state": e.Member.State, "reasonCode": e.Member.Reason,
			"pendingState": e.Member.Pending, "stateChangeTime": e.Member.Changed, "agentId": e.Agent}
	case gc.Reconnect:
		return object{"type": "RECONNECT", "request": e.Request, "text": e.Text, "agentId": e.Agent}
	case gc.DestinationReconnect:
		return object{"type": "DESTINATION", "destination": e.Destination.Name(), "status": "RECONNECT"}
	case gc.Phonebooks:
		return array{object{"type": "Phonebooks", "phonebooks": each(e.Books, book)}}
	case gc.TeamPhonebooks:
		return array{object{"type": "TeamPhoneBooks", "phonebooks": each(e.Books, book)}}
	case gc.PhonebookContacts:
		return array{object{"type": "PhonebookContacts", "phonebookId": e.Book, "contacts": each(e.Contacts, contact)}}
	default:
		panic(fmt.Sprintf("nothing is known of the JSON of %T", e))
	}
}

func each[T any](list []T, member func(T) any) array {
	out := array{}
	for _, x := range list {
		out = append(out, member(x))
	}
	return out
}

func state(agent gc.AgentID, is gc.UserState, e gc.State) any {
	return object{"type": "State", "agentId": agent, "state": is, "reasonCode": e.Reason, "stateChangeTimeString": "", "pendingState": e.Pending, "stateChangeTime": e.Changed}
}

func team(t gc.Team) any { return object{"id": t.ID, "name": t.Name} }

func party(p gc.Participant) any {
	return object{"mediaAddress": p.MediaAddress, "state": p.State, "addressType": p.AddressType}
}

func queue(q gc.Queue) any {
	return object{"queueName": q.Name, "agentsNotReady": q.AgentsNotReady, "agentsReady": q.AgentsReady,
		"agentsTalkingInbound": q.AgentsTalkingInbound, "agentsTalkingInternal": q.AgentsTalkingInternal, "agentsTalkingOutbound": q.AgentsTalkingOutbound,
		"agentsWrapUpNotReady": q.AgentsWrapUpNotReady, "agentsWrapUpReady": q.AgentsWrapUpReady,
		"callsInQueue": q.CallsInQueue, "startTimeOfLongestCallInQueue": q.LongestCallStart}
}

func user(u gc.TeamUser) any {
	return object{"firstName": u.FirstName, "lastName": u.LastName, "extension": u.Extension}
}

func book(b gc.Phonebook) any { return object{"name": b.Name, "id": b.ID} }

func contact(c gc.Contact) any {
	return object{"firstName": c.FirstName, "lastName": c.LastName, "phoneNumber": c.PhoneNumber, "contactId": c.ID}
}

// variables are the ten that every call has, the others, and ani.
func variables(c gc.Call) array {
	ten, others := make(array, 10), array{}
	for i := range ten {
		ten[i] = object{fmt.Sprint("callVariable", i+1): ""}
	}
next:
	for _, v := range c.Variables {
		for _, one := range ten {
			if _, ok := one.(object)[v.Name]; ok {
				one.(object)[v.Name] = v.Value
				continue next
			}
		}
		others = append(others, object{v.Name: v.Value})
	}
	ani := c.From
	if c.Customer != "" {
		ani = c.Customer
	}
	return append(append(ten, others...), object{"ani": ani})
}

func orNull(d gc.DialogID) any {
	if d == "" {
		return nil
	}
	return d
}

func withCause(c gc.Call, o object) object {
	if c.Cause != "" {
		o["cause"] = c.Cause
	}
	return o
}
