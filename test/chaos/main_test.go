// Package chaos breaks a running connector: every connection once for an agent
// in each state (TestMatrix), all at random for a while (TestChaos), and the
// broker, the connector and Finesse's nodes by killing them (TestKills). It
// asks afterwards whether the connector kept its promises: every command is
// answered, what must not run twice did not, no state was told in another
// order than it came about, what the driver knows is true, and nothing is left
// running. A third of the agents of the last two have access tokens, which expire.
//
// But in TestKills the driver's own connection to the broker is never broken, so
// what was said to it was heard. What is left to chance follows from a seed,
// which is printed: with -chaos.seed the same faults happen to the same
// connections in the same order for as long, and the agents draw from the same
// numbers. What the connector does meanwhile can still differ from run to run.
package chaos

import (
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

var (
	seed     = flag.Uint64("chaos.seed", 0, "what is left to chance follows from it; 0 takes a new one")
	duration = flag.Duration("chaos.duration", time.Minute, "how long things break")
)

// patience is for everything that comes about once nothing breaks any more:
// longer than the connector's longest pause between attempts (30 s), its wait
// for Finesse (15 s) and its time-outs together.
const patience = 2 * time.Minute

// atOnce is how many tests run at once, unless -parallel says otherwise: they
// wait more than they work, so more than there are cores.
const atOnce = "6"

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set(atOnce) // a number
	}
	goleak.VerifyTestMain(m)
}

// eventually polls from the test's own goroutine: for what nothing announces.
func eventually(t *testing.T, condition func() bool, why func() string) {
	t.Helper()
	poll, late := time.NewTicker(5*time.Millisecond), time.NewTimer(patience)
	defer poll.Stop()
	defer late.Stop()
	for !condition() {
		select {
		case <-poll.C:
		case <-late.C:
			require.FailNow(t, "it did not come about", why())
		}
	}
}
