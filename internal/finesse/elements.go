package finesse

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// The elements of the REST answers and of the updates (Finesse developer
// guide, "User", "Dialog", "SystemInfo"); decode says why the names are in
// lower case.
type (
	systemInfoElement struct {
		XMLName          xml.Name `xml:"systeminfo"`
		Status           text     `xml:"status"`
		StatusReason     text     `xml:"statusreason"`
		CurrentTimestamp text     `xml:"currenttimestamp"`
		DeploymentType   text     `xml:"deploymenttype"`
		SystemAuthMode   text     `xml:"systemauthmode"`
		LastCTIHeartbeat text     `xml:"lastctiheartbeatstatus"`
		PrimaryHost      text     `xml:"primarynode>host"`
		SecondaryHost    text     `xml:"secondarynode>host"`
		XMPPDomain       text     `xml:"xmppdomain"`
		XMPPPubSubDomain text     `xml:"xmpppubsubdomain"`
	}

	userElement struct {
		XMLName         xml.Name      `xml:"user"`
		URI             text          `xml:"uri"`
		LoginID         text          `xml:"loginid"`
		LoginName       text          `xml:"loginname"`
		FirstName       text          `xml:"firstname"`
		LastName        text          `xml:"lastname"`
		State           text          `xml:"state"`
		MediaType       text          `xml:"mediatype"`
		PendingState    text          `xml:"pendingstate"`
		Extension       text          `xml:"extension"`
		ReasonCodeID    text          `xml:"reasoncodeid"`
		Reason          reasonElement `xml:"reasoncode"`
		StateChangeTime text          `xml:"statechangetime"`
		Roles           []text        `xml:"roles>role"`
		TeamID          text          `xml:"teamid"`
		TeamName        text          `xml:"teamname"`
		Teams           []teamElement `xml:"teams>team"`
		Incoming        text          `xml:"settings>wrapuponincoming"`
		Outgoing        text          `xml:"settings>wrapuponoutgoing"`
		WrapUpTimer     text          `xml:"wrapuptimer"`
	}

	reasonElement struct {
		URI        text `xml:"uri"`
		SystemCode text `xml:"systemcode"`
	}

	teamElement struct {
		ID   text `xml:"id"`
		Name text `xml:"name"`
	}

	dialogsElement struct {
		XMLName xml.Name        `xml:"dialogs"`
		Dialogs []dialogElement `xml:"dialog"`
	}

	dialogElement struct {
		XMLName         xml.Name             `xml:"dialog"`
		ID              text                 `xml:"id"`
		URI             text                 `xml:"uri"`
		State           text                 `xml:"state"`
		FromAddress     text                 `xml:"fromaddress"`
		ToAddress       text                 `xml:"toaddress"`
		CallbackNumber  text                 `xml:"callbacknumber"`
		AssociatedURI   text                 `xml:"associateddialoguri"`
		SecondaryID     text                 `xml:"secondaryid"`
		MediaType       text                 `xml:"mediatype"`
		MediaProperties mediaElement         `xml:"mediaproperties"`
		Participants    []participantElement `xml:"participants>participant"`
	}

	mediaElement struct {
		ID           text              `xml:"mediaid"`
		CallType     text              `xml:"calltype"`
		DNIS         text              `xml:"dnis"`
		DialedNumber text              `xml:"dialednumber"`
		WrapUpReason string            `xml:"wrapupreason"`
		WrapUpItems  []string          `xml:"wrapupitems>wrapupitem"`
		Variables    []variableElement `xml:"callvariables>callvariable"`
	}

	variableElement struct {
		Name  text   `xml:"name"`
		Value string `xml:"value"` // a driver's text, blanks included
	}

	participantElement struct {
		Actions         []text `xml:"actions>action"`
		MediaAddress    text   `xml:"mediaaddress"`
		AddressType     text   `xml:"mediaaddresstype"`
		StartTime       text   `xml:"starttime"`
		State           text   `xml:"state"`
		StateCause      text   `xml:"statecause"`
		StateChangeTime text   `xml:"statechangetime"`
	}

	reasonCodesElement struct {
		XMLName xml.Name            `xml:"reasoncodes"`
		Codes   []reasonCodeElement `xml:"reasoncode"`
	}

	reasonCodeElement struct {
		URI   text `xml:"uri"`
		Label text `xml:"label"`
	}

	wrapUpReasonsElement struct {
		XMLName xml.Name              `xml:"wrapupreasons"`
		Reasons []wrapUpReasonElement `xml:"wrapupreason"`
	}

	wrapUpReasonElement struct {
		URI   text   `xml:"uri"`
		Label string `xml:"label"` // goes back to Finesse as it came
	}

	apiErrorsElement struct {
		XMLName xml.Name          `xml:"apierrors"`
		Errors  []apiErrorElement `xml:"apierror"`
	}

	apiErrorElement struct {
		Type              text `xml:"errortype"`
		Message           text `xml:"errormessage"`
		Data              text `xml:"errordata"`
		PeripheralCode    text `xml:"peripheralerrorcode"`
		PeripheralMessage text `xml:"peripheralerrormsg"`
	}
)

