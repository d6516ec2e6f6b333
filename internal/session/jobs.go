package session

import "context"

// jobs run beside the session. What each returns runs in the session, always.
type jobs struct {
	ctx     context.Context // of the requests to Finesse
	running int             // results to come
	results chan func()
	done    chan struct{} // closed when the session has ended
}

func newJobs() jobs { return jobs{results: make(chan func()), done: make(chan struct{})} }

// start runs f, which must end with ctx and touch nothing of the session's.
func (j *jobs) start(f func(ctx context.Context) func()) {
	j.running++
	ctx := j.ctx
	go func() {
		select {
		case j.results <- f(ctx):
		case <-j.done: // only after a panic
		}
	}()
}

// ended takes a result.
func (j *jobs) ended(result func()) {
	j.running--
	result()
}
