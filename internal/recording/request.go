package recording

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/exchange"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

const (
	// maxBody is how much of an answer is read. A recorder that still writes
	// when the connection closes might take that for a failure of its own.
	maxBody = 64 << 10
	// maxShown is how many characters of the recorder's answer the operator
	// sees.
	maxShown = 200
)

// request is one thing asked of the recorder.
type request struct {
	action  action
	address string
	call    Call
}

func (q *request) op() string { return "recording." + string(q.action) }

func (q *request) key() string { return "recording." + string(q.action) + "_url" }

// Troubles with a recorder's answer, or with one that cannot be read.
var (
	refused = trouble.Kind{Class: "refused", Next: "see the recorder's log"}
	noHTTP  = trouble.Kind{Class: "no HTTP answer", Next: "see the recorder's log"}
)

// target returns the address with the call's values after the query of the
// site, which stays as it is.
func (q *request) target() (*url.URL, error) {
	u, err := url.Parse(q.address)
	if err != nil {
		return nil, err
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += q.call.values().Encode()
	return u, nil
}

// send sends the request, once, and judges the answer.
func (r *Recorder) send(ctx context.Context, q request) (result, error) {
	if q.address == "" {
		return resultNotConfigured, gc.Errorf(gc.NotConfigured, q.op(), "no address; set %s", q.key())
	}
	u, err := q.target()
	if err != nil {
		return resultIO, gc.Errorf(gc.GeneralError, q.op(), "the address cannot be read; correct %s", q.key())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(q.call.values().Encode()))
	if err != nil {
		return q.failure(u.Host, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := r.http.Do(ctx, req, maxBody)
	if err != nil {
		return q.failure(u.Host, err)
	}
	// How the body ends does not matter: the status is known.
	if answer.Status/100 != 2 {
		return resultRefused, q.refusal(u.Host, answer.Status, string(answer.Body))
	}
	return resultOK, nil
}

// failure returns the error of a request without an answer.
func (q *request) failure(host string, err error) (result, error) {
	code, result := gc.GeneralError, resultIO
	if exchange.TimedOut(err) {
		code, result = gc.PleaseRetry, resultTimeout
	}
	server := trouble.Server{Name: "the recorder", Address: q.key(), CA: "recording.ca_file"}
	kind := trouble.Find(err, server.Cases(), noHTTP)
	if text := q.presentable(err.Error()); text != err.Error() {
		err = errors.New(text)
	}
	return result, &gc.Error{Code: code, Op: q.op(), Err: &trouble.Error{Kind: kind, Target: host, Err: err}}
}

// refusal returns the error for any status but success.
func (q *request) refusal(host string, status int, body string) error {
	kind := refused
	if status/100 == 3 {
		kind = trouble.Kind{Class: "sends clients elsewhere", Next: "name that address in " + q.key()}
	}
	err := fmt.Errorf("answer %d: %q", status, q.presentable(body))
	return &gc.Error{Code: gc.GeneralError, Op: q.op(), Err: &trouble.Error{Kind: kind, Target: host, Err: err}}
}

// presentable returns what the recorder said, cut, and without the site's
// query, which it may repeat.
func (q *request) presentable(said string) string {
	_, query, _ := strings.Cut(q.address, "?")
	for pair := range strings.SplitSeq(query, "&") {
		_, raw, ok := strings.Cut(pair, "=")
		if !ok {
			raw = pair
		}
		said = hide(raw, said)
		if value, err := url.QueryUnescape(raw); err == nil {
			said = hide(value, said)
		}
	}
	if r := []rune(said); len(r) > maxShown {
		return string(r[:maxShown]) + "…"
	}
	return said
}

// leastSecret is the length from which a value could be a key: to hide "1"
// would only garble the text.
const leastSecret = 4

func hide(secret, text string) string {
	if len(secret) < leastSecret {
		return text
	}
	return strings.ReplaceAll(text, secret, "[redacted]")
}
