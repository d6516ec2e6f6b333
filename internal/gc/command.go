package gc

import (
	"slices"
	"strings"
)

// CommandName is a command as the seed writes it. Drivers may use any case.
type CommandName string

// The commands; the table below says what each takes.
const (
	Hello                  CommandName = "Hello"
	Beat                   CommandName = "Beat"
	Connect                CommandName = "Connect"
	Login                  CommandName = "Login"
	Logout                 CommandName = "Logout"
	LogoutWithReason       CommandName = "logoutwithreason"
	MakeReady              CommandName = "MakeReady"
	MakeNotReady           CommandName = "MakeNotReady"
	MakeNotReadyWithReason CommandName = "MakeNotReadyWithReason"
	GetState               CommandName = "GetState"
	Refresh                CommandName = "refresh"
	MakeCall               CommandName = "MakeCall"
	AnswerCall             CommandName = "AnswerCall"
	HoldCall               CommandName = "HoldCall"
	RetrieveCall           CommandName = "RetrieveCall"
	ReleaseCall            CommandName = "ReleaseCall"
	GetDialogState         CommandName = "getdialogstate"
	ReasonCodeNotReady     CommandName = "reasoncodenotready"
	ReasonCodeLogout       CommandName = "reasoncodelogout"
	MobileAgentLogin       CommandName = "MobileAgentLogin"
	ForceLogout            CommandName = "force_logout"
	MakeWorkNotReady       CommandName = "makeworknotready"
	MakeWorkReady          CommandName = "makeworkready"
	WrapUpReasonCode       CommandName = "wrapupreasoncode"
	WrapUpCall             CommandName = "wrapup"
	TransferSST            CommandName = "Transfer_sst"
	MakeConsultCall        CommandName = "ConsultCall"
	TransferCall           CommandName = "TransferCall"
	ConferenceCall         CommandName = "Conferencecall"
	GetDialogStateControls CommandName = "getdialogstatecontrols"
	GetDialogParticipants  CommandName = "getDialogParticipants"
	UpdateCallVariable     CommandName = "update_call_variable"
	GetAllAgents           CommandName = "getallagents"
	PauseRecording         CommandName = "ZOOMPauseRecording"
	ResumeRecording        CommandName = "ZOOMResumeRecording"
	GetPhonebooks          CommandName = "GetPhonebooks"
	GetTeamPhonebooks      CommandName = "GetTeamPhonebooks"
	GetPhonebookContacts   CommandName = "GetPhonebookContacts"
	AcceptOutboundPreview  CommandName = "AcceptOutboundPreview"
	RejectOutboundPreview  CommandName = "RejectOutboundPreview"
	CloseOutboundPreview   CommandName = "CloseOutboundPreview"
	GetQueueList           CommandName = "getqueuelist"
	SilentMonitor          CommandName = "silentmonitor"
	EndSilentMonitor       CommandName = "endsilentmonitor"
	DropParticipant        CommandName = "dropparticipant"
	GetTeamUsers           CommandName = "getteamusers"
	GetTeamUserState       CommandName = "getteamuserstate"
	BargeIn                CommandName = "bargein"
)

// Category is the MessageCategory of a command or an event.
type Category string

// The categories of the seed.
const (
	SystemCategory            Category = "system"
	AgentInfoCategory         Category = "agent_info"
	AgentState                Category = "agent_state"
	AgentCall                 Category = "agent_call"
	AgentDialog               Category = "agent_dialog"
	AgentWork                 Category = "agent_work"
	AgentError                Category = "agent_error"
	AgentControl              Category = "agent_control"
	Zoom                      Category = "zoom"
	PhonebookCategory         Category = "phonebook"
	ContactsCategory          Category = "contacts"
	SupervisorInfo            Category = "supervisor_info"
	SupervisorDialog          Category = "supervisor_dialog"
	SupervisorQueueInfo       Category = "supervisor_queue_info"
	SupervisorTeam            Category = "supervisor_team"
	SupervisorTeamMemberState Category = "supervisor_team_member_state"
	ConnectorSyncCategory     Category = "connector_sync"
)

