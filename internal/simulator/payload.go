package simulator

import (
	"bytes"
	"encoding/xml"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// The documents Finesse sends, elements in the alphabetical order of captured
// payloads (UCCE 12.5).

const apiRoot = "/finesse/api/"

func userURI(id gc.AgentID) string       { return apiRoot + "User/" + string(id) }
func dialogsURI(id gc.AgentID) string    { return userURI(id) + "/Dialogs" }
func dialogURI(id gc.DialogID) string    { return apiRoot + "Dialog/" + string(id) }
func teamURI(id gc.TeamID) string        { return apiRoot + "Team/" + string(id) }
func teamUsersURI(id gc.TeamID) string   { return teamURI(id) + "/Users" }
func queuesURI(id gc.AgentID) string     { return userURI(id) + "/Queues" }
func queueURI(id string) string          { return apiRoot + "Queue/" + id }
func reasonURI(r gc.ReasonCodeID) string { return apiRoot + "ReasonCode/" + string(r) }

const systemInfoURI = apiRoot + "SystemInfo"

type userXML struct {
	XMLName         xml.Name
	Dialogs         string       `xml:"dialogs"`
	Extension       gc.Extension `xml:"extension"`
	FirstName       string       `xml:"firstName"`
	LastName        string       `xml:"lastName"`
	LoginID         gc.AgentID   `xml:"loginId"`
	LoginName       string       `xml:"loginName"`
	MediaType       int          `xml:"mediaType"`
	MobileAgent     *mobileXML   `xml:"mobileAgent"`
	PendingState    gc.UserState `xml:"pendingState"`
	ReasonCode      *reasonXML   `xml:"reasonCode"`
	ReasonCodeID    string       `xml:"reasonCodeId,omitempty"`
	Roles           []string     `xml:"roles>role"`
	Settings        settingsXML  `xml:"settings"`
	State           gc.UserState `xml:"state"`
	StateChangeTime string       `xml:"stateChangeTime"`
	TeamID          gc.TeamID    `xml:"teamId"`
	TeamName        string       `xml:"teamName"`
	Teams           *[]teamXML   `xml:"teams>Team"`
	URI             string       `xml:"uri"`
	WrapUpTimer     int          `xml:"wrapUpTimer"`
}

type settingsXML struct {
	WrapUpOnIncoming WrapUp `xml:"wrapUpOnIncoming"`
	WrapUpOnOutgoing WrapUp `xml:"wrapUpOnOutgoing"`
}

// mobileXML is the same in requests and documents.
type mobileXML struct {
	Mode       string `xml:"mode"`
	DialNumber string `xml:"dialNumber"`
}

type teamXML struct {
	ID   gc.TeamID `xml:"id"`
	Name string    `xml:"name"`
	URI  string    `xml:"uri"`
}

type reasonXML struct {
	Category   gc.ReasonCategory `xml:"category"`
	Code       int               `xml:"code"`
	ForAll     bool              `xml:"forAll"`
	ID         gc.ReasonCodeID   `xml:"id,omitempty"`
	Label      string            `xml:"label"`
	SystemCode *bool             `xml:"systemCode"`
	URI        string            `xml:"uri"`
}

// memberXML is the summary of a user that supervisors get.
type memberXML struct {
	XMLName         xml.Name
	Dialogs         string       `xml:"dialogs"`
	Extension       gc.Extension `xml:"extension"`
	FirstName       string       `xml:"firstName"`
	LastName        string       `xml:"lastName"`
	LoginID         gc.AgentID   `xml:"loginId"`
	MediaType       int          `xml:"mediaType"`
	PendingState    gc.UserState `xml:"pendingState"`
	ReasonCode      *reasonXML   `xml:"reasonCode"`
	State           gc.UserState `xml:"state"`
	StateChangeTime string       `xml:"stateChangeTime"`
	URI             string       `xml:"uri"`
}

type usersXML struct {
	XMLName xml.Name  `xml:"Users"`
	Users   []userXML `xml:"User"`
}

// teamDocXML is a team with its members.
type teamDocXML struct {
	XMLName xml.Name    `xml:"Team"`
	URI     string      `xml:"uri"`
	ID      gc.TeamID   `xml:"id"`
	Name    string      `xml:"name"`
	Members []memberXML `xml:"users>User"`
}

type queuesXML struct {
	XMLName xml.Name `xml:"Queues"`
	Queues  []queueXML
}

type queueXML struct {
	XMLName    xml.Name
	Name       string        `xml:"name"`
	Statistics statisticsXML `xml:"statistics"`
	URI        string        `xml:"uri"`
}

type statisticsXML struct {
	AgentsBusyOther       int    `xml:"agentsBusyOther"`
	AgentsLoggedOn        int    `xml:"agentsLoggedOn"`
	AgentsNotReady        int    `xml:"agentsNotReady"`
	AgentsReady           int    `xml:"agentsReady"`
	AgentsTalkingInbound  int    `xml:"agentsTalkingInbound"`
	AgentsTalkingInternal int    `xml:"agentsTalkingInternal"`
	AgentsTalkingOutbound int    `xml:"agentsTalkingOutbound"`
	AgentsWrapUpNotReady  int    `xml:"agentsWrapUpNotReady"`
	AgentsWrapUpReady     int    `xml:"agentsWrapUpReady"`
	CallsInQueue          int    `xml:"callsInQueue"`
	LongestCallStart      string `xml:"startTimeOfLongestCallInQueue"`
}

type phoneBooksXML struct {
	XMLName xml.Name       `xml:"PhoneBooks"`
	Books   []phoneBookXML `xml:"PhoneBook"`
}

type phoneBookXML struct {
	Contacts contactsXML `xml:"contacts"`
	Name     string      `xml:"name"`
	Type     string      `xml:"type"`
	URI      string      `xml:"uri"`
}

// contactsXML is written even when there are none.
type contactsXML struct {
	Contacts []contactXML `xml:"Contact"`
}

type contactXML struct {
	Description string `xml:"description"`
	FirstName   string `xml:"firstName"`
	LastName    string `xml:"lastName"`
	PhoneNumber string `xml:"phoneNumber"`
	URI         string `xml:"uri"`
}

type reasonCodesXML struct {
	XMLName  xml.Name          `xml:"ReasonCodes"`
	Category gc.ReasonCategory `xml:"category,attr"`
	Codes    []reasonXML       `xml:"ReasonCode"`
}

type wrapUpReasonsXML struct {
	XMLName xml.Name          `xml:"WrapUpReasons"`
	Reasons []wrapUpReasonXML `xml:"WrapUpReason"`
}

type wrapUpReasonXML struct {
	URI    string `xml:"uri"`
	Label  string `xml:"label"`
	ForAll bool   `xml:"forAll"`
}

type dialogXML struct {
	XMLName             xml.Name
	AssociatedDialogURI string           `xml:"associatedDialogUri"`
	CallbackNumber      string           `xml:"callbackNumber,omitempty"`
	FromAddress         string           `xml:"fromAddress"`
	ID                  gc.DialogID      `xml:"id"`
	MediaProperties     mediaXML         `xml:"mediaProperties"`
	MediaType           string           `xml:"mediaType"`
	Participants        []participantXML `xml:"participants>Participant"`
	SecondaryID         gc.DialogID      `xml:"secondaryId,omitempty"`
	State               gc.CallState     `xml:"state"`
	ToAddress           string           `xml:"toAddress"`
	URI                 string           `xml:"uri"`
}

type mediaXML struct {
	DNIS                   string        `xml:"DNIS"`
	CallType               string        `xml:"callType"`
	DialedNumber           string        `xml:"dialedNumber"`
	OutboundClassification string        `xml:"outboundClassification"`
	WrapUpReason           string        `xml:"wrapUpReason,omitempty"`
	Variables              []variableXML `xml:"callvariables>CallVariable"`
}

type variableXML struct {
	Name  string `xml:"name"`
	Value string `xml:"value"`
}

type participantXML struct {
	Actions          actionsXML   `xml:"actions"`
	MediaAddress     string       `xml:"mediaAddress"`
	MediaAddressType string       `xml:"mediaAddressType"`
	StartTime        string       `xml:"startTime"`
	State            gc.CallState `xml:"state"`
	StateCause       string       `xml:"stateCause"`
	StateChangeTime  string       `xml:"stateChangeTime"`
}

// actionsXML is written even when there are none.
type actionsXML struct {
	Action []action `xml:"action"`
}

type dialogsXML struct {
	XMLName xml.Name
	Dialogs []dialogXML
}

type systemInfoXML struct {
	XMLName                xml.Name
	CurrentTimestamp       string          `xml:"currentTimestamp"`
	CTIHeartbeatInterval   int             `xml:"ctiHeartbeatInterval"`
	DeploymentType         string          `xml:"deploymentType"`
	LastCTIHeartbeatStatus string          `xml:"lastCTIHeartbeatStatus"`
	PrimaryNode            nodeXML         `xml:"primaryNode"`
	SecondaryNode          *nodeXML        `xml:"secondaryNode"`
	Status                 gc.SystemStatus `xml:"status"`
	StatusReason           string          `xml:"statusReason"`
	SystemAuthMode         string          `xml:"systemAuthMode"`
	TimezoneOffset         int             `xml:"timezoneOffset"`
	URI                    string          `xml:"uri"`
	XMPPDomain             string          `xml:"xmppDomain"`
	XMPPPubSubDomain       string          `xml:"xmppPubSubDomain"`
}

type nodeXML struct {
	Host           string `xml:"host"`
	HTTPSPort      int    `xml:"httpsPort"`
	XMPPSecurePort int    `xml:"xmppSecurePort"`
}

// updateXML is the document inside a notification.
type updateXML struct {
	XMLName   xml.Name `xml:"Update"`
	Data      any      `xml:"data>object"`
	Event     string   `xml:"event"`
	RequestID string   `xml:"requestId"`
	Source    string   `xml:"source"`
}

// failureXML is the document of an asynchronous error: other names, another
// order and an event in lower case.
type failureXML struct {
	XMLName   xml.Name        `xml:"Update"`
	Errors    []asyncErrorXML `xml:"data>apiErrors>apiError"`
	RequestID string          `xml:"requestId"`
	Source    string          `xml:"source"`
	Event     string          `xml:"event"`
}

type asyncErrorXML struct {
	PeripheralCode string `xml:"peripheralErrorCode,omitempty"`
	Type           string `xml:"errorType"`
	Message        string `xml:"errorMessage"`
	PeripheralText string `xml:"peripheralErrorText,omitempty"`
	PeripheralMsg  string `xml:"peripheralErrorMsg,omitempty"`
	Data           string `xml:"errorData"`
}

// named gives a document the element name its place asks for: User in
// answers, user in events.
func named(name string) xml.Name { return xml.Name{Local: name} }

// encode writes a document. The types above can always be written.
func encode(doc any) []byte {
	var b bytes.Buffer
	if err := xml.NewEncoder(&b).Encode(doc); err != nil {
		panic("simulator: a payload cannot be encoded: " + err.Error())
	}
	return b.Bytes()
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}

// stamp is the form of every time in users and dialogs.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
