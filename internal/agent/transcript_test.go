package agent_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/agent"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

var update = flag.Bool("update", false, "write what comes out into the transcripts; read it in review")

// TestTranscripts plays testdata/*.txt; its README says how to read them.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 40)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			played := play(t, string(text))
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(played), 0o600))
			}
			require.Equal(t, string(text), played)
		})
	}
}

// transcript is one that is being played.
type transcript struct {
	t        *testing.T
	agent    *agent.Agent
	readings map[string]*agent.Reading
	team     agent.TeamReading
	awaited  []awaited
	out      strings.Builder
	format   wire.Format
	believes bool
	withheld finesse.User
	doubts   bool // was said
}

// awaited is a command whose outcome has not shown.
type awaited struct {
	command string
	outcome agent.Outcome
}

// play gives the transcript with what its lines lead to.
func play(t *testing.T, text string) string {
	p := &transcript{t: t, readings: map[string]*agent.Reading{}, format: wire.Text, believes: true}
	p.agent = agent.New("1001", func(now finesse.User) bool {
		p.withheld = now
		if !p.believes {
			p.say("(the sign-out is withheld)")
		}
		return !p.believes
	})
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "    ") {
			continue // what it led to before
		}
		p.out.WriteString(line)
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			p.line(line)
			p.sayDoubts()
		}
	}
	return p.out.String()
}

// sayDoubts says once that what is known is to be read.
func (p *transcript) sayDoubts() {
	doubts := p.agent.InDoubt() || p.agent.DoubtsTeams()
	if doubts && !p.doubts {
		p.say("(in doubt)")
	}
	p.doubts = doubts
}

func (p *transcript) say(format string, args ...any) {
	fmt.Fprintf(&p.out, "    "+format+"\n", args...)
}

// tell does as package session does with each change.
func (p *transcript) tell(changes []agent.Change) {
	for _, c := range changes {
		i := slices.IndexFunc(p.awaited, func(a awaited) bool { return a.outcome.ShowsIn(c) })
		switch {
		case c.Event == nil:
		case i >= 0:
			p.say("%s: %s", p.awaited[i].command, p.spell(c.Event))
			p.awaited = slices.Delete(p.awaited, i, i+1)
		case c.News:
			p.say("%s", p.spell(c.Event))
			if call, ok := c.Event.(gc.InboundCall); ok {
				for _, e := range wire.RowOf(call).Companions(p.format, call, "", "") {
					p.say("%s", p.spell(e))
				}
			}
		}
		if c.SignedOut {
			p.say("(signed out)")
		}
		if c.Leads {
			led := p.agent.Led()
			slices.Sort(led)
			p.say("(leads %v)", led)
		}
		if c.LeftOut != "" {
			p.say("(left out: %s)", c.LeftOut)
		}
	}
}

// spell is an event as its driver reads it, but for call variables without a value.
func (p *transcript) spell(e gc.Event) string {
	writer := wire.Writer{Location: time.UTC, Substitute: '_'}
	return noValue.ReplaceAllString(writer.Write(p.format, e).Body, "$1")
}

var noValue = regexp.MustCompile(`(?:\|callVariable[0-9]+=)+([|#]|$)`)

func (p *transcript) line(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "user":
		p.tell(p.agent.Notified(finesse.Update{Event: finesse.Put, User: p.user("1001", rest)}))
	case "POST", "PUT", "DELETE":
		p.tell(p.agent.Notified(finesse.Update{Event: finesse.Event(word), Dialogs: []finesse.Dialog{p.dialog(rest)}}))
	case "member":
		id, rest, _ := strings.Cut(rest, " ")
		login, rest, _ := strings.Cut(rest, " ")
		p.tell(p.agent.Notified(finesse.Update{Event: finesse.Put, Team: gc.TeamID(id), User: p.user(login, rest)}))
	case "await":
		command, outcome, _ := strings.Cut(rest, " = ")
		p.awaited = append(p.awaited, awaited{command, p.outcome(outcome)})
	case "team":
		p.ofTeam(strings.Fields(rest))
	default:
		p.ofReading(line)
	}
}

