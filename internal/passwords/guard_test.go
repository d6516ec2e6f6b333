package passwords_test

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/passwords"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	errWrong  = gc.Errorf(gc.SubscriptionFailed, "finesse", "401: %w", finesse.ErrPasswordRefused)
	errLocked = gc.Errorf(gc.AccountLocked, "finesse", "401: %w", finesse.ErrPasswordRefused)
)

// fake is a Finesse where the password of every agent is right, behind a guard.
// Every scene runs in synctest's time.
type fake struct {
	*testing.T
	session.Node // nil: only User and Subscribe are asked
	guard        *passwords.Guard
	guarded      session.Node
	registry     *prometheus.Registry
	tried        []gc.AgentID // told by the guard

	mu      sync.Mutex
	right   string
	ids     map[string]string // login ids of login names
	err     error             // if set, what everybody is answered
	hold    chan struct{}     // if set, requests wait for it
	unsent  bool              // requests do not get as far as Finesse
	broken  bool              // each is sent twice, the first on a connection that breaks
	put     int               // requests
	refused []time.Time       // wrong passwords
	once    int               // requests that are not to be repeated
}

func scene(t *testing.T, play func(*fake)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{T: t, right: "right", registry: prometheus.NewRegistry()}
		f.guard = passwords.New(passwords.Options{Registerer: f.registry, Tried: f.hears})
		f.guarded = f.guard.Node(f)
		play(f)
	})
}

func (f *fake) hears(a gc.AgentID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tried = append(f.tried, a)
}

func (f *fake) User(ctx context.Context, c finesse.Credentials) (finesse.User, error) {
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && !f.unsent {
		trace.WroteHeaders()
		if f.broken {
			trace.WroteHeaders()
		}
	}
	f.mu.Lock()
	f.put++
	if c.Unproved {
		f.once++
	}
	hold := f.hold
	f.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return finesse.User{}, &gc.Error{Code: gc.NotReachable, Op: "finesse", Err: ctx.Err()}
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil && c.Password.Reveal() != f.right {
		f.refused = append(f.refused, time.Now())
		return finesse.User{}, errWrong
	}
	if f.err != nil {
		return finesse.User{}, f.err
	}
	name := string(c.Agent)
	if id, ok := f.ids[name]; ok {
		return finesse.User{LoginID: gc.AgentID(id), LoginName: name}, nil
	}
	for of, id := range f.ids {
		if id == name {
			return finesse.User{LoginID: c.Agent, LoginName: of}, nil
		}
	}
	return finesse.User{LoginID: c.Agent}, nil
}

func (f *fake) Subscribe(ctx context.Context, c finesse.Credentials) (session.Stream, error) {
	_, err := f.User(ctx, c)
	return nil, err
}

// tries gives a password and reports the code of the answer, "" for none.
func (f *fake) tries(agent, password string) gc.Code {
	_, err := f.guarded.User(f.Context(), finesse.Credentials{Agent: gc.AgentID(agent), Password: gc.NewSecret(password)})
	if err == nil {
		return ""
	}
	return gc.CodeOf(err)
}

// all has n clients try at once.
func (f *fake) all(n int, try func(i int)) (wait func()) {
	var clients sync.WaitGroup
	for i := range n {
		clients.Go(func() { try(i) })
	}
	synctest.Wait()
	return clients.Wait
}

func pass(d time.Duration) { <-time.After(d) }

// atMost requires that no window has more refusals than budget.
func (f *fake) atMost(budget int) {
	f.Helper()
	for i := range f.refused {
		if i+budget < len(f.refused) {
			require.GreaterOrEqual(f, f.refused[i+budget].Sub(f.refused[i]), 5*time.Minute, "refusals %d to %d", i, i+budget)
		}
	}
}

