package wire

import "github.com/finesse-connector/finesse-connector/internal/gc"

// The forms of text-old: the seed's "Old Format".

func stateOld(t *textForm, e gc.State) {
	t.fields(string(e.Agent), "State", string(e.State), e.FullName)
}

// inboundCallOld names the dialog only where the seed says so: when the call
// failed, ended, is held or is being wrapped up.
func inboundCallOld(t *textForm, e gc.InboundCall) {
	if e.State == gc.Failed {
		inboundCallText(t, e)
		return
	}
	t.fields(string(e.Agent), "InboundCall", stateOfOld(e.State))
	switch e.State {
	case gc.Dropped, gc.Held, gc.WrapUp:
		t.labelled("DialogID", string(e.Dialog))
	}
	t.fields(e.FullName)
}

func consultCallOld(t *textForm, e gc.ConsultCall) {
	if e.State == gc.Failed {
		consultCallText(t, e)
		return
	}
	t.fields(string(e.Agent), "ConsultCall", stateOfOld(e.State))
	t.labelled("AssDialogID", string(e.Dialog))
}

// stateOfOld calls the end "DROP".
func stateOfOld(s gc.CallState) string {
	if s == gc.Dropped {
		return "DROP"
	}
	return string(s)
}

// dialogStatusOld is the shorter of the two forms that the seed prints.
func dialogStatusOld(t *textForm, e gc.DialogStatus) {
	t.fields(string(e.Agent), "DialogStatus", string(e.Dialog), string(e.State))
	if a := e.Associated; a != nil {
		t.fields(string(a.Dialog), string(a.State))
	} else {
		t.fields("", "")
	}
}

// newInboundCallOld lists the bare values of ani and the ten call variables.
// Others would have no place: their names cannot be told.
func newInboundCallOld(t *textForm, e gc.NewInboundCall) {
	t.fields(string(e.Agent), "NewInboundCall", e.From, e.ANI())
	for _, v := range firstTen(e.Variables) {
		t.raw(",")
		t.value(v)
	}
	t.labelled("DialogID", string(e.Dialog))
}