// ofReading plays what is done with what was read: "read" for short, where nothing
// is notified between the question and the answer.
func (p *transcript) ofReading(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	r := p.readings[rest]
	switch verb + map[bool]string{true: " it"}[r != nil] {
	case "ask":
		asked := p.agent.Ask()
		p.readings[rest] = &asked
	case "compare it":
		p.tell(p.agent.Compare(*r))
	case "attach it":
		*r = p.agent.Attach(p.agent.Latest(*r))
	case "begin it":
		p.tell(p.agent.Begin(*r))
	case "quietly it", "news it":
		changes, ok := p.agent.TakeBack(*r, verb == "news")
		p.tell(changes)
		if !ok {
			p.say("(to be read once more)")
		}
	case "format":
		p.format = wire.Format(rest)
	case "know":
		for _, e := range append(append([]gc.Event{p.agent.State()}, p.agent.Statuses()...), p.agent.Members()...) {
			p.say("%s", p.spell(e))
		}
	case "withhold":
		p.believes = false
	case "believe":
		p.believes = true
	case "undone":
		p.tell(p.agent.SignOut(p.withheld))
	case "barges":
		p.agent.BargesIn()
	case "waited":
		mark, waits := p.agent.Unclear()
		require.True(p.t, waits, "no call waits")
		p.tell(p.agent.Waited(mark))
	default:
		name, rest, _ := strings.Cut(line, " ")
		r, kind := p.readings[name], ""
		require.NotNil(p.t, r, "no line begins so: %s", line)
		if kind, rest, _ = strings.Cut(rest, " "); kind == "user" {
			r.User = *p.user("1001", rest)
		} else {
			require.Equal(p.t, "call", kind, line)
			r.Dialogs = append(r.Dialogs, p.dialog(rest))
		}
	}
}

// ofTeam: "1", "1 changes", "1 quiet", "1 is 1002 READY, 1003 LOGOUT", "1 fails", "1 again",
// "1 compare 1002 READY", "leave".
func (p *transcript) ofTeam(words []string) {
	var users []gc.TeamUser
	if len(words) > 2 {
		for _, one := range strings.Split(strings.Join(words[2:], " "), ", ") {
			login, rest, _ := strings.Cut(one, " ")
			u := p.user(login, rest)
			users = append(users, gc.TeamUser{LoginID: u.LoginID, FirstName: u.FirstName, LastName: u.LastName, State: u.State, Pending: u.PendingState, Changed: u.StateChangeTime, Extension: u.Extension})
		}
	}
	id, verb := gc.TeamID(words[0]), ""
	if len(words) > 1 {
		verb = words[1]
	}
	switch {
	case words[0] == "leave":
		p.agent.LeaveTeams()
	case verb == "":
		p.team = p.agent.AskTeam(id, gc.TeamEventsAsBefore)
	case verb == "changes":
		p.team = p.agent.AskTeam(id, gc.TeamEventsOn)
	case verb == "quiet":
		p.team = p.agent.AskTeam(id, gc.TeamEventsOff)
	case verb == "is":
		p.tell(p.agent.TeamRead(p.team, users))
		for _, u := range users {
			p.say("(listed: %s %s)", u.LoginID, u.State)
		}
	case verb == "fails":
		p.tell(p.agent.TeamUnread(p.team))
	case verb == "again":
		p.team = p.agent.AskTeamAgain(id)
	case verb == "compare":
		p.tell(p.agent.CompareTeam(p.team, users))
	default:
		require.Fail(p.t, "no line of a team", words)
	}
}