func (e *systemInfoElement) systemInfo(*Omissions) (SystemInfo, error) {
	return SystemInfo{
		Status:           strings.ToUpper(string(e.Status)),
		StatusReason:     string(e.StatusReason),
		LastCTIHeartbeat: strings.ToLower(string(e.LastCTIHeartbeat)),
		DeploymentType:   strings.ToUpper(string(e.DeploymentType)),
		SystemAuthMode:   strings.ToUpper(string(e.SystemAuthMode)),
		PrimaryHost:      string(e.PrimaryHost),
		SecondaryHost:    string(e.SecondaryHost),
		XMPPDomain:       string(e.XMPPDomain),
		XMPPPubSubDomain: string(e.XMPPPubSubDomain),
		CurrentTime:      parseTime(e.CurrentTimestamp),
	}, nil
}

// alone is an element that is the whole of what was asked for: nothing can be left
// out of it.
func alone[E, T any](convert func(*E) (T, error)) func(*E, *Omissions) (T, error) {
	return func(e *E, _ *Omissions) (T, error) { return convert(e) }
}

// identity is the id of an object: as it says or, where that cannot be read or is
// missing, as its uri ends.
func identity[T ~string](id, uri text, parse func(string) (T, error)) (T, error) {
	parsed, err := parse(string(id))
	if err == nil {
		return parsed, nil
	}
	if parsed, inURI := parse(lastSegment(uri)); inURI == nil {
		return parsed, nil
	}
	return "", err
}

// user checks the id: it is the one value that decides whom an update is
// about. An update that has none is known by its uri.
func (e *userElement) user() (User, error) {
	id, err := identity(e.LoginID, e.URI, gc.ParseAgentID)
	if err != nil {
		return User{}, fmt.Errorf("user: %w", err)
	}
	u := User{
		LoginID:         id,
		LoginName:       string(e.LoginName),
		FirstName:       string(e.FirstName),
		LastName:        string(e.LastName),
		State:           gc.UserState(strings.ToUpper(string(e.State))),
		PendingState:    gc.UserState(strings.ToUpper(string(e.PendingState))),
		Extension:       gc.Extension(e.Extension),
		ReasonCodeID:    e.reason(),
		StateChangeTime: parseTime(e.StateChangeTime),
		Roles:           texts(e.Roles),
		TeamID:          gc.TeamID(e.TeamID),
		TeamName:        string(e.TeamName),
		Settings:        Settings{WrapUpOnIncoming: string(e.Incoming), WrapUpOnOutgoing: string(e.Outgoing)},
	}
	if seconds, err := strconv.ParseUint(string(e.WrapUpTimer), 10, 31); err == nil {
		u.WrapUpTimer = time.Duration(seconds) * time.Second
	}
	for _, t := range e.Teams {
		u.Teams = append(u.Teams, Team{ID: gc.TeamID(t.ID), Name: string(t.Name)})
	}
	return u, nil
}

// reason looks into the description of the reason where there is no id beside
// it, as in a team's users. A reason of the system's has none that could be
// given again.
func (e *userElement) reason() gc.ReasonCodeID {
	if e.ReasonCodeID != "" {
		return reasonCodeID(string(e.ReasonCodeID))
	}
	if strings.EqualFold(string(e.Reason.SystemCode), "true") {
		return ""
	}
	return reasonCodeID(lastSegment(e.Reason.URI))
}

// dialogs leaves out what is no call: a chat or an e-mail may have the agent's
// extension as the address of a participant.
func (e *dialogsElement) dialogs(out *Omissions) ([]Dialog, error) {
	calls := slices.DeleteFunc(e.Dialogs, func(d dialogElement) bool { return !d.isCall() })
	return each(out, calls, (*dialogElement).dialog), nil
}

// voiceMedia is the id of the media of all calls (Finesse developer guide, "Media").
const voiceMedia = "1"

// isCall reports whether a dialog is one of voice: by its kind, by its media, and by
// its id, which has an underscore where it is a task. Old releases leave kind and media
// out.
func (e *dialogElement) isCall() bool {
	kind, media := string(e.MediaType), string(e.MediaProperties.ID)
	otherKind := kind != "" && kind != voiceMedia && !strings.EqualFold(kind, "Voice")
	otherMedia := media != voiceMedia && isPositive(media)
	return !otherKind && !otherMedia && !strings.Contains(e.id(), "_")
}

func isPositive(number string) bool {
	n, err := strconv.ParseUint(number, 10, 64)
	return err == nil && n > 0
}

// id is that of the uri where there is no other.
func (e *dialogElement) id() string { return cmp.Or(string(e.ID), lastSegment(e.URI)) }

// alone is a list of the one dialog, if that is a call.
func (e *dialogElement) alone(*Omissions) ([]Dialog, error) {
	if !e.isCall() {
		return nil, nil
	}
	d, err := e.dialog()
	return []Dialog{d}, err
}

