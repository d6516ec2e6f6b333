package simulator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Run plays a script from its first step to its last. The agents given play
// those that the script names first, in that order. It blocks; every step has
// an end, and the end of ctx or of the simulator is that of the script. The
// error names the line and says what was the case instead.
//
// A step acts as the outside world, or as another client of Finesse acting for
// an agent, such as the agent's own phone.
func (s *Simulator) Run(ctx context.Context, script *Script, agents ...gc.AgentID) error {
	return s.play(ctx, script, agents, func(int, string) {})
}

// play reports each step before it is taken.
func (s *Simulator) play(ctx context.Context, script *Script, agents []gc.AgentID, tell func(line int, text string)) error {
	cast, err := script.cast(agents)
	if err != nil {
		return err
	}
	p := &player{s: s, b: s.board, cast: cast}
	for _, step := range script.steps {
		tell(step.line, step.text)
		if err := step.verb.do(p, ctx, step.args); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", script.Name, step.line, step.text, err)
		}
	}
	return nil
}

// player is one run of a script.
type player struct {
	s    *Simulator
	b    *switchboard
	cast map[gc.AgentID]gc.AgentID
	last gc.DialogID // the call that the script placed last
}

// user finds who plays the agent of a step.
func (p *player) user(a args, key string) (*user, error) { return p.played(gc.AgentID(a.text(key))) }

func (p *player) played(id gc.AgentID) (*user, error) {
	return p.b.findAgent(cmp.Or(p.cast[id], id))
}

// number is what a phone dials: that of an agent is where the agent is signed
// in.
func (p *player) number(a args, key string) (string, error) {
	id, ok := strings.CutPrefix(a.text(key), "agent ")
	if !ok {
		return a.text(key), nil
	}
	u, err := p.played(gc.AgentID(id))
	if err != nil {
		return "", err
	}
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	if !u.signedIn() {
		return "", fmt.Errorf("agent %s is not signed in", u.id)
	}
	return string(u.extension), nil
}

func (a args) count(key string) int {
	n, _ := strconv.Atoi(cmp.Or(a.text(key), "1"))
	return n
}

func (a args) duration(key string, otherwise time.Duration) time.Duration {
	if d, err := time.ParseDuration(a.text(key)); err == nil {
		return d
	}
	return otherwise
}

func (a args) variables(key string) map[string]string {
	variables := map[string]string{}
	for _, v := range a[key] {
		name, value, _ := strings.Cut(v, "=")
		variables[name] = value
	}
	return variables
}

// request has the switchboard do what a client of user asks for, behind what
// others ask for, and waits for the outcome.
func (p *player) request(ctx context.Context, object string, u *user, do func(origin)) error {
	outcome := make(chan error, 1)
	queued := p.b.queue(object, func() {
		var refused error
		do(origin{user: u, refused: func(e asyncErrorXML) {
			refused = fmt.Errorf("finesse refuses it: %s, %s, %s", e.Type, e.Message, e.Data)
		}})
		outcome <- refused
	})
	if !queued {
		return errors.New("too many requests wait for this object")
	}
	select {
	case err := <-outcome:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-p.b.life.done:
		return errClosed
	}
}

func (p *player) forUser(ctx context.Context, u *user, do func(origin)) error {
	return p.request(ctx, "user "+string(u.id), u, do)
}

// part finds the agent's part in a call that offers an action, the active one
// first.
func (p *player) part(u *user, a action) (*leg, error) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	var found *leg
	for _, l := range u.legs {
		if l.may(a) && (found == nil || l.state == gc.Active) {
			found = l
		}
	}
	if found == nil {
		return nil, fmt.Errorf("agent %s has no call that offers %s: %s", u.id, a, p.now(u))
	}
	return found, nil
}

// now says what an agent does; mu is held.
func (p *player) now(u *user) string {
	said := []string{"the agent is " + string(u.state)}
	for _, l := range u.legs {
		if !l.passive {
			said = append(said, fmt.Sprintf("call %s is %s %s", l.dialog.id, l.callType, l.state))
		}
	}
	return strings.Join(said, ", ")
}

// act is a verb that is an action on a call.
func act(a action) func(*player, context.Context, args) error {
	return func(p *player, ctx context.Context, words args) error {
		to, err := p.number(words, "to")
		if err != nil {
			return err
		}
		return p.act(ctx, words, "agent", request{action: a, to: to})
	}
}

func (p *player) act(ctx context.Context, words args, key string, r request) error {
	u, err := p.user(words, key)
	if err != nil {
		return err
	}
	l, err := p.part(u, r.action)
	if err != nil {
		return err
	}
	r.dialog = l.dialog
	return p.request(ctx, "dialog "+string(l.dialog.id), u, func(by origin) {
		r.by = by
		p.b.act(r)
	})
}

