package conformance

import "github.com/finesse-connector/finesse-connector/internal/gc"

// commandNotes says what each command does.
var commandNotes = map[gc.CommandName]string{
	gc.Hello:                  "Makes the destination known and asks for the state of the system. The string property `format` chooses the destination's format.",
	gc.Beat:                   "As Hello; a heartbeat.",
	gc.Connect:                "Proves the agent's password, or with `SSO` at its end an access token of single sign-on, and binds the agent to the destination. Success has no answer. The string property `format` is as with Hello.",
	gc.Login:                  "Signs the agent in at the extension; a DialogStatus for each call there is.",
	gc.MobileAgentLogin:       "Signs the agent in at a phone elsewhere. UCCE only.",
	gc.Logout:                 "Signs the agent out.",
	gc.LogoutWithReason:       "Signs the agent out with a reason that reasoncodelogout listed.",
	gc.ForceLogout:            "Signs the agent out whatever the state, a ready agent by way of NOT_READY. Who has a call is answered at once with the State of then, of which LOGOUT is pending, and signed out at the end of the call; a MakeReady, MakeNotReady or Login before that takes it back.",
	gc.MakeReady:              "Makes the agent ready; during a call it becomes the pending state. Who is not signed in is answered RE_LOGIN, with this and the other states.",
	gc.MakeNotReady:           "Makes the agent not ready; during a call it becomes the pending state.",
	gc.MakeNotReadyWithReason: "Makes the agent not ready with a reason that reasoncodenotready listed.",
	gc.MakeWorkNotReady:       "Puts the agent into wrap-up work, not ready after it.",
	gc.MakeWorkReady:          "Puts the agent into wrap-up work, ready after it.",
	gc.GetState:               "Asks Finesse for the agent's state.",
	gc.Refresh:                "Tells a driver that lost track everything again.",
	gc.ReasonCodeNotReady:     "Lists the reasons for not being ready.",
	gc.ReasonCodeLogout:       "Lists the reasons for signing out.",
	gc.WrapUpReasonCode:       "Lists the wrap-up reasons.",
	gc.MakeCall:               "Dials a number.",
	gc.AnswerCall:             "Answers a call that rings.",
	gc.HoldCall:               "Puts a call on hold.",
	gc.RetrieveCall:           "Takes a call back from hold.",
	gc.ReleaseCall:            "Leaves a call; a consultation by its own id.",
	gc.TransferSST:            "Hands a call over to a number without asking there first.",
	gc.MakeConsultCall:        "Calls a number about a call, which is put on hold; a transfer or a conference may follow.",
	gc.TransferCall:           "Hands the call over to whom the agent has consulted. The dialog is the first call's.",
	gc.ConferenceCall:         "Joins the call and the consultation. The dialog is the first call's.",
	gc.GetDialogState:         "Asks for the state of a call; NOT_FOUND is an answer, not an error.",
	gc.GetDialogStateControls: "Asks which event reports a call, its state, and what can be done with it.",
	gc.GetDialogParticipants:  "Lists the parties of a call. Deprecated.",
	gc.UpdateCallVariable:     "Sets a call variable. The answer is the call with the new value.",
	gc.WrapUpCall:             "Gives a call its wrap-up reason. Success has no answer.",
	gc.GetAllAgents:           "Lists the agents who are signed in. Needs `finesse.admin`.",
	gc.PauseRecording:         "Pauses the recording of the agent's call. Needs `recording.pause_url`. Success has no answer.",
	gc.ResumeRecording:        "Resumes the recording of the agent's call. Needs `recording.resume_url`. Success has no answer.",
	gc.GetPhonebooks:          "Lists the phone books of all agents and those of the agent's team.",
	gc.GetTeamPhonebooks:      "Lists the phone books of a team; without one, of the agent's own.",
	gc.GetPhonebookContacts:   "Lists the contacts of a phone book.",
	gc.AcceptOutboundPreview:  "Accepts the outbound preview: the customer is dialled.",
	gc.RejectOutboundPreview:  "Rejects the outbound preview: the customer may be called again.",
	gc.CloseOutboundPreview:   "Closes the outbound preview: the customer is not called again for it.",
	gc.GetQueueList:           "Lists the queues of the supervisor with their statistics.",
	gc.SilentMonitor:          "Lets the supervisor hear an agent's call. It comes as a call of the supervisor's.",
	gc.EndSilentMonitor:       "Ends the silent monitoring. The dialog is the supervisor's call.",
	gc.DropParticipant:        "Drops a party from a conference, by its extension.",
	gc.GetTeamUsers:           "Lists the members of a team; with `true` the supervisor gets TeamMemberStateChanged from then on, with `false` no more.",
	gc.GetTeamUserState:       "Asks for the state of a member of a team.",
	gc.BargeIn:                "Makes the supervisor a party of the call that is being monitored. The dialog is that of the monitoring or the agent's.",
}

// answerNumbers are the seed's rows of answers whose name more than one event
// has, where it is not the first.
var answerNumbers = map[gc.CommandName]map[string]string{
	gc.GetDialogStateControls: {"DialogState": "O-015", "Control": "O-017"},
}
