package simulator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// verb is what a step can be. Its syntax is for people and for the parser: words in
// small letters stand as they are, those in capitals are of a kind below, what is
// in brackets may be left out, "…" may be given again.
type verb struct {
	syntax string
	help   string
	do     func(*player, context.Context, args) error

	name  string
	parts []part
}

// castVerb names who plays; it is no step.
const castVerb = "agents"

// verbs are all there are, in the order of the documentation.
var verbs = compile([]verb{
	{syntax: "agents AGENT…", help: "who plays; others can be named when the script is run, in this order"},
	{syntax: "say TEXT…", help: "shows a text to whoever runs the script", do: (*player).say},
	{syntax: "wait AGENT CONDITION [within DURATION]", help: "until the agent, or a call of the agent's, is in a state, or a call is of a type; idle: until there is no call; 30 s unless within says otherwise", do: (*player).wait},
	{syntax: "pause DURATION", help: "lets time pass", do: (*player).pause},

	{syntax: "call AGENT from CALLER [to NUMBER] [with VARIABLE…]", help: "an inbound call is routed to a READY agent; from withheld: without a number", do: (*player).call},
	{syntax: "hangup [AGENT]", help: "the outside party hangs up: of the agent's call, or of the last one the script placed", do: (*player).hangup},
	{syntax: "preview AGENT customer NUMBER [campaign NAME] [account NAME] [name TEXT] [with VARIABLE…]", help: "a campaign asks a READY agent whether to call a customer", do: campaignIn(Preview)},
	{syntax: "predictive AGENT customer NUMBER [campaign NAME] [account NAME] [name TEXT] [with VARIABLE…]", help: "a campaign gives a READY agent a customer who has answered", do: campaignIn(Predictive)},
	{syntax: "progressive AGENT customer NUMBER [campaign NAME] [account NAME] [name TEXT] [with VARIABLE…]", help: "the same with another BAStatus", do: campaignIn(Progressive)},
	{syntax: "queue NAME calls COUNT", help: "that many calls wait in the queue", do: (*player).queue},
	{syntax: "contact BOOK number NUMBER [first TEXT] [last TEXT] [description TEXT]", help: "the phone book gets another contact", do: (*player).contact},
	{syntax: "wrap-up MODE", help: "what follows inbound calls from now on: NOT_ALLOWED, OPTIONAL or REQUIRED", do: (*player).wrapUp},

	{syntax: "sign-in AGENT [at EXTENSION]", help: "unless the agent is signed in; at a free extension unless one is named", do: (*player).signIn},
	{syntax: "sign-out AGENT", help: "of a NOT_READY agent", do: (*player).signOut},
	{syntax: "state AGENT STATE", help: "the agent asks for READY, NOT_READY, WORK or WORK_READY, unless it is so", do: (*player).state},
	{syntax: "dial AGENT to NUMBER", help: "the agent makes a call", do: (*player).dial},
	{syntax: "answer AGENT", help: "the agent takes the call that rings", do: act(answer)},
	{syntax: "hold AGENT", help: "the agent holds the active call", do: act(hold)},
	{syntax: "retrieve AGENT", help: "the agent takes the held call back", do: act(retrieve)},
	{syntax: "drop AGENT", help: "the agent ends the call, the active one if there are several", do: act(drop)},
	{syntax: "consult AGENT to NUMBER", help: "the agent holds the call and calls somebody about it", do: act(consultCall)},
	{syntax: "transfer AGENT", help: "the agent joins the held call and the consultation, and leaves", do: act(transfer)},
	{syntax: "conference AGENT", help: "the agent joins the held call and the consultation, and stays", do: act(conference)},
	{syntax: "hand-over AGENT to NUMBER", help: "the agent transfers the call in a single step", do: act(transferSST)},
	{syntax: "data AGENT VARIABLE…", help: "the agent changes call variables", do: (*player).data},
	{syntax: "reason AGENT TEXT…", help: "the agent gives a wrap-up reason", do: (*player).reason},
	{syntax: "accept AGENT", help: "the agent has the customer of the preview called", do: act(acceptPreview)},
	{syntax: "reject AGENT", help: "the agent skips the customer of the preview", do: act(rejectPreview)},
	{syntax: "close AGENT", help: "the agent skips the customer of the preview for good", do: act(closePreview)},

	{syntax: "force SUPERVISOR AGENT FORCED", help: "the supervisor makes a member of the team READY, NOT_READY or LOGOUT", do: (*player).force},
	{syntax: "monitor SUPERVISOR AGENT", help: "the supervisor listens to the agent's call; drop SUPERVISOR ends it", do: (*player).monitor},
	{syntax: "barge SUPERVISOR", help: "the supervisor breaks into the call that is listened to", do: (*player).barge},
	{syntax: "drop-participant SUPERVISOR AGENT", help: "the supervisor takes the agent out of the conference", do: (*player).dropParticipant},

	{syntax: "status STATUS", help: "Finesse goes IN_SERVICE or OUT_OF_SERVICE", do: (*player).status},
	{syntax: "node NODE stop", help: "the node is switched off: connections are cut, nobody listens", do: (*player).stopNode},
	{syntax: "node NODE start", help: "the node is there again, at the same addresses", do: (*player).startNode},
	{syntax: "node NODE status STATUS", help: "the node alone goes IN_SERVICE or OUT_OF_SERVICE", do: (*player).nodeStatus},
	{syntax: "clock back DURATION", help: "the clock of Finesse is set back", do: (*player).clockBack},
	{syntax: "drop-event AGENT [times TIMES]", help: "the agent's next notifications are lost", do: (*player).dropEvent},
	{syntax: "fault KIND [of AGENT] [times TIMES] [delay DURATION] [at NODE]", help: "something goes wrong, at node a unless another is named; see the faults below", do: (*player).fault},
	{syntax: "refuse AGENT REQUEST [times TIMES] [status CODE] [id ID] with TYPE MESSAGE [DATA]", help: "the agent's next request for the state or action is refused: by a notification, with id none one that does not name the request, or with a status at once", do: (*player).refuse},
	{syntax: "stray-error AGENT about SOURCE with TYPE MESSAGE [DATA]", help: "the agent is notified of an error of something else, without the id of a request: of a chat, another dialog", do: (*player).strayError},
	{syntax: "heal", help: "takes waiting faults and refusals back", do: (*player).heal},
})

