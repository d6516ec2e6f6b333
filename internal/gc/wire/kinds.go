package wire

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// valueKind says how a value of an event is written, and what it may be.
type valueKind struct {
	name  string // in the table
	holds Holds
	check func(string) error // nil for any text; in a text form, one without separators
	// text is the value, nil where it is the event's field as it is.
	text  func(p *page, v reflect.Value) string
	keeps string // the separators that are not replaced in a text form
	// list is for what is no single value in a text form.
	list list
	json byte     // what it is in JSON: see node.kind; 0 for a string, or what the field's type says
	word []string // all that it can be, where it stands in the place of the event's name
	old  bool     // in text-old, where the end of a call is DROP
}

// Holds says what a value says, for who may not pass it on.
type Holds int

// What values hold.
const (
	Unknown      Holds = iota // it is not known to be a value of the event
	Words                     // a word of the protocol or of Finesse, a number or a time
	Private                   // what says something of people or of the site
	Login                     // the id of an agent
	ID                        // an id that Finesse gave
	Code                      // an error code
	Explanation               // the reason of an error in words
	VariableName              // the name of a call variable
	Destination               // the name of a destination
	CommandType               // the JMSType of a command
	Parameters                // its parameters
	Password                  //
)

var (
	anyText   = &valueKind{holds: Private}
	label     = &valueKind{holds: ID}
	idNumber  = &valueKind{holds: ID, check: wholeNumber}
	variable  = &valueKind{holds: VariableName}
	unchecked = func(string) error { return nil }
)

// named is who has a first and a last name.
type named interface{ FullName() string }

// singleKinds are those of single values, by the names that the table of events has
// for them.
var singleKinds = map[string]*valueKind{
	"Text": anyText, "Word": {holds: Words}, "Label": label,
	"Sentence":    {holds: Private, check: unchecked, keeps: "|,="},       // for people: only "#" would do harm
	"Explanation": {holds: Explanation, check: explanation, keeps: "|,="}, // the last field; only "#" would do harm
	"Destination": {holds: Destination, check: unchecked, text: func(_ *page, v reflect.Value) string { return gc.Destination(v.String()).Name() }},
	"Secret":      {holds: Password, check: unchecked, keeps: separators, text: func(_ *page, v reflect.Value) string { return held[gc.Secret](v).Reveal() }},
	"Parameters":  {holds: Parameters, check: unchecked, keeps: separators}, // what the driver is to send again
	"Request":     {holds: CommandType},
	"FullName":    {holds: Private, text: func(_ *page, v reflect.Value) string { return v.Interface().(named).FullName() }},

	"Agent": {holds: Login, check: parses(gc.ParseAgentID)}, "Extension": {holds: Private, check: orNone(parses(gc.ParseExtension))},
	"Dialog": {holds: ID, check: parses(gc.ParseDialogID)}, "DialogOrNone": {holds: ID, check: orNone(parses(gc.ParseDialogID))},
	"ID": idNumber, "IDOrNone": {holds: ID, check: orNone(wholeNumber)}, "Reason": {holds: ID, check: orNone(wholeNumber)},
	"Code": {holds: Code, check: codeWord}, "Number": {holds: Words, check: wholeNumber}, "Flag": {holds: Words, check: oneOf("true", "false")}, "Time": {holds: Words, check: orNone(timeOfEvent)},
	"Count":    {holds: Words, check: wholeNumber, text: func(_ *page, v reflect.Value) string { return strconv.Itoa(v.Len()) }},
	"Position": {holds: Words, check: wholeNumber, json: '0', text: func(p *page, _ reflect.Value) string { return strconv.Itoa(p.position + 1) }},
	"Command":  {holds: Words, text: func(p *page, _ reflect.Value) string { return controlled(p.position) }},
	"Device":   {holds: Words, check: oneOf(agentDevice, noDevice), text: func(_ *page, v reflect.Value) string { return when(v.String() == agentDevice, agentDevice, noDevice) }},
	"BargedIn": {holds: Words, check: oneOf("", bargedIn), text: func(_ *page, v reflect.Value) string { return when(v.Bool(), bargedIn, "") }},

	"Status":    words(gc.InService, gc.OutOfService, gc.FinesseNotHeard),
	"UserState": words(userStates...), "UserStateOrNone": {holds: Words, check: orNone(oneOf(userStates...))}, "UserStateJSON": words(append([]gc.UserState{"RE_LOGIN"}, userStates...)...),
	"CallState": words(callStates...), "AnyCallState": words(append([]gc.CallState{gc.Failed, gc.NotFound}, callStates...)...),
	"CallStateJSON":   words(append([]gc.CallState{gc.Failed}, without(callStates, gc.Dropped)...)...),
	"CallStateOrNone": {holds: Words, check: orNone(oneOf(append([]gc.CallState{gc.Failed}, callStates...)...))},
	"OldEnd":          oldState("DROP", gc.Held, gc.WrapUp), "OldState": oldState(without(callStates, gc.Dropped, gc.Held, gc.WrapUp)...),
	"OldAny":    oldState(append(without(callStates, gc.Dropped), "DROP")...),
	"CallType":  {holds: Words, text: callType},
	"CallEvent": {holds: Words, word: []string{"InboundCall", "ConsultCall"}, text: func(_ *page, v reflect.Value) string { return when(v.Bool(), "ConsultCall", "InboundCall") }},

	"VariablesJSON": {holds: Private, json: 'v'}, "CodesJSON": {holds: ID, json: 'c'},
}

