package hostile

import "testing"

// attacks are what a stranger can do, in the order of the classes of harm: who
// stops everybody, who gets in, who hurts one by another.
var attacks = []struct {
	rule string
	play func(*testing.T, *site)
}{
	{"a message that breaks STOMP stops nobody", poison},
	{"messages of which the broker writes nothing hold up nobody", unseen},
	{"answers that nobody takes do not close the prefetch", unwantedAnswers},
	{"a forged reply-to makes no temporary destinations and asks for those of nobody within bounds", temporaryDestinations},
	{"a crowd while Finesse hangs holds up nobody", strangersThatHang}, // before the other spends all that a crowd may
	{"a crowd of strangers keeps nobody out", strangers},
	{"the connector does not talk to itself", loop},
	{"an answer of Finesse without end has an end", endlessAnswers},
	{"a wrong password binds no agent to a destination", hijack},
	{"nobody else chooses a driver's format", formatFlip},
	{"nobody locks an agent's account", lockOut},
	{"what lets one in in the wrong place disturbs nobody", mistaken},
	{"others' access tokens let nobody in and lock no account", othersTokens}, // after it new ones of the agents are kept waiting
	{"a flood of access tokens costs the driver nothing, and Finesse little", floodOfTokens},
	{"forged ids of messages swallow no command", forgedIDs},
	{"nobody writes a line of an answer's headers, for a client of STOMP 1.0 either", forgedLines},
	{"copies of a command that is still to be sent do not swallow it", foretold},
	{"no password is sent in clear unless the configuration says so", clearText},
	{"a password in the wrong place is not written down", writtenDown},
	{"one message silences no driver", silence},
	{"files of strangers are read within bounds", strangersFiles},
	{"no web site reaches the local page, and nobody keeps the probe out", localPage},
	{"random messages leave all as it was", randomMessages},
}

func TestHostile(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	s := newSite(t)
	s.unharmed(t)
	for _, a := range attacks {
		withstood := t.Run(a.rule, func(t *testing.T) {
			a.play(t, s)
			s.unharmed(t)
		})
		if !withstood {
			t.Log("the attacks after it were not tried: they would meet a site that is harmed already")
			return
		}
	}
}
