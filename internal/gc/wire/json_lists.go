package wire

import "github.com/finesse-connector/finesse-connector/internal/gc"

// The JSON forms of events that list something.

func conferenceParticipantsJSON(j *jsonForm, e gc.ConferenceParticipants) {
	j.texts("type", "ConferenceParticipants", "dialogId", string(e.Dialog))
	j.list("participants", len(e.Participants), func(i int) string { return e.Participants[i] })
	j.texts("agentId", string(e.Agent))
}

func reasonCodesJSON(j *jsonForm, e gc.ReasonCodes) {
	j.texts("type", "ReasonCodes", "category", string(e.Category))
	j.objects("reasonCodes", len(e.Codes), func(i int) { j.texts(string(e.Codes[i].ID), e.Codes[i].Label) })
	j.texts("agentId", string(e.Agent))
}

func controlsJSON(j *jsonForm, e gc.Controls) {
	j.texts("type", "Control")
	j.objects("controls", len(e.Controls), func(i int) {
		j.number("index", i+1)
		j.texts("command", controlled(i))
		j.flag("visible", e.Controls[i])
	})
	j.texts("agentId", string(e.Agent))
}

func controlled(i int) string {
	if i < len(gc.CallControls) {
		return string(gc.CallControls[i])
	}
	return ""
}

func teamInfoIDsJSON(j *jsonForm, e gc.TeamInfoIDs) {
	j.texts("type", "TeamInfoIDs")
	j.list("teamIds", len(e.Teams), func(i int) string { return string(e.Teams[i].ID) })
	j.texts("agentId", string(e.Agent))
}

func teamInfoNamesJSON(j *jsonForm, e gc.TeamInfoNames) {
	j.texts("type", "TeamInfoNames")
	j.list("teamNames", len(e.Teams), func(i int) string { return e.Teams[i].Name })
	j.texts("agentId", string(e.Agent))
}

// The answers to getallagents and to getteamusers are the same in the seed.

func agentsJSON(j *jsonForm, e gc.Agents) { j.users(e.Users) }

func teamUsersListJSON(j *jsonForm, e gc.TeamUsersList) { j.users(e.Users) }

func (j *jsonForm) users(users []gc.TeamUser) {
	j.texts("type", "Agents")
	j.objects("users", len(users), func(i int) {
		u := &users[i]
		j.texts("firstName", u.FirstName, "lastName", u.LastName, "extension", string(u.Extension))
	})
}

func queueListJSON(j *jsonForm, e gc.QueueList) {
	j.texts("type", "QueueList")
	j.objects("queues", len(e.Queues), func(i int) {
		q := &e.Queues[i]
		j.texts("queueName", q.Name)
		j.number("agentsNotReady", q.AgentsNotReady)
		j.number("agentsReady", q.AgentsReady)
		j.number("agentsTalkingInbound", q.AgentsTalkingInbound)
		j.number("agentsTalkingInternal", q.AgentsTalkingInternal)
		j.number("agentsTalkingOutbound", q.AgentsTalkingOutbound)
		j.number("agentsWrapUpNotReady", q.AgentsWrapUpNotReady)
		j.number("agentsWrapUpReady", q.AgentsWrapUpReady)
		j.number("callsInQueue", q.CallsInQueue)
		j.time("startTimeOfLongestCallInQueue", q.LongestCallStart)
	})
	j.texts("agentId", string(e.Agent))
}

func phonebooksJSON(j *jsonForm, e gc.Phonebooks) { j.phonebooks("Phonebooks", e.Books) }

func teamPhonebooksJSON(j *jsonForm, e gc.TeamPhonebooks) { j.phonebooks("TeamPhoneBooks", e.Books) }

func (j *jsonForm) phonebooks(name string, books []gc.Phonebook) {
	j.texts("type", name)
	j.objects("phonebooks", len(books), func(i int) { j.texts("name", books[i].Name, "id", string(books[i].ID)) })
}

func phonebookContactsJSON(j *jsonForm, e gc.PhonebookContacts) {
	j.texts("type", "PhonebookContacts", "phonebookId", string(e.Book))
	j.objects("contacts", len(e.Contacts), func(i int) {
		c := &e.Contacts[i]
		j.texts("firstName", c.FirstName, "lastName", c.LastName, "phoneNumber", c.PhoneNumber, "contactId", c.ID)
	})
}