func TestAnAccountIsNotLocked(t *testing.T) {
	t.Run("by different wrong passwords, whatever the spelling of the id", func(t *testing.T) {
		scene(t, func(f *fake) {
			spellings := []string{"ann", "Ann", "ANN", "ａｎｎ", "ＡＮＮ"}
			for i := range 40 {
				f.tries(spellings[i%len(spellings)], fmt.Sprint("wrong ", i))
			}
			require.Len(t, f.refused, 2)
			require.Equal(t, gc.SubscriptionFailed, f.tries("ann", "right"), "it may be wrong as well")
			require.Len(t, f.tried, 1, "the operator is told once")
		})
	})
	t.Run("nor by those of an id that is a number", func(t *testing.T) {
		scene(t, func(f *fake) {
			spellings := []string{"1001", "01001", "+1001", "0000000000001001", "+01001", "¹001", "①001"}
			for i := range 40 {
				f.tries(spellings[i%len(spellings)], fmt.Sprint("wrong ", i))
			}
			require.Len(t, f.refused, 2)
			f.tries("0x1001", "wrong")
			f.tries("+ann", "wrong")
			f.tries("ann", "wrong")
			f.tries("0", "wrong")
			require.Len(t, f.refused, 6, "others have their own")
		})
	})
	t.Run("by many at once, of which nobody knows yet that they are wrong", func(t *testing.T) {
		scene(t, func(f *fake) {
			f.hold = make(chan struct{})
			wait := f.all(10, func(i int) { f.tries([]string{"ann", "ANN"}[i%2], fmt.Sprint("wrong ", i)) })
			require.Equal(t, 2, f.put)
			require.Empty(t, f.tried, "they may be right")
			close(f.hold)
			wait()
			require.Len(t, f.refused, 2)
			for range 3 {
				f.tries("ann", "another")
			}
			require.Len(t, f.refused, 2)
			require.Len(t, f.tried, 1, "the operator is told once")
		})
	})
	t.Run("by one after the other for an hour", func(t *testing.T) {
		scene(t, func(f *fake) {
			for i := range 3600 {
				f.tries("ann", fmt.Sprint("wrong ", i%50))
				pass(time.Second)
			}
			require.Greater(t, len(f.refused), 20, "each window has its own")
			f.atMost(2)
		})
	})
	t.Run("by passwords whose answer never came", func(t *testing.T) {
		scene(t, func(f *fake) {
			f.err = gc.Errorf(gc.NotReachable, "finesse", "time-out")
			for i := range 10 {
				f.tries("ann", fmt.Sprint("wrong ", i))
			}
			require.Equal(t, 2, f.put)
			require.Equal(t, 2, f.once, "nor are they repeated")
		})
	})
	t.Run("by those that were sent twice, because a connection broke", func(t *testing.T) {
		scene(t, func(f *fake) {
			f.broken = true
			for i := range 10 {
				f.tries("ann", fmt.Sprint("wrong ", i))
			}
			require.Len(t, f.refused, 1)
		})
	})
	t.Run("under an agent who works, whose password is changed while it is used", func(t *testing.T) {
		scene(t, func(f *fake) {
			require.Empty(t, f.tries("ann", "right"))
			f.hold = make(chan struct{})
			wait := f.all(10, func(int) { f.tries("ann", "right") })
			strangers := f.all(10, func(i int) { f.tries("ann", fmt.Sprint("wrong ", i)) })
			f.mu.Lock()
			f.right = "new"
			f.mu.Unlock()
			close(f.hold)
			wait()
			strangers()
			require.Len(t, f.refused, 4)
			pass(5 * time.Minute)
			require.Empty(t, f.tries("ann", "new"))
		})
	})
}

// Uses of a password that was changed are counted while they are on their way,
// also once the first of them was refused.
func TestWhatIsOnItsWayIsCounted(t *testing.T) {
	scene(t, func(f *fake) {
		require.Empty(t, f.tries("ann", "right"))
		f.tries("ann", "wrong")
		hold := make(chan struct{})
		f.hold, f.right = hold, "new"
		wait := f.all(3, func(int) { f.tries("ann", "right") })
		f.mu.Lock()
		f.hold = nil // for those who come now
		f.mu.Unlock()
		hold <- struct{}{} // the first is refused
		synctest.Wait()
		for i := range 6 {
			f.tries("ann", fmt.Sprint("wrong ", i))
		}
		close(hold)
		wait()
		require.Len(t, f.refused, 4)
	})
}

