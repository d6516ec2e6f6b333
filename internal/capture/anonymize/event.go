package anonymize

import (
	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// keptValues are those of events that are words of the protocol, of Finesse or
// of the configuration, by the names that the shapes of events have for them.
var keptValues = map[string]bool{
	"Cause": true, "CallType": true, "WrapUp": true, "Category": true, "MediaType": true, "Type": true, "ID": true, "AddressType": true,
	"Message": true, "Command": true, "Variables associatedDialogId": true,
}

// event replaces what an event tells. What no shape knows is replaced too.
func (a *Anonymizer) event(x *capture.Record, body string) string {
	return wire.RewriteEvent(x.Event, wire.Format(x.Format), body, func(name, kind, text string) string {
		switch {
		case keptValues[name]:
			return text
		case name == "Labels":
			return a.label(text)
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
		default: // a state, a number, an id, a time
			return text
		}
	})
}
