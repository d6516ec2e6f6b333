package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/finesse-connector/finesse-connector/internal/cluster"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	every = time.Second
	lease = 4 * time.Second
)

// hall is a broker with a topic and locks, and the connectors at it.
type hall struct {
	*testing.T
	logs *observer.ObservedLogs

	mu       sync.Mutex
	members  []*member // those who wait for a lock and those who have one, the first in line first
	free     []string  // locks that nobody has
	made     int
	recorded []string
	deaf     bool // the topic carries nothing
}

type member struct {
	*cluster.Cluster
	hall *hall
	name string
	lock string // that it is the owner with
	had  string // that the broker has given it
	cut  bool   // hears nobody and is heard by nobody
	ice  bool   // it is frozen
	end  context.CancelFunc
}

// scene is a test in which connectors meet.
func scene(t *testing.T, rule string, acts func(*hall)) {
	t.Run(rule, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := &hall{T: t}
			acts(h)
			for _, m := range slices.Clone(h.members) {
				m.dies()
			}
			synctest.Wait()
		})
	})
}

func (h *hall) joins(name string, change ...func(*cluster.Options)) *member {
	return h.joinsAs(&member{hall: h, name: name}, change...)
}

func (h *hall) joinsCut(name string) *member {
	return h.joinsAs(&member{hall: h, name: name, cut: true})
}

func (h *hall) joinsAs(m *member, change ...func(*cluster.Options)) *member {
	h.Helper()
	core, logs := observer.New(zap.InfoLevel)
	h.logs = logs
	o := cluster.Options{
		Name: "site", Key: gc.NewSecret(strings.Repeat("k", cluster.MinKey)), Host: m.name, Version: "1", Priority: 100, Every: every, Lease: lease, Logger: zap.New(core),
	}
	for _, f := range change {
		f(&o)
	}
	c, err := cluster.New(o)
	require.NoError(h, err)
	ctx, cancel := context.WithCancel(h.Context())
	m.Cluster, m.end = c, cancel
	h.mu.Lock()
	h.members = append(h.members, m)
	h.mu.Unlock()
	go c.Run(ctx, m)
	go m.beats(ctx)
	return m
}

