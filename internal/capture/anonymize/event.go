package anonymize

import (
	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// What values of events are by the names that their shapes have for them, where
// their kinds do not say it.
var (
	wordValues = map[string]bool{
		"Cause": true, "CallType": true, "WrapUp": true, "Category": true, "MediaType": true, "Type": true, "AddressType": true, "Command": true,
	}
	idValues = map[string]bool{
		"ID": true, "Labels": true, "Reason": true, "Codes": true, "Teams": true, "Team": true, "Phonebook": true, "Variables associatedDialogId": true,
	}
)

// event replaces what an event tells. What no shape knows is replaced too.
func (a *Anonymizer) event(x *capture.Record, body string) string {
	return wire.RewriteEvent(x.Event, wire.Format(x.Format), body, func(name, kind, text string) string {
		switch {
		case wordValues[name]:
			return a.word(text)
		case idValues[name]:
			return a.id(text)
		case name == "Destination":
			return a.destination(text)
		case x.Event == "RECONNECT" && name == "Request":
			text, _ = a.command(text, "")
			return text
		case x.Event == "RECONNECT" && kind == "Secret":
			_, text = a.command(x.Type, text)
			return text
		}
		switch kind {
		case "Agent":
			return a.words.login(text)
		case "", "Text", "Any", "Extension", "Secret":
			return a.words.text(text)
		case "VariableName":
			return a.variable(text)
		case "Dialog", "DialogOrNone", "Dialog?":
			return a.id(text)
		case "Code":
			return a.code(text)
		default: // a state, a number, a time
			return a.word(text)
		}
	})
}
