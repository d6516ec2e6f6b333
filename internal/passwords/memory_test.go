package passwords

import (
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/rate"
)

// proves has an agent's password put to a Finesse that answers err.
func proves(g *Guard, agent, password string, err error) error {
	d := g.digest(gc.NewSecret(password))
	a, refusal := g.begin(gc.AgentID(agent), agent, d, ofPasswords, g.lineOf(g.find(agent), d))
	if refusal != nil {
		return refusal
	}
	g.end(a, err, 1)
	return err
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	wrong := gc.Errorf(gc.SubscriptionFailed, "finesse", "%w", finesse.ErrPasswordRefused)
	t.Run("strangers are forgotten once their refusals do not count any more", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g, most := New(Options{}), 0
			for i := range 20 * 60 {
				for j := range 40 {
					_ = proves(g, fmt.Sprint(i, "-", j), "wrong", wrong)
				}
				most = max(most, len(g.accounts))
				<-time.After(time.Second)
			}
			require.Less(t, most, maxStrangers)
			<-time.After(2 * window)
			require.NoError(t, proves(g, "ann", "right", nil))
			require.Len(t, g.accounts, 1)
		})
	})
	t.Run("of those who did nothing wrong nothing is", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := New(Options{})
			for i := range 1000 {
				_ = proves(g, strconv.Itoa(i), "right", gc.Errorf(gc.FinesseUnavailable, "finesse", "503"))
			}
			require.Empty(t, g.accounts)
		})
	})
	t.Run("no refusal that counts is forgotten to make room: the new one is not tried", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := New(Options{})
			for i := range maxStrangers {
				g.crowd = rate.Limit{Most: crowdBurst, Rate: crowdRate}
				_ = proves(g, strconv.Itoa(i), "wrong", wrong)
			}
			g.crowd = rate.Limit{Most: crowdBurst, Rate: crowdRate}
			require.Equal(t, gc.PleaseRetry, gc.CodeOf(proves(g, "ann", "right", nil)))
			require.Len(t, g.accounts, maxStrangers)
		})
	})
	t.Run("who has proved a password stays, unless there are too many of those", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := New(Options{})
			require.NoError(t, proves(g, "ann", "right", nil))
			for i := range 2 * maxKnown {
				require.NoError(t, proves(g, strconv.Itoa(i), "right", nil))
				if i%1000 == 0 {
					require.NoError(t, proves(g, "ann", "right", nil))
				}
			}
			require.Len(t, g.accounts, maxKnown)
			require.Contains(t, g.accounts, "ann")
		})
	})
	t.Run("so is what is remembered of one agent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := New(Options{})
			for i := range 1000 {
				_ = proves(g, "ann", strconv.Itoa(i), []error{nil, wrong}[i%2])
				<-time.After(time.Minute)
			}
			a := &g.accounts["ann"].Value.(*entry).account
			require.LessOrEqual(t, len(a.worked), maxWorked)
			require.LessOrEqual(t, len(a.refused), maxRefused)
			require.LessOrEqual(t, len(a.spent), budget)
		})
	})
	t.Run("so are the names of one agent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := New(Options{})
			for i := range 100 {
				asked := fmt.Sprint("asked", i)
				require.NoError(t, proves(g, asked, "right", nil))
				g.learn(gc.AgentID(asked), finesse.User{LoginID: "1001", LoginName: fmt.Sprint("ann", i)})
				require.Len(t, g.accounts, 3)
				require.Equal(t, 1, g.known.Len())
			}
			g.remove(g.known, g.known.Front())
			require.Empty(t, g.accounts)
		})
	})
}
