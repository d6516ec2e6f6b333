package finesse

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// method is what a request asks for, and a label: the set is closed.
type method string

const (
	methodSystemInfo        method = "system_info"
	methodUser              method = "user"
	methodDialogs           method = "dialogs"
	methodDialog            method = "dialog"
	methodReasonCodes       method = "reason_codes"
	methodWrapUpReasons     method = "wrap_up_reasons"
	methodSignIn            method = "sign_in"
	methodChangeState       method = "change_state"
	methodMakeCall          method = "make_call"
	methodAct               method = "act"
	methodConsult           method = "consult"
	methodTransferSST       method = "transfer_sst"
	methodUpdateCallData    method = "update_call_data"
	methodAllUsers          method = "all_users"
	methodTeam              method = "team"
	methodMember            method = "member"
	methodChangeMemberState method = "change_member_state"
	methodQueues            method = "queues"
	methodQueue             method = "queue"
	methodPhoneBooks        method = "phone_books"
	methodTeamPhoneBooks    method = "team_phone_books"
	methodSilentMonitor     method = "silent_monitor"
	methodBargeIn           method = "barge_in"
)

// result is how one attempt ended, and a label: the set is closed.
type result string

const (
	resultOK          result = "ok"
	resultDenied      result = "denied"      // 401
	resultRefused     result = "refused"     // any other 4xx, and redirects
	resultUnavailable result = "unavailable" // 5xx
	resultTimeout     result = "timeout"
	resultIO          result = "io"        // no connection, bad certificate, cut
	resultMalformed   result = "malformed" // success, but the body cannot be read
)

var (
	allMethods = []method{methodSystemInfo, methodUser, methodDialogs, methodDialog, methodReasonCodes,
		methodWrapUpReasons, methodSignIn, methodChangeState, methodMakeCall, methodAct, methodConsult, methodTransferSST,
		methodUpdateCallData, methodAllUsers, methodTeam, methodMember, methodChangeMemberState, methodQueues, methodQueue,
		methodPhoneBooks, methodTeamPhoneBooks, methodSilentMonitor, methodBargeIn}
	allResults = []result{resultOK, resultDenied, resultRefused, resultUnavailable, resultTimeout, resultIO, resultMalformed}
)

// unreadable is what was left out of an answer, and a label: the set is closed.
type unreadable string

const (
	unreadableCharacters unreadable = "characters"
	unreadableElements   unreadable = "elements"
)

type metrics struct {
	requests   *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	unreadable map[unreadable]prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "finesse_requests_total",
			Help: "Requests sent to Finesse, repeated ones included, by what they ask for and how they ended.",
		}, []string{"method", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "finesse_request_seconds",
			Help:    "Time from sending a request to Finesse to having read the answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"method"}),
		unreadable: map[unreadable]prometheus.Counter{},
	}
	omitted := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "finesse_unreadable_total",
		Help: "Characters of Finesse's answers that were replaced, and elements that were left out, because they cannot be read.",
	}, []string{"what"})
	if r != nil {
		var err error
		if omitted, err = register(r, omitted); err != nil {
			return nil, err
		}
		if m.requests, err = register(r, m.requests); err != nil {
			return nil, err
		}
		if m.seconds, err = register(r, m.seconds); err != nil {
			return nil, err
		}
	}
	for _, what := range []unreadable{unreadableCharacters, unreadableElements} {
		m.unreadable[what] = omitted.WithLabelValues(string(what))
	}
	// A series that starts at its first event hides that event from rate().
	for _, method := range allMethods {
		m.seconds.WithLabelValues(string(method))
		for _, result := range allResults {
			m.requests.WithLabelValues(string(method), string(result))
		}
	}
	return m, nil
}

// register gives the collector that counts: c, or the one the client of
// another node registered before.
func register[C prometheus.Collector](r prometheus.Registerer, c C) (C, error) {
	err := r.Register(c)
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		if existing, ok := already.ExistingCollector.(C); ok {
			return existing, nil
		}
	}
	return c, err
}