// user: "READY pending=NOT_READY reason=5 at=10:00:05 ext=2001 name=Ann_Smith".
func (p *transcript) user(login, text string) *finesse.User {
	state, rest, _ := strings.Cut(text, " ")
	u := &finesse.User{LoginID: gc.AgentID(login), State: gc.UserState(strings.TrimPrefix(state, "-"))}
	for name, value := range p.pairs(rest) {
		switch name {
		case "pending":
			u.PendingState = gc.UserState(value)
		case "reason":
			u.ReasonCodeID = gc.ReasonCodeID(value)
		case "at":
			u.StateChangeTime = p.time(value)
		case "ext":
			u.Extension = gc.Extension(value)
		case "name":
			u.FirstName, u.LastName, _ = strings.Cut(value, "_")
		case "login":
			u.LoginID = gc.AgentID(value)
		default:
			require.Fail(p.t, "no user has a "+name)
		}
	}
	return u
}

// dialog: "55 type=OTHER_IN from=4085551234 to=2001 callVariable1=x: 2001 ALERTING at=10:00:05, 4085551234 INITIATED".
func (p *transcript) dialog(text string) finesse.Dialog {
	head, parties, _ := strings.Cut(text, ": ")
	id, rest, _ := strings.Cut(strings.TrimSuffix(head, ":"), " ")
	d := finesse.Dialog{ID: gc.DialogID(id), State: gc.Active}
	for name, value := range p.pairs(rest) {
		switch name {
		case "type":
			d.CallType = value
		case "from":
			d.FromAddress = value
		case "to":
			d.ToAddress = value
		case "about":
			d.AssociatedDialog = gc.DialogID(value)
		case "joined":
			d.SecondaryID = gc.DialogID(value)
		case "callback":
			d.CallbackNumber = value
		default:
			d.Variables = append(d.Variables, gc.CallVariable{Name: name, Value: value})
		}
	}
	for _, one := range strings.Split(parties, ", ") {
		if words := strings.SplitN(one, " ", 3); len(words) > 1 {
			party := finesse.Participant{MediaAddress: words[0], State: gc.CallState(words[1])}
			for name, value := range p.pairs(strings.Join(words[2:], " ")) {
				switch name {
				case "at":
					party.StateChangeTime = p.time(value)
				case "since":
					party.StartTime = p.time(value)
				case "cause":
					party.StateCause = value
				case "can":
					party.Actions = strings.Split(value, "/")
				default:
					require.Fail(p.t, "no party has a "+name)
				}
			}
			d.Participants = append(d.Participants, party)
		}
	}
	return d
}

func (p *transcript) outcome(text string) agent.Outcome {
	words := append(strings.Fields(text), "", "", "")
	dialog := gc.DialogID(words[1])
	switch words[0] {
	case "state":
		return agent.InState(gc.UserState(words[1]), gc.ReasonCodeID(words[2]))
	case "not":
		return agent.NotInState(gc.UserState(words[1]))
	case "sign-in":
		return agent.SignedInAt(gc.Extension(words[1]))
	case "new":
		return p.agent.NewCall()
	case "consultation":
		return p.agent.NewConsultation(dialog)
	case "barge":
		return agent.BargedIn(dialog)
	case "variable":
		name, value, _ := strings.Cut(words[2], "=")
		return agent.CallWith(dialog, gc.CallVariable{Name: name, Value: value})
	case "without":
		return agent.CallWithout(dialog, gc.Extension(words[2]))
	case "call":
		var states []gc.CallState
		for _, w := range words[2 : len(words)-3] {
			states = append(states, gc.CallState(w))
		}
		return agent.CallIn(dialog, states...)
	}
	require.Fail(p.t, "no command has the outcome "+text)
	return agent.Outcome{}
}

// pairs are the name=value of a line, in their order.
func (p *transcript) pairs(text string) func(func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		for _, word := range strings.Fields(text) {
			name, value, ok := strings.Cut(word, "=")
			require.True(p.t, ok, "%s is no name=value", word)
			if !yield(name, value) {
				return
			}
		}
	}
}

func (p *transcript) time(clock string) time.Time {
	at, err := time.Parse("15:04:05", cmp.Or(clock, "00:00:00"))
	require.NoError(p.t, err)
	return at.AddDate(2022, 2, 0)
}