// Others are refused until nobody would remember that the one that worked is.
func TestAPasswordThatWorkedIsNotTrustedAgain(t *testing.T) {
	scene(t, func(f *fake) {
		require.Empty(t, f.tries("ann", "right"))
		f.right = "new"
		for i := range 200 { // the driver goes on with it, and a stranger tries whatever may be tried
			for k := range 5 {
				f.tries("ann", fmt.Sprint("wrong ", i, " ", k))
			}
			for range 3 {
				f.tries("ann", "right")
			}
			pass(10 * time.Second)
		}
		require.Greater(t, len(f.refused), 20)
		f.atMost(4)
	})
}

func TestTheAnswerToARefusedPasswordIsRemembered(t *testing.T) {
	for rule, x := range map[string]struct {
		known  bool
		pauses []time.Duration // in seconds
	}{
		"for half a minute, then twice as long, up to five": {false, []time.Duration{30, 270, 120, 240, 300, 300}}, // the third comes when the first counts no more

		"for ten seconds when it was right before, then twice as long": {true, []time.Duration{10, 20, 40, 230, 160}}, // the fifth comes when the first counts no more
	} {
		t.Run(rule, func(t *testing.T) {
			scene(t, func(f *fake) {
				if x.known {
					require.Empty(t, f.tries("ann", "right"))
				}
				f.right = "another"
				for i, pause := range x.pauses {
					require.Equal(t, gc.SubscriptionFailed, f.tries("ann", "right"))
					require.Len(t, f.refused, i+1)
					pass(pause*time.Second - time.Millisecond)
					require.Equal(t, gc.SubscriptionFailed, f.tries("ann", "right"))
					require.Len(t, f.refused, i+1, "still remembered")
					pass(time.Millisecond)
				}
				f.atMost(4)
			})
		})
	}
	t.Run("for as long as after one refusal where several requests were under way", func(t *testing.T) {
		scene(t, func(f *fake) {
			require.Empty(t, f.tries("ann", "right"))
			f.hold = make(chan struct{})
			wait := f.all(3, func(int) { f.tries("ann", "right") })
			f.mu.Lock()
			f.err = errWrong // Finesse's directory is away
			f.mu.Unlock()
			close(f.hold)
			wait()
			f.err, f.put = nil, 0
			pass(10*time.Second - time.Millisecond)
			require.Equal(t, gc.SubscriptionFailed, f.tries("ann", "right"))
			require.Zero(t, f.put)
			pass(time.Millisecond)
			require.Empty(t, f.tries("ann", "right"))
		})
	})
	t.Run("and forgotten when it is right after all", func(t *testing.T) {
		scene(t, func(f *fake) {
			require.Empty(t, f.tries("ann", "right"))
			f.err = errWrong // Finesse's directory is away
			require.Equal(t, gc.SubscriptionFailed, f.tries("ann", "right"))
			f.err = nil
			require.Equal(t, gc.SubscriptionFailed, f.tries("ann", "right"))
			pass(10 * time.Second)
			require.Empty(t, f.tries("ann", "right"))
			require.Empty(t, f.tries("ann", "right"))
		})
	})
	t.Run("no password is tried while the account is locked", func(t *testing.T) {
		scene(t, func(f *fake) {
			f.err = errLocked
			require.Equal(t, gc.AccountLocked, f.tries("ann", "wrong"))
			f.err = nil
			pass(5*time.Minute - time.Millisecond)
			require.Equal(t, gc.AccountLocked, f.tries("Ann", "right"))
			require.Equal(t, 1, f.put)
			pass(time.Millisecond)
			require.Empty(t, f.tries("ann", "right"))
		})
	})
	t.Run("that the account is locked does not say that the password that works is wrong", func(t *testing.T) {
		scene(t, func(f *fake) {
			require.Empty(t, f.tries("ann", "right"))
			f.err = gc.Errorf(gc.AccountLocked, "finesse", "400")
			require.Equal(t, gc.AccountLocked, f.tries("ann", "right"))
			f.err = nil
			require.Empty(t, f.tries("ann", "right"))
			f.err = gc.Errorf(gc.AccountLocked, "finesse", "400")
			require.Equal(t, gc.AccountLocked, f.tries("ann", "another"))
			f.err = nil
			require.Empty(t, f.tries("ann", "right"), "nor does what another is answered")
			f.put = 0
			require.NotEmpty(t, f.tries("ann", "wrong"), "others are not tried for a while")
			require.Zero(t, f.put)
		})
	})
	for _, err := range []error{
		gc.Errorf(gc.SubscriptionFailed, "finesse", "403"), gc.Errorf(gc.UserNotFound, "finesse", "404"), gc.Errorf(gc.FinesseUnavailable, "finesse", "503"),
		gc.Errorf("CF_INVALID_PASSWORD_SPECIFIED", "finesse", "400"),
	} {
		t.Run("not for an error that says nothing of it: "+err.Error(), func(t *testing.T) {
			scene(t, func(f *fake) {
				f.err = err
				for range 10 {
					require.Equal(t, gc.CodeOf(err), f.tries("ann", "right"))
				}
				require.Equal(t, 10, f.put)
				f.err = nil
				require.Empty(t, f.tries("ann", "right"))
			})
		})
	}
	t.Run("nor where it did not get as far as Finesse", func(t *testing.T) {
		scene(t, func(f *fake) {
			f.err, f.unsent = gc.Errorf(gc.Down, "finesse", "connection refused"), true
			for range 10 {
				require.Equal(t, gc.Down, f.tries("ann", "right"))
			}
			require.Equal(t, 10, f.put)
		})
	})
}

