package wire

import (
	"strconv"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// The forms of text for events that list something. An empty list has the
// word of the original where one is known, else nothing.

func conferenceParticipantsText(t *textForm, e gc.ConferenceParticipants) {
	t.fields(string(e.Agent), "ConferenceParticipants")
	t.list("", ",", len(e.Participants), func(i int) { t.value(e.Participants[i]) })
}

func reasonCodesText(t *textForm, e gc.ReasonCodes) {
	t.fields(string(e.Agent), "ReasonCodes")
	t.labelled("Category", string(e.Category))
	t.list("Codes:", ",", len(e.Codes), func(i int) { t.value(string(e.Codes[i].ID)) })
	t.list("Labels:", ",", len(e.Codes), func(i int) { t.value(e.Codes[i].Label) })
	t.fields(e.FullName)
}

func controlsText(t *textForm, e gc.Controls) {
	t.fields(string(e.Agent), "Control")
	t.list("", "|", len(e.Controls), func(i int) { t.raw(strconv.Itoa(i+1), ",", strconv.FormatBool(e.Controls[i])) })
}

func teamInfoIDsText(t *textForm, e gc.TeamInfoIDs) {
	t.fields(string(e.Agent), "TeamInfoIDs", "TeamID")
	t.list("", ",", len(e.Teams), func(i int) { t.value(string(e.Teams[i].ID)) })
	t.fields(e.FullName())
}

func teamInfoNamesText(t *textForm, e gc.TeamInfoNames) {
	t.fields(string(e.Agent), "TeamInfoNames", "TeamName")
	t.list("", ",", len(e.Teams), func(i int) { t.value(e.Teams[i].Name) })
	t.fields(e.FullName())
}

func agentsText(t *textForm, e gc.Agents) {
	t.fields(string(e.Agent), "Agents")
	for _, u := range e.Users {
		t.entry("FirstName", u.FirstName, "LastName", u.LastName, "Extension", string(u.Extension))
	}
}

func teamUsersListText(t *textForm, e gc.TeamUsersList) {
	t.fields(string(e.Agent), "TeamUsersList")
	for _, u := range e.Users {
		t.entry("FirstName", u.FirstName, "LastName", u.LastName, "Extension", string(u.Extension), "LoginID", string(u.LoginID),
			"State", string(u.State), "PendingState", string(u.Pending), "MediaType", u.MediaType, "StateChangeTime", t.writer.time(u.Changed))
	}
}

func queueListText(t *textForm, e gc.QueueList) {
	t.fields(string(e.Agent), "QueueList")
	for _, q := range e.Queues {
		t.entry("QueueName", q.Name,
			"AgentsNotReady", strconv.Itoa(q.AgentsNotReady), "AgentsReady", strconv.Itoa(q.AgentsReady),
			"AgentsTalkingInbound", strconv.Itoa(q.AgentsTalkingInbound), "AgentsTalkingInternal", strconv.Itoa(q.AgentsTalkingInternal),
			"AgentsTalkingOutbound", strconv.Itoa(q.AgentsTalkingOutbound), "AgentsWrapUpNotReady", strconv.Itoa(q.AgentsWrapUpNotReady),
			"AgentsWrapUpReady", strconv.Itoa(q.AgentsWrapUpReady), "CallsInQueue", strconv.Itoa(q.CallsInQueue),
			"StartTimeOfLongestCallInQueue", t.writer.time(q.LongestCallStart))
	}
}

func phonebooksText(t *textForm, e gc.Phonebooks) { t.phonebooks("Phonebooks", e.Books) }

func teamPhonebooksText(t *textForm, e gc.TeamPhonebooks) {
	t.phonebooks("TeamPhoneBooks", e.Books)
	if len(e.Books) == 0 {
		t.fields("NoTeamPhoneBookFound")
	}
}

func (t *textForm) phonebooks(name string, books []gc.Phonebook) {
	t.fields(name)
	for _, b := range books {
		t.entry("name", b.Name, "type", b.Type, "id", string(b.ID))
	}
}

func phonebookContactsText(t *textForm, e gc.PhonebookContacts) {
	t.fields("PhonebookContacts")
	for _, c := range e.Contacts {
		t.entry("description", c.Description, "firstName", c.FirstName, "lastName", c.LastName, "phoneNumber", c.PhoneNumber, "id", c.ID)
	}
	if len(e.Contacts) == 0 {
		t.fields("NoContactFound")
	}
}