func (e *dialogElement) dialog() (Dialog, error) {
	id, err := identity(e.ID, e.URI, gc.ParseDialogID)
	if err != nil {
		return Dialog{}, fmt.Errorf("dialog: %w", err)
	}
	media := &e.MediaProperties
	d := Dialog{
		ID:               id,
		State:            callState(e.State),
		FromAddress:      string(e.FromAddress),
		ToAddress:        string(e.ToAddress),
		CallbackNumber:   string(e.CallbackNumber),
		AssociatedDialog: dialogID(lastSegment(e.AssociatedURI)),
		SecondaryID:      dialogID(string(e.SecondaryID)),
		CallType:         string(media.CallType),
		DNIS:             string(media.DNIS),
		DialedNumber:     string(media.DialedNumber),
		WrapUpReason:     media.WrapUpReason,
	}
	if d.WrapUpReason == "" {
		d.WrapUpReason = strings.Join(media.WrapUpItems, ",")
	}
	for _, v := range media.Variables {
		d.Variables = append(d.Variables, gc.CallVariable{Name: string(v.Name), Value: v.Value})
	}
	for i := range e.Participants {
		d.Participants = append(d.Participants, e.Participants[i].participant())
	}
	d.Participants = withoutLeft(d.Participants)
	return d, nil
}

// withoutLeft leaves out a part that is over where the same address has another one: who
// left a call and is in it again stands twice among the participants.
func withoutLeft(all []Participant) []Participant {
	live := map[string]bool{}
	for _, p := range all {
		live[p.MediaAddress] = live[p.MediaAddress] || p.State != gc.Dropped
	}
	return slices.DeleteFunc(all, func(p Participant) bool { return p.State == gc.Dropped && live[p.MediaAddress] })
}

func (e *participantElement) participant() Participant {
	return Participant{
		MediaAddress:    string(e.MediaAddress),
		AddressType:     string(e.AddressType),
		State:           callState(e.State),
		StateCause:      strings.ToUpper(string(e.StateCause)),
		StartTime:       parseTime(e.StartTime),
		StateChangeTime: parseTime(e.StateChangeTime),
		Actions:         texts(e.Actions),
	}
}

func (e *reasonCodesElement) reasonCodes(out *Omissions) ([]gc.ReasonCode, error) {
	return each(out, e.Codes, (*reasonCodeElement).reasonCode), nil
}

// reasonCode fails on one without a usable id: nobody could ask for it.
func (e *reasonCodeElement) reasonCode() (gc.ReasonCode, error) {
	id, err := gc.ParseReasonCodeID(lastSegment(e.URI))
	if err != nil {
		return gc.ReasonCode{}, fmt.Errorf("uri of a reason: %w", err)
	}
	return gc.ReasonCode{ID: id, Label: string(e.Label)}, nil
}

func (e *wrapUpReasonsElement) wrapUpReasons(out *Omissions) ([]gc.ReasonCode, error) {
	return each(out, e.Reasons, (*wrapUpReasonElement).wrapUpReason), nil
}

// wrapUpReason fails on one without a label: it could not be given.
func (e *wrapUpReasonElement) wrapUpReason() (gc.ReasonCode, error) {
	if strings.TrimSpace(e.Label) == "" {
		return gc.ReasonCode{}, errors.New("a wrap-up reason without a label")
	}
	return gc.ReasonCode{ID: reasonCodeID(lastSegment(e.URI)), Label: e.Label}, nil
}

func (e *apiErrorsElement) apiError() *APIError {
	if len(e.Errors) == 0 {
		return &APIError{}
	}
	first := e.Errors[0]
	return &APIError{
		Type:              string(first.Type),
		Message:           string(first.Message),
		Data:              string(first.Data),
		PeripheralCode:    string(first.PeripheralCode),
		PeripheralMessage: string(first.PeripheralMessage),
	}
}

// lastSegment of /finesse/api/User/1001 and /finesse/api/User/1001/ is 1001.
func lastSegment(uri text) string {
	s := strings.TrimRight(string(uri), "/")
	return s[strings.LastIndexByte(s, '/')+1:]
}

// dialogID is "" unless s is one.
func dialogID(s string) gc.DialogID {
	id, err := gc.ParseDialogID(s)
	if err != nil {
		return ""
	}
	return id
}

// reasonCodeID is "" for an absent one and for -1, which stands for no reason
// or one of the system's.
func reasonCodeID(s string) gc.ReasonCodeID {
	id, err := gc.ParseReasonCodeID(s)
	if err != nil {
		return ""
	}
	return id
}

func callState(t text) gc.CallState { return gc.CallState(strings.ToUpper(string(t))) }

func texts(ts []text) []string {
	var s []string
	for _, t := range ts {
		if t != "" {
			s = append(s, string(t))
		}
	}
	return s
}

// parseTime reads Finesse's UTC times, which have no, two or three digits of
// a second's fraction. What it cannot read is no time.
func parseTime(t text) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700"} {
		if at, err := time.Parse(layout, string(t)); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}