func TestThePasswordThatWorksIsNotKeptOut(t *testing.T) {
	scene(t, func(f *fake) {
		require.Empty(t, f.tries("ann", "right"))
		for i := range 20 {
			require.Equal(t, gc.SubscriptionFailed, f.tries("ANN", fmt.Sprint("wrong ", i)))
			require.Empty(t, f.tries("ann", "right"))
		}
		require.LessOrEqual(t, len(f.refused), 4)
		require.Equal(t, []gc.AgentID{"ANN"}, f.tried)
		require.Equal(t, 19.0, f.count("passwords_withheld_total"))
	})
}

func (f *fake) count(name string) float64 {
	families, err := f.registry.Gather()
	require.NoError(f, err)
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	n, err := testutil.GatherAndCount(f.registry, name)
	require.NoError(f, err)
	require.NotZero(f, n, name)
	return 0
}

func TestACrowdOfStrangers(t *testing.T) {
	agent := func(i int) string { return strconv.Itoa(10_000 + i) }
	t.Run("asks few at a time, and who has proved a password does not wait for it", func(t *testing.T) {
		scene(t, func(f *fake) {
			require.Empty(t, f.tries("ann", "right"))
			f.hold = make(chan struct{})
			f.put = 0
			hold := f.hold
			wait := f.all(200, func(i int) { f.tries(agent(i), "right") })
			require.Equal(t, 64, f.put)
			f.mu.Lock()
			f.hold = nil
			f.mu.Unlock()
			began := time.Now()
			require.Empty(t, f.tries("ann", "right"))
			require.Equal(t, gc.SubscriptionFailed, f.tries("ann", "wrong"))
			require.Zero(t, time.Since(began))
			close(hold)
			wait()
			require.Equal(t, 202, f.put)
		})
	})
	t.Run("is left by who is known meanwhile, and who waits with the others of the agent then", func(t *testing.T) {
		scene(t, func(f *fake) {
			first, crowd, then := make(chan struct{}), make(chan struct{}), make(chan struct{})
			holds := func(c chan struct{}) {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.hold = c
			}
			holds(first)
			ann := f.all(1, func(int) { f.tries("ann", "right") })
			holds(crowd)
			strangers := f.all(63, func(i int) { f.tries(agent(i), "right") })
			waits := f.all(5, func(int) { require.Empty(t, f.tries("ann", "right")) })
			require.Equal(t, 64, f.put)
			holds(then)
			close(first)
			ann()
			close(crowd)
			strangers()
			synctest.Wait()
			require.Equal(t, 64+3, f.put, "as many as may carry the password that works")
			others := f.all(64, func(i int) { f.tries(agent(100+i), "right") })
			require.Equal(t, 64+3+64, f.put, "it takes no place from the crowd")
			close(then)
			waits()
			others()
		})
	})
	t.Run("waits for half a minute at most", func(t *testing.T) {
		scene(t, func(f *fake) {
			f.hold = make(chan struct{})
			var mu sync.Mutex
			codes := map[gc.Code]int{}
			wait := f.all(100, func(i int) {
				code := f.tries(agent(i), "right")
				mu.Lock()
				defer mu.Unlock()
				codes[code]++
			})
			pass(30 * time.Second)
			synctest.Wait()
			mu.Lock()
			require.Equal(t, map[gc.Code]int{gc.PleaseRetry: 36}, codes)
			mu.Unlock()
			close(f.hold)
			wait()
			require.Equal(t, 64, codes[""])
		})
	})
	for rule, x := range map[string]struct {
		err  error
		most int // requests
	}{
		"a proof that Finesse does not answer in time costs as much as a wrong password": {gc.Errorf(gc.NotReachable, "finesse", "time-out"), 1000},
		"so does one of an agent there is not":                                           {gc.Errorf(gc.UserNotFound, "finesse", "404"), 1000},
		"one that does not get as far costs nothing":                                     {gc.Errorf(gc.Down, "finesse", "connection refused"), 3000},
	} {
		t.Run(rule, func(t *testing.T) {
			scene(t, func(f *fake) {
				f.err, f.unsent = x.err, true
				for i := range 3000 {
					f.tries(agent(i), "wrong")
				}
				require.Equal(t, x.most, f.put)
			})
		})
	}
	t.Run("has a thousand wrong passwords, and twenty more each second", func(t *testing.T) {
		scene(t, func(f *fake) {
			for i := range 100_000 {
				f.tries(agent(i), "wrong")
			}
			require.Len(t, f.refused, 1000)
			require.Equal(t, gc.PleaseRetry, f.tries("ann", "right"))
			pass(10 * time.Second)
			require.Empty(t, f.tries("ann", "right"))
			for i := range 1000 {
				f.tries(agent(200_000+i), "wrong")
			}
			require.Len(t, f.refused, 1000+200)
			pass(time.Second)
			for i := range 1000 { // right ones cost nothing
				require.Empty(t, f.tries(agent(300_000+i), "right"))
			}
		})
	})
}