// IsCategory reports whether s is one of them, in whatever case.
func IsCategory(s string) bool {
	return slices.ContainsFunc([]Category{
		SystemCategory, AgentInfoCategory, AgentState, AgentCall, AgentDialog, AgentWork, AgentError, AgentControl, Zoom, PhonebookCategory, ContactsCategory,
		SupervisorInfo, SupervisorDialog, SupervisorQueueInfo, SupervisorTeam, SupervisorTeamMemberState, ConnectorSyncCategory,
	}, func(c Category) bool { return strings.EqualFold(string(c), s) })
}

// Parameter is one comma separated field of a command's body.
type Parameter struct {
	Name     string // as the seed writes it
	Kind     Kind
	Optional bool // may be left out; only at the end
}

// Kind says what a parameter may hold, where it goes in Command and which
// error a driver gets when it is missing or wrong; see package gc/wire.
type Kind int

// The kinds of parameters.
const (
	DestinationKind Kind = iota
	PasswordKind
	ExtensionKind
	NumberKind
	DialogKind
	ReasonCodeKind
	ModeKind          // of a mobile agent: true is call by call, false a nailed connection
	IgnoredKind       // drivers send different things there, and nothing depends on it
	WrapUpReasonKind  // the label or the key that ReasonCodes gave
	VariableNameKind  //
	VariableValueKind // may be empty and, where it comes last, hold commas
	PreviewActionKind // ACCEPT, REJECT or CLOSE, the one that the command's name says
	TeamKind
	TeamEventsKind // true: the driver wants the team's events too
	MemberKind     // an agent of a supervisor's team, by login id
	PartyKind      // the same, by login id or extension
	PhonebookKind
	SingleSignOnKind // a word that says that the password is an access token
)

// CommandSpec is a row of the table of commands.
type CommandSpec struct {
	Name     CommandName
	Category Category
	// ForDestination: the part behind "#" names a destination, not an agent.
	ForDestination bool
	Parameters     []Parameter
	// Once: running the command a second time could do harm, so a redelivered
	// one is answered PLEASE_RETRY.
	Once bool
	// ForMember: a supervisor may send it with the id of an agent of a team.
	ForMember bool
	// Answers lists the events a driver can expect, for people.
	Answers []string
}

// CallControl reports whether the command acts on a call: such a command is
// worthless, and dangerous, when it arrives late.
func (s *CommandSpec) CallControl() bool {
	return s.Category == AgentCall || s.Category == SupervisorDialog || s.Category == Zoom
}

// HasPassword reports whether one of the parameters is a password.
func (s *CommandSpec) HasPassword() bool {
	return slices.ContainsFunc(s.Parameters, func(p Parameter) bool { return p.Kind == PasswordKind })
}

// SignsIn reports whether the command signs an agent in.
func (s *CommandSpec) SignsIn() bool { return s.Name == Login || s.Name == MobileAgentLogin }

var (
	password  = Parameter{Name: "agent_password", Kind: PasswordKind}
	extension = Parameter{Name: "agent_extension", Kind: ExtensionKind}
	dialog    = Parameter{Name: "Dialog_ID", Kind: DialogKind}
	reason    = Parameter{Name: "ReasonCode", Kind: ReasonCodeKind}
	number    = Parameter{Name: "Other_Party_Extension_Number", Kind: NumberKind}
	ignored   = Parameter{Name: "agent_extension", Kind: IgnoredKind}
	member    = Parameter{Name: "Team_Agent_LoginID", Kind: MemberKind}
	preview   = []Parameter{dialog, {Name: "action", Kind: PreviewActionKind}}
)