// part is a word of a syntax.
type part struct {
	word     string
	kind     string // "" for a word that stands as it is
	key      string // of the arguments: the word in front, else the kind in small letters
	many     bool
	optional []part // a group; the other fields are empty
}

// compile reads the syntax of each verb.
func compile(list []verb) []verb {
	for i := range list {
		v := &list[i]
		words := strings.Fields(strings.NewReplacer("[", "[ ", "]", " ]").Replace(v.syntax))
		v.name = words[0]
		v.parts, _ = compileParts(words[1:])
	}
	return list
}

// compileParts reads up to the end of a group and returns what is left.
func compileParts(words []string) (parts []part, rest []string) {
	key := ""
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		bare := strings.TrimSuffix(word, "…")
		switch {
		case word == "]":
			return parts, words
		case word == "[":
			var group part
			group.optional, words = compileParts(words)
			parts, key = append(parts, group), ""
		case kinds[bare] != nil:
			parts = append(parts, part{kind: bare, key: cmp.Or(key, strings.ToLower(bare)), many: bare != word})
			key = ""
		default:
			parts, key = append(parts, part{word: word}), word
		}
	}
	return parts, nil
}

// findVerbs finds those of a name, which differ in what follows it.
func findVerbs(name string) []*verb {
	var found []*verb
	for i := range verbs {
		if verbs[i].name == name {
			found = append(found, &verbs[i])
		}
	}
	return found
}

func verbNames() string {
	var names []string
	for _, v := range verbs {
		names = append(names, v.name)
	}
	return strings.Join(slices.Compact(names), ", ")
}

// matchOne finds the verb whose syntax the words follow. The error is about
// the last one.
func matchOne(candidates []*verb, words []string) (*verb, args, error) {
	var syntaxes []string
	var err error
	for _, v := range candidates {
		var a args
		if a, err = v.match(words); err == nil {
			return v, a, nil
		}
		syntaxes = append(syntaxes, v.syntax)
	}
	return nil, nil, fmt.Errorf("%w; accepted is: %s", err, strings.Join(syntaxes, ", or "))
}

// args are the words of a step that its syntax has in capitals, by key. They
// have been checked.
type args map[string][]string

func (a args) text(key string) string { return strings.Join(a[key], " ") }

func (v *verb) match(words []string) (args, error) {
	a := args{}
	rest, err := a.take(v.parts, words)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%q is too much", rest[0])
	}
	return a, err
}

func (a args) take(parts []part, words []string) ([]string, error) {
	var err error
	for _, p := range parts {
		switch {
		case p.optional != nil:
			if len(words) > 0 && p.begins(words[0]) {
				words, err = a.take(p.optional, words)
			}
		case p.kind != "":
			words, err = a.takeKind(p, words)
		case len(words) == 0:
			err = fmt.Errorf("%q is missing", p.word)
		case words[0] != p.word:
			err = fmt.Errorf("%q stands where %q is expected", words[0], p.word)
		default:
			words = words[1:]
		}
		if err != nil {
			return nil, err
		}
	}
	return words, nil
}

// begins reports whether a group is there: its first word is, or anything
// where it begins with a kind.
func (p *part) begins(word string) bool {
	return p.optional[0].kind != "" || p.optional[0].word == word
}