// Whoever hears that passwords are tried may ask the guard.
func TestWhatIsToldIsToldWithoutTheLock(t *testing.T) {
	var guard *passwords.Guard
	told := make(chan error, 1)
	guard = passwords.New(passwords.Options{Tried: func(a gc.AgentID) { told <- guard.Withheld(a, gc.NewSecret("right")) }})
	node := guard.Node(&fake{T: t, right: "right"})
	go func() {
		for i := range 5 {
			_, _ = node.User(context.Background(), finesse.Credentials{Agent: "ann", Password: gc.NewSecret(strconv.Itoa(i))})
		}
	}()
	select {
	case err := <-told:
		require.Error(t, err)
	case <-time.After(10 * time.Second):
		require.FailNow(t, "the guard waits for its caller")
	}
}

// Finesse takes an agent's login id and its login name.
func TestTwoNamesAreOneAccount(t *testing.T) {
	twice := func(f *fake, n int) {
		for i := range n {
			f.tries("1001", fmt.Sprint("wrong ", i))
			f.tries("Ann", fmt.Sprint("wrong too ", i))
		}
	}
	play := func(t *testing.T, play func(*fake)) {
		scene(t, func(f *fake) { f.ids = map[string]string{"ann": "1001"}; play(f) })
	}
	t.Run("of an agent whose user was not read yet both together are too few to lock it", func(t *testing.T) {
		play(t, func(f *fake) {
			twice(f, 20)
			require.Len(t, f.refused, 4)
		})
	})
	for _, name := range []string{"1001", "ann"} {
		t.Run("of one who works, connected as "+name, func(t *testing.T) {
			play(t, func(f *fake) {
				require.Empty(t, f.tries(name, "right"))
				twice(f, 20)
				require.Len(t, f.refused, 1)
				require.Empty(t, f.tries("1001", "right"), "the password that works works under both")
				require.Empty(t, f.tries("ann", "right"))
			})
		})
	}
	t.Run("what was spent under the other name before counts, and what is under way", func(t *testing.T) {
		play(t, func(f *fake) {
			f.tries("ann", "wrong")
			f.hold = make(chan struct{})
			hold := f.hold
			wait := f.all(1, func(int) { f.tries("ann", "wrong too") })
			f.mu.Lock()
			f.hold = nil
			f.mu.Unlock()
			require.Empty(t, f.tries("1001", "right"))
			twice(f, 5)
			require.Len(t, f.refused, 1)
			close(hold)
			wait()
			require.Len(t, f.refused, 2)
			twice(f, 5)
			require.Len(t, f.refused, 2)
			pass(5 * time.Minute)
			require.NotEmpty(t, f.tries("1001", "later"))
			require.Len(t, f.refused, 3, "nothing is under way any more")
		})
	})
	t.Run("a password that is refused is remembered under both", func(t *testing.T) {
		play(t, func(f *fake) {
			require.Empty(t, f.tries("1001", "right"))
			f.right = "new"
			f.tries("1001", "right")
			f.tries("ann", "right")
			require.Len(t, f.refused, 1)
		})
	})
	t.Run("unless the name is another user's login id", func(t *testing.T) {
		scene(t, func(f *fake) {
			f.ids = map[string]string{"1001": "1002"} // and there is a 1001
			require.Empty(t, f.tries("1002", "right"))
			delete(f.ids, "1001")
			require.Empty(t, f.tries("1001", "right"), "whose user is read now")
			require.NotEmpty(t, f.tries("1002", "wrong"))
			require.NotEmpty(t, f.tries("1001", "wrong too"))
			require.Len(t, f.refused, 2, "each has its own")
		})
	})
}