const (
	bargedIn    = "SUPERVISOR_BARGE_IN"
	agentDevice = "AGENT_DEVICE"
	noDevice    = "NULL"
)

func when(yes bool, one, other string) string {
	if yes {
		return one
	}
	return other
}

// kindOfType are the kinds of fields for which the table says none, where they do
// not have the name of the type.
var kindOfType = map[reflect.Type]string{
	reflect.TypeFor[string](): "Text", reflect.TypeFor[int](): "Number", reflect.TypeFor[bool](): "Flag",
	reflect.TypeFor[gc.AgentID](): "Agent", reflect.TypeFor[gc.DialogID](): "Dialog", reflect.TypeFor[gc.ReasonCodeID](): "Reason",
	reflect.TypeFor[gc.TeamID](): "ID", reflect.TypeFor[gc.PhonebookID](): "ID",
	reflect.TypeFor[gc.SystemStatus](): "Status", reflect.TypeFor[gc.CallState](): "AnyCallState", reflect.TypeFor[gc.ReasonCategory](): "Word",
	reflect.TypeFor[gc.AgentInfo](): "FullName", reflect.TypeFor[gc.TeamInfoIDs](): "FullName", reflect.TypeFor[gc.TeamInfoNames](): "FullName",
	reflect.TypeFor[gc.Call](): "Variables", reflect.TypeFor[[]gc.Team](): "Teams", reflect.TypeFor[[]gc.Participant](): "Participants", reflect.TypeFor[[]bool](): "Controls",
}

var (
	userStates = []gc.UserState{gc.Unknown, gc.Ready, gc.NotReady, gc.LoggedOut, gc.Talking, gc.Reserved, gc.ReservedOutbound, gc.ReservedPreview, gc.Work, gc.WorkReady, gc.Hold}
	// callStates are those of a call that did not fail.
	callStates = []gc.CallState{gc.Initiating, gc.Initiated, gc.Alerting, gc.Active, gc.Held, gc.WrapUp, gc.Accepted, gc.Dropped}
)

func without(all []gc.CallState, some ...gc.CallState) []gc.CallState {
	return slices.DeleteFunc(slices.Clone(all), func(s gc.CallState) bool { return slices.Contains(some, s) })
}

func words[T ~string](all ...T) *valueKind { return &valueKind{holds: Words, check: oneOf(all...)} }

// oldState is a state in text-old, which calls the end of a call DROP.
func oldState(all ...gc.CallState) *valueKind {
	return &valueKind{holds: Words, check: oneOf(all...), old: true, text: func(_ *page, v reflect.Value) string {
		return when(v.String() == string(gc.Dropped), "DROP", v.String())
	}}
}

// callType is Finesse's word except for the two that the original is known
// to have replaced. Only who is consulted gets a consultation as one of the
// events that have a CallType.
func callType(_ *page, v reflect.Value) string {
	switch v.String() {
	case "SUPERVISOR_MONITOR":
		return "SM"
	case "CONSULT", "CONSULT_OFFERED":
		return "CONSULT_IN"
	}
	return v.String()
}

// controlled is the command that the control at a place stands for.
func controlled(i int) string {
	if i < len(gc.CallControls) {
		return string(gc.CallControls[i])
	}
	return ""
}

// problem says why a field of a text is not of the kind.
func (k *valueKind) problem(s string) error {
	if k.check == nil {
		return plainText(s)
	}
	return k.check(s)
}

func notA(what, s string) error { return fmt.Errorf("is not %s: %.60q", what, s) }

func parses[T any](parse func(string) (T, error)) func(string) error {
	return func(s string) error {
		if _, err := parse(s); err != nil {
			return fmt.Errorf("%.60q: %w", s, err)
		}
		return nil
	}
}

func orNone(check func(string) error) func(string) error {
	return func(s string) error {
		if s == "" {
			return nil
		}
		return check(s)
	}
}

func oneOf[T ~string](words ...T) func(string) error {
	return func(s string) error {
		if !slices.Contains(words, T(s)) {
			return fmt.Errorf("%.60q is none of %v", s, words)
		}
		return nil
	}
}

func plainText(s string) error {
	if strings.ContainsAny(s, separators) {
		return fmt.Errorf("holds a separator, for which another character is written: %.60q", s)
	}
	return nil
}

func wholeNumber(s string) error {
	if _, err := strconv.Atoi(s); err != nil {
		return notA("a number", s)
	}
	return nil
}

func timeOfEvent(s string) error {
	if _, err := time.Parse(timeLayout, s); err != nil || len(s) != len(timeLayout) {
		return notA("a time as YYYY-MM-DD hh:mm:ss", s)
	}
	return nil
}

// explanation takes the words of the connector.
func explanation(s string) error {
	if !gc.IsReason(s) {
		return notA("a reason", s)
	}
	return nil
}

// codeWord takes any: errors of Finesse are passed on by name.
func codeWord(s string) error {
	if s == "" || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return notA("an error code", s)
	}
	return nil
}
