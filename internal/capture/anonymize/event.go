package anonymize

import (
	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// event replaces the values of an event. What no form of it knows is replaced
// too.
func (a *Anonymizer) event(x *capture.Record, body string) string {
	return wire.RewriteEvent(x.Event, wire.Format(x.Format), body, func(_ string, holds wire.Holds, text string) string {
		switch holds {
		case wire.Words:
			return a.word(text)
		case wire.Login:
			return a.words.login(text)
		case wire.ID:
			return a.id(text)
		case wire.Code:
			return a.code(text)
		case wire.Explanation:
			if gc.IsReason(text) {
				return text
			}
			return a.words.text(text)
		case wire.VariableName:
			return a.variable(text)
		case wire.Destination:
			return a.destination(text)
		case wire.CommandType:
			text, _ = a.command(text, "")
			return text
		case wire.Parameters:
			_, text = a.command(x.Type, text)
			return text
		default:
			return a.words.text(text)
		}
	})
}