func TestAFinesseThatHangsRefusesNobody(t *testing.T) {
	hangs := gc.Errorf(gc.NotReachable, "finesse", "time-out")
	t.Run("who comes after passwords without an answer is told that Finesse is not reachable", func(t *testing.T) {
		scene(t, func(f *fake) {
			f.err = hangs
			for range 10 {
				require.Equal(t, gc.NotReachable, f.tries("ann", "right"))
			}
			require.Equal(t, 2, f.put)
			require.Empty(t, f.tried, "nobody tries passwords")
			f.err = nil
			pass(5 * time.Minute)
			require.Empty(t, f.tries("ann", "right"))
		})
	})
	t.Run("unless one of them was refused", func(t *testing.T) {
		scene(t, func(f *fake) {
			f.tries("ann", "wrong")
			f.err = hangs
			require.Equal(t, gc.NotReachable, f.tries("ann", "right"))
			require.Equal(t, gc.SubscriptionFailed, f.tries("ann", "right"))
			require.Len(t, f.tried, 1)
		})
	})
}

// Wrong tokens of single sign-on lock no account, and the next right one comes soon.
func TestTokens(t *testing.T) {
	token := func(s string) finesse.Credentials {
		secret, err := gc.NewToken(s)
		require.NoError(t, err)
		return finesse.Credentials{Agent: "1001", Password: secret}
	}
	subscribes := func(f *fake, s string) error {
		_, err := f.guarded.Subscribe(f.Context(), token(s))
		return err
	}
	t.Run("as many as a stranger sends are put to Finesse at a rate, and leave the account's passwords alone", func(t *testing.T) {
		scene(t, func(f *fake) {
			require.NoError(f.T, subscribes(f, "right"))
			for i := range 100 {
				require.Error(f.T, subscribes(f, "stranger"+strconv.Itoa(i)))
			}
			require.Equal(f.T, 1+5, f.put)
			require.NoError(f.T, subscribes(f, "right"), "the one that works")
			f.right = "next"
			require.Equal(f.T, gc.PleaseRetry, gc.CodeOf(subscribes(f, "next")), "the driver tries again")
			pass(10 * time.Second)
			require.NoError(f.T, subscribes(f, "next"))
			f.right = "password"
			require.Empty(f.T, f.tries("1001", "password"))
		})
	})
	t.Run("one that has expired is not put to Finesse again, the next one at once", func(t *testing.T) {
		scene(t, func(f *fake) {
			require.NoError(f.T, subscribes(f, "right"))
			f.right = "next"
			require.ErrorIs(f.T, subscribes(f, "right"), finesse.ErrPasswordRefused)
			require.ErrorIs(f.T, subscribes(f, "right"), finesse.ErrPasswordRefused)
			require.Len(f.T, f.refused, 1)
			require.NoError(f.T, subscribes(f, "next"))
		})
	})
	t.Run("a Login with the next one is not kept out by a stranger's wrong password", func(t *testing.T) {
		scene(t, func(f *fake) {
			require.NoError(f.T, subscribes(f, "right"))
			require.Equal(f.T, gc.SubscriptionFailed, f.tries("1001", "stranger's"))
			require.NoError(f.T, f.guard.KeptOut("1001", gc.NewSecret("next")))
		})
	})
	t.Run("where a password works, another's token is no more than a wrong password to the notification service", func(t *testing.T) {
		theft := func(f *fake) {
			for i := range 20 {
				require.Error(f.T, subscribes(f, "leader"+strconv.Itoa(i)))
				require.NotEmpty(f.T, f.tries("1001", "wrong"+strconv.Itoa(i)))
			}
		}
		scene(t, func(f *fake) {
			require.Empty(f.T, f.tries("1001", "right"))
			theft(f)
			require.Len(f.T, f.refused, 1)
			require.Empty(f.T, f.tries("1001", "right"))
		})
		scene(t, func(f *fake) {
			require.Empty(f.T, f.tries("1001", "right"))
			require.NotEmpty(f.T, f.tries("1001", "wrong"))
			theft(f)
			require.Len(f.T, f.refused, 1)
		})
		scene(t, func(f *fake) { // who gets tokens from now on
			require.Empty(f.T, f.tries("1001", "right"))
			f.right = "token"
			require.NotEmpty(f.T, f.tries("1001", "right"))
			require.NoError(f.T, subscribes(f, "token"))
		})
	})
	t.Run("only the notification service proves whose it is", func(t *testing.T) {
		scene(t, func(f *fake) {
			_, err := f.guarded.User(f.Context(), token("right"))
			require.NoError(f.T, err)
			require.False(f.T, f.guard.Worked("1001", gc.NewSecret("right")))
			require.NoError(f.T, subscribes(f, "right"))
			require.True(f.T, f.guard.Worked("1001", gc.NewSecret("right")), "a Login cannot say that it is a token")
			require.NoError(f.T, f.guard.KeptOut("1001", gc.NewSecret("right")))
		})
	})
}

