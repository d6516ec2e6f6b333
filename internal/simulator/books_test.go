package simulator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// TestRandomConversationsKeepTheBooks lets agents do whatever their
// participants' actions offer, and looks after each step whether calls and
// users still agree.
func TestRandomConversationsKeepTheBooks(t *testing.T) {
	for _, m := range []WrapUp{WrapUpNotAllowed, WrapUpOptional, WrapUpRequired} {
		t.Run(string(m), func(t *testing.T) {
			seed := rand.Uint64()
			s := start(t, func(o *Options) {
				o.WrapUp, o.WrapUpTimer, o.RingTimeout = m, time.Millisecond, time.Millisecond
			})
			p := &players{t: t, b: s.board, r: rand.New(rand.NewPCG(seed, seed)), users: slices.Clone(s.board.users[:5]), played: map[action]int{}}
			for _, id := range []string{"2001", "2002"} {
				p.users = append(p.users, s.board.directory[id])
			}
			for i, u := range p.users {
				p.under(func() { s.board.signIn(origin{user: u}, gc.Extension(fmt.Sprint(7001+i)), nil) })
			}
			for n := 0; n < 2500 || n < 50000 && !p.playedAll(); n++ {
				p.play(s)
				p.under(p.check)
				p.await()
				require.False(t, t.Failed(), "seed %d, last steps: %q", seed, p.steps[max(0, len(p.steps)-12):])
			}
			p.finish()
			require.True(t, p.playedAll(), p.played)
		})
	}
}

// playedAll: what is rarely offered was done, too.
func (p *players) playedAll() bool {
	for _, a := range []action{answer, transfer, conference, transferSST, acceptPreview, rejectPreview, dropParty, silentMonitor, bargeCall} {
		if p.played[a] == 0 {
			return false
		}
	}
	return true
}

// players are agents without a plan.
type players struct {
	t     *testing.T
	b     *switchboard
	r     *rand.Rand
	users []*user
	steps []string

	played map[action]int
}

func (p *players) under(f func()) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	f()
}

// await lets the next steps of calls happen.
func (p *players) await() {
	done := make(chan struct{})
	p.b.later(func() { close(done) })
	<-done
}

func (p *players) note(format string, args ...any) {
	p.steps = append(p.steps, fmt.Sprintf(format, args...))
}

func (p *players) number() string {
	return []string{"7001", "7002", "7003", "7004", "7005", "7006", "14085550000", "14085550001", "5550001", "5550005"}[p.r.IntN(10)]
}

// play is one step of somebody.
func (p *players) play(s *Simulator) {
	u := p.users[p.r.IntN(len(p.users))]
	switch p.r.IntN(40) {
	case 0, 1, 2, 3:
		_, err := s.Call(u.id, Call{From: []string{"4085551234", ""}[p.r.IntN(2)]})
		p.note("call %s %v", u.id, err)
	case 4, 5:
		p.under(func() {
			to := []gc.UserState{gc.Ready, gc.Ready, gc.NotReady, gc.Work, gc.WorkReady}[p.r.IntN(5)]
			p.note("%s %s", u.id, to)
			p.b.changeState(origin{user: u}, stance{state: to})
		})
	case 6:
		to := p.number()
		p.note("%s dials %s", u.id, to)
		p.under(func() { p.b.dial(origin{user: u}, to, nil) })
	case 7:
		var last int
		p.under(func() { last = p.b.nextID })
		id := gc.DialogID(fmt.Sprint(max(16870001, last-p.r.IntN(10))))
		p.note("hang up %s %v", id, s.HangUp(id))
	case 8, 9:
		mode := []CampaignMode{Preview, Preview, Predictive}[p.r.IntN(3)]
		_, err := s.Campaign(u.id, CampaignCall{Mode: mode, Customer: []string{"14085550002", "5550001"}[p.r.IntN(2)]})
		p.note("%s %s %v", mode, u.id, err)
	case 10, 11, 12, 13:
		p.under(p.listen)
	case 14:
		boss, to := p.supervisor(), []gc.UserState{gc.Ready, gc.NotReady, gc.LoggedOut}[p.r.IntN(3)]
		p.note("%s forces %s %s", boss.id, u.id, to)
		p.under(func() { p.b.supervise(origin{user: boss}, u, to) })
	case 15, 16:
		p.note("%s signs in", u.id)
		at := gc.Extension(fmt.Sprint(7001 + slices.Index(p.users, u)))
		p.under(func() { p.b.signIn(origin{user: u}, at, nil) })
	default:
		p.under(func() { p.act(u) })
	}
}

