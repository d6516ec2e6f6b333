package recording

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// action is a request to the recorder, and a label: the set is closed.
type action string

const (
	pause  action = "pause"
	resume action = "resume"
)

// result is how a request ended, and a label: the set is closed.
type result string

const (
	resultOK            result = "ok"
	resultRefused       result = "refused" // any answer but success, redirects included
	resultTimeout       result = "timeout"
	resultIO            result = "io"             // no connection, bad certificate, cut
	resultNotConfigured result = "not_configured" // nothing was sent
)

var (
	allActions = []action{pause, resume}
	allResults = []result{resultOK, resultRefused, resultTimeout, resultIO, resultNotConfigured}
)

// newMetrics starts every series at zero, so that the first failure of a kind
// shows as a change. A later Recorder shares the metrics of an earlier one.
func newMetrics(r prometheus.Registerer) *prometheus.CounterVec {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "recording_requests_total",
		Help: "Requests to pause or resume a recording, by how they ended.",
	}, []string{"action", "result"})
	if r != nil {
		err := r.Register(requests)
		var already prometheus.AlreadyRegisteredError
		if errors.As(err, &already) {
			requests = already.ExistingCollector.(*prometheus.CounterVec)
		} else if err != nil {
			panic(err)
		}
	}
	for _, a := range allActions {
		for _, result := range allResults {
			requests.WithLabelValues(string(a), string(result))
		}
	}
	return requests
}
