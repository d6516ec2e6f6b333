package session

import (
	"context"
	"time"
)

const (
	// doubtful is how long something newer may take to come before the agent is read
	// because something old was notified. It also bounds how often that happens.
	doubtful = time.Second
	// unclear is how long what tells a preview from a direct call may take to come. Cisco's
	// own captures have 200 ms between what belongs together on two nodes.
	unclear = 500 * time.Millisecond
)

// doubts is what the session is about to find out.
type doubts struct {
	waiting  bool // to read the agent
	failures int  // of readings since one worked
	deciding bool // whether calls are previews
}

// findOut arranges what is needed to know the truth: a reading where something was
// notified that is older than what is known, and a decision about calls that nobody has
// heard of. It is cheap where nothing is.
func (s *Session) findOut() {
	if (s.known.InDoubt() || s.known.DoubtsTeams()) && !s.doubts.waiting && s.access.usable() && s.place.stream != nil {
		s.doubts.waiting = true
		wait := doubtful
		if s.doubts.failures > 0 {
			wait += s.Times.Backoff(s.doubts.failures)
		}
		s.after(wait, s.readDoubtful)
	}
	if mark, waits := s.known.Unclear(); waits && !s.doubts.deciding {
		s.doubts.deciding = true
		s.after(unclear, func() {
			s.doubts.deciding = false
			s.report(s.known.Waited(mark))
		})
	}
}

// readDoubtful reads what is in doubt, unless something newer has come meanwhile. A
// stream that was lost since is opened anew with a reading.
func (s *Session) readDoubtful() {
	if s.known.DoubtsTeams() && s.place.stream != nil {
		s.rejoinTeams()
	}
	if !s.known.InDoubt() || !s.access.usable() || s.place.stream == nil {
		s.doubts.waiting = false
		return
	}
	s.rereadAnywhere(func(err error) {
		s.doubts.waiting = false
		if s.doubts.failures++; err == nil {
			s.doubts.failures = 0
		}
	})
}

// after runs then in the session, after d or when the session ends.
func (s *Session) after(d time.Duration, then func()) {
	s.jobs.start(func(ctx context.Context) func() {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
		return then
	})
}