// Commands is the table of commands (seed, "Agent Commands"). A new row needs
// a handler in package session and nothing else.
var Commands = []CommandSpec{
	{Name: Hello, Category: SystemCategory, ForDestination: true, Answers: []string{"System"}},
	{Name: Beat, Category: SystemCategory, ForDestination: true, Answers: []string{"System"}},
	{Name: Connect, Category: AgentInfoCategory, Parameters: []Parameter{{Name: "client_destination", Kind: DestinationKind}, password, {Name: "SSO", Kind: SingleSignOnKind, Optional: true}}},
	{Name: Login, Category: AgentState, Parameters: []Parameter{password, extension}, Answers: []string{"AgentInfo", "State", "DialogStatus"}},
	{Name: MobileAgentLogin, Category: AgentState, Parameters: []Parameter{password, extension, {Name: "agent_phone", Kind: NumberKind}, {Name: "connection_mode", Kind: ModeKind}}, Answers: []string{"AgentInfo", "State", "DialogStatus"}},
	{Name: Logout, Category: AgentState, ForMember: true, Answers: []string{"State"}},
	{Name: LogoutWithReason, Category: AgentState, ForMember: true, Parameters: []Parameter{reason}, Answers: []string{"State"}},
	{Name: MakeReady, Category: AgentState, ForMember: true, Answers: []string{"State"}},
	{Name: MakeNotReady, Category: AgentState, ForMember: true, Answers: []string{"State"}},
	{Name: MakeNotReadyWithReason, Category: AgentState, ForMember: true, Parameters: []Parameter{reason}, Answers: []string{"State"}},
	{Name: GetState, Category: AgentState, ForMember: true, Answers: []string{"State"}},
	{Name: Refresh, Category: AgentState, Answers: []string{"AgentInfo", "State", "DialogStatus"}},
	{Name: MakeCall, Category: AgentCall, Parameters: []Parameter{number}, Once: true, Answers: []string{"InboundCall"}},
	{Name: AnswerCall, Category: AgentCall, Parameters: []Parameter{dialog}, Once: true, Answers: []string{"InboundCall"}},
	{Name: HoldCall, Category: AgentCall, Parameters: []Parameter{dialog}, Answers: []string{"InboundCall"}},
	{Name: RetrieveCall, Category: AgentCall, Parameters: []Parameter{dialog}, Answers: []string{"InboundCall"}},
	{Name: ReleaseCall, Category: AgentCall, Parameters: []Parameter{dialog}, Once: true, Answers: []string{"InboundCall"}},
	{Name: GetDialogState, Category: AgentDialog, Parameters: []Parameter{dialog}, Answers: []string{"DialogState"}},
	{Name: ReasonCodeNotReady, Category: AgentState, Answers: []string{"ReasonCodes"}},
	{Name: ReasonCodeLogout, Category: AgentState, Answers: []string{"ReasonCodes"}},
	{Name: WrapUpReasonCode, Category: AgentWork, Answers: []string{"ReasonCodes"}},
	{Name: ForceLogout, Category: AgentState, ForMember: true, Answers: []string{"State"}},
	{Name: MakeWorkNotReady, Category: AgentState, ForMember: true, Answers: []string{"State"}},
	{Name: MakeWorkReady, Category: AgentState, ForMember: true, Answers: []string{"State"}},
	{Name: TransferSST, Category: AgentCall, Parameters: []Parameter{number, dialog}, Once: true, Answers: []string{"InboundCall"}},
	{Name: MakeConsultCall, Category: AgentCall, Parameters: []Parameter{number, dialog}, Once: true, Answers: []string{"ConsultCall"}},
	{Name: TransferCall, Category: AgentCall, Parameters: []Parameter{ignored, dialog}, Once: true, Answers: []string{"InboundCall"}},
	{Name: ConferenceCall, Category: AgentCall, Parameters: []Parameter{ignored, dialog}, Once: true, Answers: []string{"InboundCall"}},
	{Name: GetDialogStateControls, Category: AgentDialog, Parameters: []Parameter{dialog}, Answers: []string{"DialogState", "Control"}},
	{Name: GetDialogParticipants, Category: AgentCall, Parameters: []Parameter{dialog}, Answers: []string{"ConferenceParticipants"}},
	{Name: UpdateCallVariable, Category: AgentCall, Parameters: []Parameter{dialog, {Name: "variable_name", Kind: VariableNameKind}, {Name: "variable_value", Kind: VariableValueKind}}, Answers: []string{"InboundCall"}},
	{Name: WrapUpCall, Category: AgentDialog, Parameters: []Parameter{{Name: "Wrapup_Reason", Kind: WrapUpReasonKind}, dialog}},
	{Name: GetAllAgents, Category: AgentCall, Answers: []string{"Agents"}},
	{Name: PauseRecording, Category: Zoom, Once: true}, // a recorder may take a second one for the opposite
	{Name: ResumeRecording, Category: Zoom, Once: true},
	{Name: GetPhonebooks, Category: PhonebookCategory, Answers: []string{"Phonebooks"}},
	{Name: GetTeamPhonebooks, Category: PhonebookCategory, Parameters: []Parameter{{Name: "TeamID", Kind: TeamKind, Optional: true}}, Answers: []string{"TeamPhoneBooks"}},
	{Name: GetPhonebookContacts, Category: ContactsCategory, Parameters: []Parameter{{Name: "PhonebookID", Kind: PhonebookKind}}, Answers: []string{"PhonebookContacts"}},
	{Name: AcceptOutboundPreview, Category: AgentCall, Parameters: preview, Once: true, Answers: []string{"InboundCall"}},
	{Name: RejectOutboundPreview, Category: AgentCall, Parameters: preview, Once: true, Answers: []string{"InboundCall"}},
	{Name: CloseOutboundPreview, Category: AgentCall, Parameters: preview, Once: true, Answers: []string{"InboundCall"}},
	{Name: GetQueueList, Category: SupervisorQueueInfo, Answers: []string{"QueueList"}},
	{Name: SilentMonitor, Category: SupervisorDialog, Parameters: []Parameter{{Name: "Agent_Extension", Kind: ExtensionKind}}, Once: true, Answers: []string{"InboundCall"}},
	{Name: EndSilentMonitor, Category: SupervisorDialog, Parameters: []Parameter{dialog}, Once: true, Answers: []string{"InboundCall"}},
	{Name: DropParticipant, Category: SupervisorDialog, Parameters: []Parameter{{Name: "Agent_Extension", Kind: ExtensionKind}, dialog}, Once: true, Answers: []string{"InboundCall", "ConferenceParticipants"}},
	{Name: GetTeamUsers, Category: SupervisorTeam, Parameters: []Parameter{{Name: "TeamID", Kind: TeamKind}, {Name: "true", Kind: TeamEventsKind, Optional: true}}, Answers: []string{"TeamUsersList"}},
	{Name: GetTeamUserState, Category: SupervisorTeamMemberState, Parameters: []Parameter{member}, Answers: []string{"TeamMemberStateChanged"}},
	{Name: BargeIn, Category: AgentCall, Parameters: []Parameter{{Name: "Team_Agent_LoginID", Kind: PartyKind}, dialog}, Once: true, Answers: []string{"InboundCall"}},
}