func (p *player) say(context.Context, args) error { return nil } // it was told

func (p *player) wait(ctx context.Context, a args) error {
	u, err := p.user(a, "agent")
	if err != nil {
		return err
	}
	limit := a.duration("within", patience)
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err = p.b.await(bounded, func() bool { return u.is(a.text("condition")) })
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		p.b.mu.Lock()
		defer p.b.mu.Unlock()
		return fmt.Errorf("not after %s: %s", limit, p.now(u))
	}
	return err
}

// is looks at a condition of a script; the switchboard's lock is held.
func (u *user) is(condition string) bool {
	if condition == idle {
		return u.reserved == nil && len(u.legs) == 0
	}
	return condition == string(u.state) || slices.ContainsFunc(u.legs, func(l *leg) bool {
		return !l.passive && (condition == string(l.state) || condition == l.callType)
	})
}

func (p *player) pause(ctx context.Context, a args) error {
	p.b.life.pause(ctx, a.duration("duration", 0))
	select {
	case <-p.b.life.done:
		return errClosed
	default:
		return ctx.Err()
	}
}

func (p *player) call(_ context.Context, a args) error {
	u, err := p.user(a, "agent")
	if err != nil {
		return err
	}
	to, err := p.number(a, "to")
	if err != nil {
		return err
	}
	c := Call{From: a.text("from"), To: to, Variables: a.variables("with")}
	if c.From == "withheld" {
		c.From = ""
	}
	p.last, err = p.s.Call(u.id, c)
	return err
}

func (p *player) hangup(_ context.Context, a args) error {
	if a.text("agent") == "" {
		return p.s.HangUp(p.last)
	}
	u, err := p.user(a, "agent")
	if err != nil {
		return err
	}
	p.b.mu.Lock()
	id := gc.DialogID("")
	for _, l := range u.legs {
		if !l.passive && (id == "" || l.state == gc.Active) {
			id = l.dialog.id
		}
	}
	p.b.mu.Unlock()
	return p.s.HangUp(id)
}

// campaignIn is a verb of a campaign.
func campaignIn(mode CampaignMode) func(*player, context.Context, args) error {
	return func(p *player, _ context.Context, a args) error { return p.campaign(a, mode) }
}

func (p *player) campaign(a args, mode CampaignMode) error {
	u, err := p.user(a, "agent")
	if err != nil {
		return err
	}
	customer, err := p.number(a, "customer")
	if err != nil {
		return err
	}
	p.last, err = p.s.Campaign(u.id, CampaignCall{
		Mode: mode, Customer: customer, Campaign: a.text("campaign"), Account: a.text("account"), Name: a.text("name"), Variables: a.variables("with"),
	})
	return err
}

func (p *player) queue(_ context.Context, a args) error {
	return p.s.QueueCalls(a.text("name"), a.count("calls"))
}

func (p *player) contact(_ context.Context, a args) error {
	number, err := p.number(a, "number")
	if err != nil {
		return err
	}
	return p.s.AddContact(a.text("book"), Contact{a.text("first"), a.text("last"), number, a.text("description")})
}

func (p *player) wrapUp(_ context.Context, a args) error {
	p.b.setWrapUp(WrapUp(a.text("mode")))
	return nil
}

func (p *player) signIn(ctx context.Context, a args) error {
	u, err := p.user(a, "agent")
	if err != nil {
		return err
	}
	return p.forUser(ctx, u, func(by origin) {
		if !u.signedIn() {
			p.b.signIn(by, gc.Extension(cmp.Or(a.text("at"), p.b.freeExtension())), nil)
		}
	})
}

func (p *player) signOut(ctx context.Context, a args) error {
	u, err := p.user(a, "agent")
	if err != nil {
		return err
	}
	return p.forUser(ctx, u, func(by origin) { p.b.changeState(by, stance{state: gc.LoggedOut}) })
}

func (p *player) state(ctx context.Context, a args) error {
	u, err := p.user(a, "agent")
	if err != nil {
		return err
	}
	to := gc.UserState(a.text("state"))
	return p.forUser(ctx, u, func(by origin) {
		if u.state != to || u.pending.state != "" {
			p.b.changeState(by, stance{state: to})
		}
	})
}

func (p *player) dial(ctx context.Context, a args) error {
	u, err := p.user(a, "agent")
	if err != nil {
		return err
	}
	to, err := p.number(a, "to")
	if err != nil {
		return err
	}
	return p.forUser(ctx, u, func(by origin) { p.b.dial(by, to, nil) })
}

func (p *player) data(ctx context.Context, a args) error {
	return p.act(ctx, a, "agent", request{action: updateCallData, variables: listed(a.variables("variable"))})
}

func (p *player) reason(ctx context.Context, a args) error {
	reason := a.text("text")
	if len(reason) > maxWrapUp {
		return fmt.Errorf("the reason is longer than %d bytes", maxWrapUp)
	}
	return p.act(ctx, a, "agent", request{action: updateCallData, wrapUp: &reason})
}

