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
// failed, ended, is held or is being wrapped up.
func inboundCallOld(t *textForm, e gc.InboundCall) string {
	switch e.State {
	case gc.Failed:
		return inboundCallText(t, e)
	case gc.Dropped, gc.Held, gc.WrapUp:
		return t.join(value(t, e.Agent), "InboundCall", stateOfOld(e.State), "DialogID:"+value(t, e.Dialog), value(t, e.FullName))
	default:
		return t.join(value(t, e.Agent), "InboundCall", value(t, e.State), value(t, e.FullName))
	}
}

func consultCallOld(t *textForm, e gc.ConsultCall) string {
	if e.State == gc.Failed {
		return consultCallText(t, e)
	}
	return t.join(value(t, e.Agent), "ConsultCall", stateOfOld(e.State), "AssDialogID:"+value(t, e.Dialog))
}

// stateOfOld calls the end "DROP".
func stateOfOld(s gc.CallState) string {
	if s == gc.Dropped {
		return "DROP"
	}
	return string(s)
}

// dialogStatusOld is the shorter of the two forms that the seed prints.
func dialogStatusOld(t *textForm, e gc.DialogStatus) string {
	associated, state := gc.DialogID(""), gc.CallState("")
	if a := e.Associated; a != nil {
		associated, state = a.Dialog, a.State
	}
	return t.join(value(t, e.Agent), "DialogStatus", value(t, e.Dialog), value(t, e.State), value(t, associated), value(t, state))
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
