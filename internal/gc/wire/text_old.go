package wire

import (
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// The forms of text-old: the seed's "Old Format".

func stateOld(t *textForm, e gc.State) string {
	return t.join(value(t, e.Agent), "State", value(t, e.State), value(t, e.FullName))
}

// inboundCallOld names the dialog only where the seed says so: when the call
// failed, ended, is held or is being wrapped up. The end is "DROP" here.
func inboundCallOld(t *textForm, e gc.InboundCall) string {
	state := e.State
	switch state {
	case gc.Failed:
		return inboundCallText(t, e)
	case gc.Dropped:
		state = "DROP"
	case gc.Held, gc.WrapUp:
	default:
		return t.join(value(t, e.Agent), "InboundCall", value(t, state), value(t, e.FullName))
	}
	return t.join(value(t, e.Agent), "InboundCall", value(t, state), "DialogID:"+value(t, e.Dialog), value(t, e.FullName))
}

// newInboundCallOld lists the bare values of ani and the ten call variables.
// Others would have no place: their names can not be told.
func newInboundCallOld(t *textForm, e gc.NewInboundCall) string {
	values := []string{value(t, e.From)}
	for _, v := range allVariables(e.Variables)[:10] {
		values = append(values, value(t, v.Value))
	}
	return t.join(value(t, e.Agent), "NewInboundCall", value(t, e.From), strings.Join(values, ","), "DialogID:"+value(t, e.Dialog))
}
