package session

// line says whether a command may begin: one after the other, and none while it
// would only fail. It is held for reasons that have names.
type line struct {
	holds [reasons]int
	first *Request // that was taken already when it was time for a failover; nil for none
}

// reason is why no command begins.
type reason int

const (
	commandRuns  reason = iota // Finesse has its request, or is to show its outcome
	nodeDoubted                // it is found out whether the node can be used
	lostAnswer                 // what became of a request is read
	sessionMoves               // to another node
	logoutUndone               // the agent is being signed in again
	reasons
)

// hold keeps commands from beginning, once more for the reason given.
func (l *line) hold(r reason) { l.holds[r]++ }

// release ends one hold.
func (l *line) release(r reason) { l.holds[r]-- }

// keep holds for the reason given, or does not, however often that is said.
func (l *line) keep(r reason, held bool) {
	l.holds[r] = 0
	if held {
		l.holds[r] = 1
	}
}

// free reports whether another command may begin.
func (l *line) free() bool { return l.first == nil && l.holds == [reasons]int{} }

// takeFirst gives the command that comes first, if it may begin.
func (l *line) takeFirst() *Request {
	r := l.first
	l.first = nil
	if !l.free() {
		l.first, r = r, nil
	}
	return r
}