// beats does what a broker's connection does.
func (m *member) beats(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if m.hall.give(); !m.isFrozen() {
			m.judged()
			m.hall.says(m, m.Beat(m.holds()))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (m *member) isFrozen() bool {
	m.hall.mu.Lock()
	defer m.hall.mu.Unlock()
	return m.ice
}

func (m *member) judged() {
	m.hall.mu.Lock()
	defer m.hall.mu.Unlock()
	if m.had == "" || m.lock != "" {
		return
	}
	switch take, destroy := m.Judge(m.had); {
	case destroy:
		m.had = ""
	case take:
		m.lock = m.had
	}
}

func (m *member) holds() string {
	m.hall.mu.Lock()
	defer m.hall.mu.Unlock()
	return m.lock
}

// says is said to all.
func (h *hall) says(from *member, message string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recorded = append(h.recorded, message)
	for _, m := range h.members {
		if h.deaf || m.ice || from != nil && m != from && (m.cut || from.cut) {
			continue
		}
		m.Heard(message)
	}
}

// give gives the free locks to those who wait.
func (h *hall) give() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.members {
		if m.had == "" && len(h.free) > 0 {
			m.had, h.free = h.free[0], h.free[1:]
		}
	}
}

func (m *member) MakeLock() {
	m.hall.mu.Lock()
	defer m.hall.mu.Unlock()
	m.hall.made++
	m.hall.free = append(m.hall.free, fmt.Sprint("lock ", m.hall.made))
}

func (m *member) Resign(destroy bool) {
	m.hall.mu.Lock()
	defer m.hall.mu.Unlock()
	if !destroy {
		m.hall.free = append(m.hall.free, m.had)
	}
	m.lock, m.had = "", ""
}

// dies ends a member; its lock is free.
func (m *member) dies() {
	m.end()
	h := m.hall
	h.mu.Lock()
	defer h.mu.Unlock()
	h.members = slices.DeleteFunc(h.members, func(x *member) bool { return x == m })
	if m.had != "" {
		h.free = append(h.free, m.had)
	}
}

// is makes it the owner with a lock, or none.
func (m *member) is(lock string) {
	m.hall.mu.Lock()
	defer m.hall.mu.Unlock()
	m.lock, m.had = lock, lock
}

func (h *hall) wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// owners are the names of those who have a lock.
func (h *hall) owners() (names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.members {
		if m.lock != "" {
			names = append(names, m.name)
		}
	}
	return names
}

func (m *member) hasLost() bool {
	select {
	case <-m.Lost():
		return true
	default:
		return false
	}
}

func TestWhoIsTheOwner(t *testing.T) {
	scene(t, "the first one, which makes the lock, and the others wait", func(h *hall) {
		h.joins("a")
		h.wait(lease)
		require.Empty(h, h.owners(), "somebody may have it and be cut off")
		h.wait(10 * time.Second)
		require.Equal(h, []string{"a"}, h.owners())
		b := h.joins("b")
		h.wait(time.Minute)
		require.Equal(h, []string{"a"}, h.owners())
		require.Equal(h, 1, h.made)
		require.Equal(h, "a", b.Peers()[0].Host)
		require.True(h, b.Peers()[0].Owner)
		require.False(h, b.hasLost())
	})
	scene(t, "the next in line when the owner dies", func(h *hall) {
		a := h.joins("a")
		h.wait(20 * time.Second)
		h.joins("b")
		h.wait(5 * time.Second)
		a.dies()
		h.wait(2 * time.Second)
		require.Equal(h, []string{"b"}, h.owners())
		h.wait(time.Minute)
		require.Equal(h, 1, h.made)
	})
	scene(t, "one of those that begin at the same time, and each that had a lock too many has lost", func(h *hall) {
		for _, name := range []string{"a", "b", "c"} {
			h.joins(name)
		}
		h.wait(30 * time.Second)
		require.Len(h, h.owners(), 1)
	})
	scene(t, "the one with the highest priority makes the lock", func(h *hall) {
		h.joins("low", func(o *cluster.Options) { o.Priority = 0 })
		h.joins("high", func(o *cluster.Options) { o.Priority = 127 })
		h.wait(30 * time.Second)
		require.Equal(h, 1, h.made)
	})
	scene(t, "the next one, with a new lock, when that has died with the owner, within ten seconds and not before the lease", func(h *hall) {
		a := h.joins("a")
		h.wait(20 * time.Second)
		h.joins("b")
		h.wait(5 * time.Second)
		a.dies()
		h.mu.Lock()
		h.free = nil
		h.mu.Unlock()
		h.wait(lease)
		require.Empty(h, h.owners())
		h.wait(6 * time.Second)
		require.Equal(h, []string{"b"}, h.owners())
	})
	scene(t, "the one with the higher priority, when two have not heard each other; the other has lost", func(h *hall) {
		a := h.joins("a", func(o *cluster.Options) { o.Priority = 101 })
		h.wait(20 * time.Second)
		b := h.joinsCut("b")
		h.wait(20 * time.Second)
		require.Equal(h, []string{"a", "b"}, h.owners())
		h.mu.Lock()
		b.cut = false
		h.mu.Unlock()
		h.wait(5 * time.Second)
		require.Equal(h, []string{"a"}, h.owners())
		require.True(h, b.hasLost())
		require.False(h, a.hasLost())
	})
	scene(t, "who had the lock and hears of another owner has lost; who has it again first has not", func(h *hall) {
		a := h.joins("a")
		h.wait(20 * time.Second)
		b := h.joins("b")
		h.wait(2 * time.Second)
		a.is("")
		h.wait(2 * time.Second)
		a.is("lock 1")
		h.wait(5 * time.Second)
		require.False(h, a.hasLost())
		a.is("")
		b.is("lock 1")
		h.wait(5 * time.Second)
		require.True(h, a.hasLost())
	})
	scene(t, "nobody who is given a second lock, by whomever: it is destroyed", func(h *hall) {
		h.joins("a")
		h.wait(20 * time.Second)
		b := h.joins("b")
		h.wait(5 * time.Second)
		h.mu.Lock()
		h.free = []string{"a copy"}
		h.mu.Unlock()
		h.wait(time.Minute)
		require.Equal(h, []string{"a"}, h.owners())
		require.False(h, b.hasLost())
		h.mu.Lock()
		defer h.mu.Unlock()
		require.Empty(h, h.free)
		require.Empty(h, b.had)
	})
	scene(t, "nobody who was frozen with a lock, and wakes when another has a new one", func(h *hall) {
		a := h.joins("a", func(o *cluster.Options) { o.Priority = 127 })
		h.wait(20 * time.Second)
		b := h.joins("b")
		h.wait(5 * time.Second)
		h.mu.Lock()
		a.ice, a.lock = true, "" // the lease has ended; the lock is still on its connection
		h.mu.Unlock()
		h.wait(15 * time.Second)
		require.Equal(h, []string{"b"}, h.owners())
		h.mu.Lock()
		a.ice = false
		h.mu.Unlock()
		h.wait(5 * time.Second)
		require.Equal(h, []string{"b"}, h.owners())
		require.True(h, a.hasLost())
		require.False(h, b.hasLost())
	})
	scene(t, "nobody new while the sync topic carries nothing: whoever is the owner may just not be heard", func(h *hall) {
		h.deaf = true
		h.joins("a")
		h.wait(time.Minute)
		require.Zero(h, h.made)
	})
}

func TestWhatIsBelieved(t *testing.T) {
	scene(t, "the recorded beats of an owner keep nobody from being one", func(h *hall) {
		a := h.joins("a")
		h.wait(20 * time.Second)
		b := h.joins("b")
		h.wait(5 * time.Second)
		a.dies()
		h.mu.Lock()
		h.free = nil
		old := slices.Clone(h.recorded)
		h.mu.Unlock()
		for range 15 {
			for _, message := range old {
				h.says(nil, message)
			}
			h.wait(time.Second)
		}
		require.Equal(h, []string{"b"}, h.owners())
		require.Empty(h, b.Peers())
	})
	for rule, change := range map[string]func(*cluster.Options){
		"another key":     func(o *cluster.Options) { o.Key = gc.NewSecret(strings.Repeat("x", cluster.MinKey)) },
		"another cluster": func(o *cluster.Options) { o.Name = "other" },
	} {
		scene(t, "nothing of who has "+rule+", which is said now and then", func(h *hall) {
			h.joins("a", change)
			b := h.joins("b")
			h.wait(time.Minute)
			require.Empty(h, b.Peers())
			require.InDelta(h, 3, h.logs.FilterMessage("a message on the sync topic is not believed").Len(), 1)
		})
	}
	scene(t, "nothing that is cut, changed or nonsense; an old connector's O-025 is no fault", func(h *hall) {
		a := h.joins("a")
		h.wait(10 * time.Second)
		h.mu.Lock()
		whole := h.recorded[len(h.recorded)-1]
		h.mu.Unlock()
		for i := range len(whole) {
			h.says(nil, whole[:i])
			h.says(nil, whole[:i]+"A"+whole[i+1:])
		}
		h.says(nil, strings.Repeat("connector-sync/1 ", 1000))
		refused := h.logs.FilterMessage("a message on the sync topic is not believed").Len()
		h.says(nil, "AgentState#1001#secret#2001#1")
		require.Equal(h, refused, h.logs.FilterMessage("a message on the sync topic is not believed").Len())
		h.wait(10 * time.Second)
		require.Empty(h, a.Peers())
		require.Equal(h, []string{"a"}, h.owners())
	})
	scene(t, "no more connectors than a bound", func(h *hall) {
		a := h.joins("a")
		for range 100 {
			b := h.joins("b")
			h.wait(10 * time.Millisecond)
			b.dies()
		}
		b := h.joins("b")
		h.wait(3 * time.Second)
		require.Len(h, a.Peers(), 1)
		require.Len(h, b.Peers(), 1)
	})
}

// Nothing of the key, and no name of an agent, is in what is said.
func TestBeatsAreSealed(t *testing.T) {
	scene(t, "a beat shows nothing", func(h *hall) {
		a := h.joins("hostname")
		require.NotContains(t, a.Beat("lock"), "hostname")
	})
}

func FuzzHeard(f *testing.F) {
	f.Add("connector-sync/1 AAAA")
	f.Add("AgentState#1001#secret#2001#1")
	c, err := cluster.New(cluster.Options{Name: "site", Key: gc.NewSecret(strings.Repeat("k", cluster.MinKey)), Every: every, Lease: lease, Logger: zap.NewNop()})
	require.NoError(f, err)
	f.Add(c.Beat(""))
	f.Fuzz(func(t *testing.T, message string) {
		c.Heard(message)
		require.Empty(t, c.Peers())
	})
}