// Command is one valid command. Of the fields below Spec only those that its
// row asks for are set.
type Command struct {
	Spec  *CommandSpec
	Agent AgentID

	Destination Destination
	Password    Secret
	Extension   Extension
	Number      PhoneNumber
	Dialog      DialogID
	Reason      ReasonCodeID
	NailedUp    bool // MobileAgentLogin: one permanent call instead of one each time
	WrapUp      string
	Variable    CallVariable
	Team        TeamID
	TeamEvents  TeamEvents
	Member      AgentID // an agent of a supervisor's team
	Party       string  // bargein: an agent's login id or extension
	Phonebook   PhonebookID
}

// TeamEvents is what a getteamusers asks of the events of the team.
type TeamEvents int

// What may be asked.
const (
	TeamEventsAsBefore TeamEvents = iota // it says nothing of them
	TeamEventsOn
	TeamEventsOff
)

var byName = func() map[string]*CommandSpec {
	m := make(map[string]*CommandSpec, len(Commands))
	for i := range Commands {
		m[strings.ToLower(string(Commands[i].Name))] = &Commands[i]
	}
	return m
}()

// FindCommand is the row of the command a driver calls name, in any case; nil
// when there is none.
func FindCommand(name string) *CommandSpec { return byName[strings.ToLower(name)] }
