package agent

import (
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Outcome is how the success of a command shows in a Change: Finesse answers a
// request long before it has done what it was asked for.
type Outcome struct {
	user func(finesse.User) bool // one of the two is set
	call func(gc.Call) bool
}

// ShowsIn reports whether c is the outcome.
func (o Outcome) ShowsIn(c Change) bool {
	return o.user != nil && c.User != nil && o.user(*c.User) || o.call != nil && c.Call != nil && o.call(*c.Call)
}

// ShownBy reports whether what is known of the agent is the outcome already. Then
// Finesse may notify nothing.
func (o Outcome) ShownBy(a *Agent) bool { return o.user != nil && o.user(a.user) }

// InState is the outcome of a command that asks for a state, which Finesse makes
// pending during a call. A reason of "" is any.
func InState(state gc.UserState, reason gc.ReasonCodeID) Outcome {
	return Outcome{user: func(u finesse.User) bool {
		return u.PendingState == state || u.State == state && (reason == "" || u.ReasonCodeID == reason)
	}}
}

// NotInState is the outcome of a command that asks for another state than that.
func NotInState(state gc.UserState) Outcome {
	return Outcome{user: func(u finesse.User) bool { return u.State != state }}
}

// SignedInAt is the outcome of a sign-in.
func SignedInAt(at gc.Extension) Outcome {
	return Outcome{user: func(u finesse.User) bool { return u.State != gc.LoggedOut && u.Extension == at }}
}

// NewCall is the outcome of a command that dials: a call that the agent makes and
// did not have before.
func (a *Agent) NewCall() Outcome {
	from := string(a.Extension())
	return a.other(func(c gc.Call) bool { return c.From == from })
}

// NewConsultation is the outcome of a command that consults somebody about a call.
func (a *Agent) NewConsultation(about gc.DialogID) Outcome {
	return a.other(func(c gc.Call) bool { return c.Previous == about })
}

// other is a call that the agent does not have yet.
func (a *Agent) other(is func(gc.Call) bool) Outcome {
	known := map[gc.DialogID]bool{}
	for id := range a.calls {
		known[id] = true
	}
	return Outcome{call: func(c gc.Call) bool { return !known[c.Dialog] && is(c) }}
}

// BargedIn is the outcome of breaking into the call that is listened to.
func BargedIn(listening gc.DialogID) Outcome {
	return Outcome{call: func(c gc.Call) bool {
		return c.Dialog != listening && c.Type != bargeInConsult && c.State == gc.Active
	}}
}

// CallIn is the outcome of a command that acts on a call: one of the states; with
// none of them, any change.
func CallIn(id gc.DialogID, states ...gc.CallState) Outcome {
	return Outcome{call: func(c gc.Call) bool {
		return c.Dialog == id && (len(states) == 0 || slices.Contains(states, c.State))
	}}
}

// CallWith is the outcome of setting a variable, whose name compares without case.
func CallWith(id gc.DialogID, v gc.CallVariable) Outcome {
	is := func(x gc.CallVariable) bool { return strings.EqualFold(x.Name, v.Name) && x.Value == v.Value }
	return Outcome{call: func(c gc.Call) bool { return c.Dialog == id && slices.ContainsFunc(c.Variables, is) }}
}

// CallWithout is the outcome of taking a party out of a conference.
func CallWithout(id gc.DialogID, party gc.Extension) Outcome {
	return Outcome{call: func(c gc.Call) bool { return c.Dialog == id && !slices.Contains(Remaining(c), string(party)) }}
}

// Remaining are the addresses of those who are still in a call.
func Remaining(c gc.Call) (parties []string) {
	for _, p := range c.Participants {
		if p.State != gc.Dropped {
			parties = append(parties, p.MediaAddress)
		}
	}
	return parties
}