func (a args) takeKind(p part, words []string) ([]string, error) {
	for {
		if len(words) == 0 {
			return nil, fmt.Errorf("%s is missing", p.kind)
		}
		n := 1
		if p.kind == "NUMBER" && words[0] == "agent" && len(words) > 1 {
			n = 2
		}
		value := strings.Join(words[:n], " ")
		if err := kinds[p.kind](value); err != nil {
			return nil, fmt.Errorf("%s %q: %w", p.kind, value, err)
		}
		a[p.key] = append(a[p.key], value)
		if words = words[n:]; !p.many || len(words) == 0 {
			return words, nil
		}
	}
}

// Bounds of the time a step takes.
const (
	patience = 30 * time.Second // of wait, unless within says otherwise
	maxWait  = 10 * time.Minute
)

// kinds check the words that a syntax has in capitals.
var kinds = map[string]func(string) error{
	"AGENT":      checkAgent,
	"SUPERVISOR": checkAgent,
	"EXTENSION": func(s string) error {
		_, err := gc.ParseExtension(s)
		return err
	},
	"NUMBER": func(s string) error {
		if id, ok := strings.CutPrefix(s, "agent "); ok {
			return checkAgent(id)
		}
		return checkNumber(s)
	},
	"CALLER": func(s string) error {
		if s == "withheld" {
			return nil
		}
		return checkNumber(s)
	},
	"VARIABLE": func(s string) error {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("is not of the form name=value")
		}
		return checkVariables([]gc.CallVariable{{Name: name, Value: value}})
	},
	"COUNT": func(s string) error { return checkBetween(s, 0, maxCallsInQueue) },
	"TIMES": func(s string) error { return checkBetween(s, 1, maxFaults) },
	"CODE":  func(s string) error { return checkBetween(s, 400, 599) },
	"DURATION": func(s string) error {
		if d, err := time.ParseDuration(s); err != nil || d <= 0 || d > maxWait {
			return fmt.Errorf("is not a time such as 500ms or 2s, of at most %s", maxWait)
		}
		return nil
	},
	"CONDITION": oneOf(conditions()...),
	"STATE":     oneOf("READY", "NOT_READY", "WORK", "WORK_READY"),
	"FORCED":    oneOf("READY", "NOT_READY", "LOGOUT"),
	"STATUS":    oneOf(string(gc.InService), string(gc.OutOfService)),
	"NODE":      oneOf(nodeA, nodeB),
	"MODE":      oneOf(string(WrapUpNotAllowed), string(WrapUpOptional), string(WrapUpRequired)),
	"KIND":      oneOf(plainFaults()...),
	"REQUEST":   oneOf(refusable()...),
	"ID":        oneOf("none"),
	"NAME":      anything, "BOOK": anything, "TEXT": anything, "TYPE": anything, "MESSAGE": anything, "DATA": anything, "SOURCE": anything,
}

func anything(string) error { return nil }

func checkAgent(s string) error {
	_, err := gc.ParseAgentID(s)
	return err
}

func checkNumber(s string) error {
	if !isDigits(strings.TrimPrefix(s, "+")) || len(s) > 64 {
		return errors.New("is not a number")
	}
	return nil
}

func checkBetween(s string, least, most int) error {
	if n, err := strconv.Atoi(s); err != nil || n < least || n > most {
		return fmt.Errorf("is not a number of %d to %d", least, most)
	}
	return nil
}

func oneOf(words ...string) func(string) error {
	return func(s string) error {
		if !slices.Contains(words, s) {
			return fmt.Errorf("is none of %s", strings.Join(words, ", "))
		}
		return nil
	}
}

// idle as a condition: the agent has no call.
const idle = "idle"

// conditions are the states of users and of their parts in calls, the types of
// calls as they see them, and idle.
func conditions() []string {
	var words []string
	for _, s := range []gc.UserState{
		gc.LoggedOut, gc.NotReady, gc.Ready, gc.Reserved, gc.ReservedOutbound, gc.ReservedPreview, gc.Talking, gc.Hold, gc.Work, gc.WorkReady,
	} {
		words = append(words, string(s))
	}
	for _, s := range []gc.CallState{gc.Initiating, gc.Initiated, gc.Alerting, gc.Active, gc.Held, gc.Failed, gc.WrapUp} {
		words = append(words, string(s))
	}
	return append(words, "PREROUTE_ACD_IN", "OTHER_IN", "AGENT_INSIDE", "OUT", "CONSULT", "CONSULT_OFFERED", "TRANSFER", "CONFERENCE",
		"SUPERVISOR_MONITOR", "BARGE_IN_CONSULT", "OUTBOUND_PREVIEW", "OUTBOUND", idle)
}

// plainFaults are those that need no error of choice.
func plainFaults() []string {
	var words []string
	for _, k := range faultKinds() {
		if k != RefuseRequest {
			words = append(words, string(k))
		}
	}
	return words
}