func (p *players) supervisor() *user { return p.users[len(p.users)-1-p.r.IntN(2)] }

// listen is a supervisor beginning to hear a call, or breaking into it.
func (p *players) listen() {
	boss := p.supervisor()
	if l := boss.talking(); l != nil && l.dialog.listensTo != nil {
		p.note("%s barges", boss.id)
		if p.b.barge(origin{user: boss}, l.dialog.id); boss.joining {
			p.played[bargeCall]++
		}
		return
	}
	if len(boss.legs) == 0 {
		p.b.changeState(origin{user: boss}, stance{state: gc.NotReady})
	}
	for _, u := range p.users {
		if u.talking() != nil && u != boss {
			p.note("%s listens to %s", boss.id, u.id)
			if p.b.listen(origin{user: boss}, u.extension); len(boss.legs) > 0 {
				p.played[silentMonitor]++
			}
			return
		}
	}
}

func (p *players) act(u *user) {
	if len(u.legs) == 0 {
		p.b.changeState(origin{user: u}, stance{state: gc.Ready})
		return
	}
	l := u.legs[p.r.IntN(len(u.legs))]
	offered := l.actions()
	if len(offered) == 0 {
		return
	}
	a := offered[p.r.IntN(len(offered))]
	switch last := offered[len(offered)-1]; {
	case last == conference && p.r.IntN(3) > 0: // rarely offered
		a = []action{transfer, conference}[p.r.IntN(2)]
	case last == dropParty && p.r.IntN(2) > 0:
		a = dropParty
	case a == updateCallData || a == sendDTMF || a == drop && len(offered) > 1 && p.r.IntN(4) > 0: // or nothing else happens
		return
	}
	to := p.number()
	p.note("%s %s %s %s", u.id, a, l.dialog.id, to)
	if a == dropParty {
		to = l.dialog.agents()[0].address
	}
	p.played[a]++
	p.b.act(request{by: origin{user: u}, dialog: l.dialog, action: a, to: to})
}

// check compares what users and calls say about each other.
func (p *players) check() {
	for _, u := range p.users {
		active := 0
		for _, l := range u.legs {
			if l.state == gc.Active && !l.passive {
				active++
			}
			if l.passive && !l.dialog.listensTo.talks() {
				p.t.Errorf("agent %s is listened to in call %s, which is over", u.id, l.dialog.listensTo.dialog.id)
			}
			if l.user != u || !slices.Contains(l.dialog.legs, l) || p.b.dialogs[l.dialog.id] != l.dialog || l.state == gc.Dropped {
				p.t.Errorf("agent %s has a part in call %s that is none", u.id, l.dialog.id)
			}
		}
		if active > 1 {
			p.t.Errorf("agent %s talks in %d calls", u.id, active)
		}
		if u.view() != u.announced || u.state != u.current() {
			p.t.Errorf("agent %s is %s, known as %s, and should be %s", u.id, u.state, u.announced.state, u.current())
		}
		if u.pending.state == gc.LoggedOut && !u.engaged() && len(u.legs) == 0 || !u.signedIn() && len(u.legs) > 0 {
			p.t.Errorf("agent %s is %s with %d calls, and to be signed out", u.id, u.state, len(u.legs))
		}
		if isWrapUp(u.base.state) || isWrapUp(u.state) && !slices.ContainsFunc(u.legs, func(l *leg) bool { return l.state == gc.WrapUp }) {
			p.t.Errorf("agent %s wraps nothing up", u.id)
		}
	}
	for id, d := range p.b.dialogs {
		if len(d.agents()) == 0 && !slices.ContainsFunc(p.users, func(u *user) bool { return u.reserved == d }) {
			p.t.Errorf("nobody has call %s", id)
		}
		for i, l := range d.legs {
			if l.user != nil && slices.ContainsFunc(d.legs[i+1:], func(other *leg) bool { return other.user == l.user }) {
				p.t.Errorf("agent %s takes part in call %s twice", l.user.id, id)
			}
		}
	}
}

// finish: whatever happened, everybody can get out of every call.
func (p *players) finish() {
	require.Eventually(p.t, func() bool {
		calls := 0
		p.under(func() {
			for _, u := range p.users {
				for _, l := range slices.Clone(u.legs) {
					for _, a := range []action{drop, rejectPreview} {
						if l.may(a) {
							p.b.act(request{by: origin{user: u}, dialog: l.dialog, action: a})
						}
					}
				}
			}
			p.check()
			calls = len(p.b.dialogs)
		})
		return calls == 0
	}, 5*time.Second, time.Millisecond)
}