// Who is remembered while a token is on its way is remembered until it is answered.
func TestTokensOnTheirWayTogether(t *testing.T) {
	for rule, ask := range map[string]func(*fake, finesse.Credentials) error{
		"reading": func(f *fake, c finesse.Credentials) error {
			_, err := f.guarded.User(f.Context(), c)
			return err
		},
		"opening a stream": func(f *fake, c finesse.Credentials) error {
			_, err := f.guarded.Subscribe(f.Context(), c)
			return err
		},
	} {
		for answer, err := range map[string]error{"works": nil, "is not answered well": gc.Errorf(gc.Down, "finesse", "503"), "is refused": errWrong} {
			t.Run(rule+" "+answer, func(t *testing.T) {
				scene(t, func(f *fake) {
					token, bad := gc.NewToken("right")
					require.NoError(f.T, bad)
					f.hold, f.err = make(chan struct{}), err
					wait := f.all(3, func(i int) {
						_ = ask(f, finesse.Credentials{Agent: gc.AgentID(strconv.Itoa(1001 + i/2)), Password: token}) // two of 1001
					})
					require.NoError(f.T, f.guard.Withheld("1003", token)) // whom nobody knows
					close(f.hold)
					wait()
					require.Equal(f.T, err == nil && rule != "reading", f.guard.Worked("1001", token))
				})
			})
		}
	}
}
