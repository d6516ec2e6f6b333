package pulse

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const most = time.Minute

// watched asks every ten seconds, as a service manager does, and returns the
// first complaint within an hour.
func watched(p *Pulse) error {
	for range 360 {
		if err := p.Live(); err != nil {
			return err
		}
		<-time.After(10 * time.Second)
	}
	return nil
}

func TestOnlyALoopThatStandsStillIsDead(t *testing.T) {
	for rule, c := range map[string]struct {
		loop func(p *Pulse, end <-chan struct{})
		dead bool
	}{
		"one that has nothing to do is alive": {func(p *Pulse, end <-chan struct{}) {
			for {
				select {
				case <-p.Asked():
				case <-end:
					return
				}
			}
		}, false},
		"one that is slow is alive": {func(p *Pulse, end <-chan struct{}) {
			for {
				select {
				case <-time.After(most / 2):
				case <-end:
					return
				}
				<-p.Asked()
			}
		}, false},
		"one that comes round by itself is alive": {func(p *Pulse, end <-chan struct{}) {
			for {
				p.Answer()
				select {
				case <-time.After(most / 2):
				case <-end:
					return
				}
			}
		}, false},
		"one that does not come round is dead": {func(_ *Pulse, end <-chan struct{}) { <-end }, true},
		"one that stops coming round is dead": {func(p *Pulse, end <-chan struct{}) {
			for range 10 {
				<-p.Asked()
			}
			<-end
		}, true},
		"one that has ended is not": {func(p *Pulse, _ <-chan struct{}) { p.End() }, false},
		"one that waits for another's work is not": {func(p *Pulse, end <-chan struct{}) {
			<-time.After(most / 2)
			p.End()
			<-time.After(10 * most)
			p.Begin()
			for {
				select {
				case <-p.Asked():
				case <-end:
					return
				}
			}
		}, false},
	} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, end := New("the loop", most), make(chan struct{})
				defer close(end)
				require.NoError(t, p.Live(), "it has not begun")
				p.Begin()
				go c.loop(p, end)
				err := watched(p)
				if !c.dead {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, "the loop has stood still for 1m")
				require.ErrorContains(t, err, "restart the connector")
			})
		})
	}
}

// Asking all the time wakes the loop no more often.
func TestQuestionsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New("the loop", most)
		p.Begin()
		asked := 0
		for range 1000 {
			require.NoError(t, p.Live())
			select {
			case <-p.Asked():
				asked++
			case <-time.After(100 * time.Millisecond):
			}
		}
		require.InDelta(t, 20, asked, 2, "in 100 seconds")
	})
}

// A process that was suspended and goes on is not at fault.
func TestAProcessThatWasSuspendedIsAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New("the loop", most)
		p.Begin()
		require.NoError(t, p.Live())
		<-p.Asked()
		<-time.After(time.Hour)
		require.NoError(t, p.Live())
	})
}