// two finds the supervisor and the agent of a step.
func (p *player) two(a args) (boss, agent *user, err error) {
	if boss, err = p.user(a, "supervisor"); err != nil {
		return nil, nil, err
	}
	if agent, err = p.user(a, "agent"); err != nil {
		return nil, nil, err
	}
	if !boss.leads(agent) {
		return nil, nil, fmt.Errorf("%s does not lead the team of agent %s", boss.id, agent.id)
	}
	return boss, agent, nil
}

func (p *player) force(ctx context.Context, a args) error {
	boss, agent, err := p.two(a)
	if err != nil {
		return err
	}
	return p.request(ctx, "user "+string(agent.id), boss, func(by origin) { p.b.supervise(by, agent, gc.UserState(a.text("forced"))) })
}

func (p *player) monitor(ctx context.Context, a args) error {
	boss, agent, err := p.two(a)
	if err != nil {
		return err
	}
	return p.forUser(ctx, boss, func(by origin) { p.b.listen(by, agent.extension) })
}

func (p *player) barge(ctx context.Context, a args) error {
	boss, err := p.user(a, "supervisor")
	if err != nil {
		return err
	}
	return p.forUser(ctx, boss, func(by origin) {
		id := gc.DialogID("") // of no call, which is refused
		if l := boss.talking(); l != nil {
			id = l.dialog.id
		}
		p.b.barge(by, id)
	})
}

func (p *player) dropParticipant(ctx context.Context, a args) error {
	_, agent, err := p.two(a)
	if err != nil {
		return err
	}
	p.b.mu.Lock()
	extension := string(agent.extension)
	p.b.mu.Unlock()
	return p.act(ctx, a, "supervisor", request{action: dropParty, to: extension})
}

func (p *player) status(_ context.Context, a args) error {
	p.s.SetStatus(gc.SystemStatus(a.text("status")))
	return nil
}

func (p *player) stopNode(_ context.Context, a args) error { return p.power(a, "stop") }

func (p *player) startNode(_ context.Context, a args) error { return p.power(a, "start") }

func (p *player) power(a args, order string) error {
	n, err := p.s.node(a.text("node"))
	if err != nil {
		return err
	}
	return n.power(order)
}

func (p *player) nodeStatus(_ context.Context, a args) error {
	n, err := p.s.node(a.text("node"))
	if err == nil {
		n.SetStatus(gc.SystemStatus(a.text("status")))
	}
	return err
}

func (p *player) clockBack(_ context.Context, a args) error {
	p.b.setBack.Add(int64(a.duration("back", 0)))
	return nil
}

func (p *player) dropEvent(_ context.Context, a args) error {
	return p.inject(a, "agent", Fault{Kind: DropEvent})
}

func (p *player) fault(_ context.Context, a args) error {
	return p.inject(a, "of", Fault{Kind: FaultKind(a.text("kind")), Delay: a.duration("delay", 0)})
}

func (p *player) refuse(_ context.Context, a args) error {
	f := Fault{Kind: RefuseRequest, Request: a.text("request"), Type: a.text("with"), Message: a.text("message"), Data: a.text("data")}
	if a.text("status") != "" {
		f.Status = a.count("status")
	}
	f.Anonymous = a.text("id") != ""
	return p.inject(a, "agent", f)
}

func (p *player) strayError(_ context.Context, a args) error {
	u, err := p.user(a, "agent")
	if err == nil {
		p.s.board.strayError(u, a.text("about"), asyncErrorXML{Type: a.text("with"), Message: a.text("message"), Data: a.text("data")})
	}
	return err
}

// inject fills in the agent, when there is one, and how often.
func (p *player) inject(a args, key string, f Fault) error {
	f.Count = a.count("times")
	if a.text(key) != "" {
		u, err := p.user(a, key)
		if err != nil {
			return err
		}
		f.Agent = u.id
	}
	if a.text("at") == "" {
		return p.s.Inject(f)
	}
	n, err := p.s.node(a.text("at"))
	if err != nil {
		return err
	}
	return n.Inject(f)
}

func (p *player) heal(context.Context, args) error {
	p.s.Heal()
	return nil
}

// setWrapUp is the administrator's doing. Users hear of it with their next
// update.
func (b *switchboard) setWrapUp(mode WrapUp) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrapUpMode = mode
	for u := range maps.Values(b.directory) {
		u.wrapUp = mode
	}
}

// freeExtension is one where nobody is signed in; mu is held.
func (b *switchboard) freeExtension() string {
	for n := 7001; n < 9999; n++ {
		if e := strconv.Itoa(n); b.atExtension(gc.Extension(e)) == nil {
			return e
		}
	}
	return "9999"
}
