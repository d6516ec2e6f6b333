package finesse

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/exchange"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// maxBodyBytes bounds an answer. The largest that agents ask for are phone
// books, 2 MB for 6,000 contacts.
const maxBodyBytes = 8 << 20

// largeAtOnce is how many answers of more than exchange.LargeBody are read at a
// time: anybody can send the commands that ask for lists, for each agent who
// works, and a list takes several times its size while it is read.
const largeAtOnce = 8

// request is one thing asked of Finesse.
type request struct {
	name method
	http string // GET when empty
	path string // below apiPath, escaped
	who  *Credentials
	id   RequestID
	body any                                  // encoded as XML; nil for none
	read func(body []byte) (Omissions, error) // takes the answer's body; nil ignores it
	// objects is how many of a list to send, in Finesse's words; such a list
	// is complete with 200 and cut off there with 206. "" for no limit.
	objects  string
	maxBytes int // of the answer's body; 0 stands for the usual
	// once: never sent again, because a second one could do harm.
	once bool
	// What a driver hears when Finesse does not know the object, and when
	// it knows the user but does not let it.
	missing, denied gc.Code
	// others: it is about a call, a team or another user. Then
	// "Authorization Failure" is about rights; see deniedCode.
	others bool
	// admin: the credentials are the administrator's, of whom a driver knows
	// nothing.
	admin bool
}

func (r *request) op() string { return "finesse." + string(r.name) }

func (r *request) method() string { return cmp.Or(r.http, http.MethodGet) }

// limit is less for what thousands of agents ask for at once, which is the same
// that notifications tell.
func (r *request) limit() int {
	switch r.name {
	case methodSystemInfo, methodUser, methodDialogs, methodDialog:
		return maxUpdateBytes
	}
	return cmp.Or(r.maxBytes, maxBodyBytes)
}

func (r *request) succeeded(status int) bool {
	return status == http.StatusOK || status == http.StatusAccepted || status == http.StatusPartialContent && r.objects != ""
}

// do sends the request, again on time-outs where that is harmless.
func (c *Client) do(ctx context.Context, r request) error {
	var document []byte
	if r.body != nil {
		var err error
		if document, err = xml.Marshal(r.body); err != nil {
			return gc.Errorf(gc.PleaseRetry, r.op(), "encode: %w", err)
		}
	}
	if c.before != nil && r.method() != http.MethodGet {
		if err := c.before(ctx); err != nil {
			return err
		}
	}
	for attempt := 0; ; attempt++ {
		err := c.attempt(ctx, r, document)
		if err == nil || r.once || r.who != nil && r.who.Unproved || attempt >= c.retries || gc.CodeOf(err) != gc.NotReachable || ctx.Err() != nil {
			return err
		}
		c.log.Debug("finesse did not answer in time, asking again",
			zap.String("method", string(r.name)), zap.String("node", c.host), zap.Int("attempt", attempt+1))
	}
}

// attempt sends the request once, and counts it.
func (c *Client) attempt(ctx context.Context, r request, document []byte) error {
	start := time.Now()
	a, err := c.exchange(ctx, r, document)
	switch {
	case err != nil:
		err = c.failure(r, err)
	case r.succeeded(a.Status):
		err = c.understand(r, a.Body)
	default:
		err = c.refusal(r, a.Status, a.Body)
	}
	if a.Release != nil {
		a.Release()
	}
	c.metrics.seconds.WithLabelValues(string(r.name)).Observe(time.Since(start).Seconds())
	c.metrics.requests.WithLabelValues(string(r.name), string(resultOf(a.Status, err))).Inc()
	return err
}

func (c *Client) exchange(ctx context.Context, r request, document []byte) (exchange.Answer, error) {
	if r.who != nil {
		ctx = exchange.InNameOf(ctx, string(r.who.Agent))
	}
	req, err := http.NewRequestWithContext(ctx, r.method(), c.base+r.path, bytes.NewReader(document))
	if err != nil {
		return exchange.Answer{}, err
	}
	req.Header.Set("Accept", "application/xml")
	if document != nil {
		req.Header.Set("Content-Type", "application/xml")
	}
	if r.id != "" {
		req.Header.Set("requestId", string(r.id))
	}
	if r.objects != "" {
		req.Header.Set("Range", "objects="+r.objects)
	}
	switch {
	case r.who == nil:
	case r.who.Password.IsToken(): // Finesse REST API with single sign-on
		req.Header.Set("Authorization", "Bearer "+r.who.Password.Reveal())
	default:
		req.SetBasicAuth(string(r.who.Agent), r.who.Password.Reveal())
	}
	a, err := c.http.Do(ctx, req, r.limit()+1)
	if err == nil {
		err = a.Broken
	}
	return a, err
}

// failure is an exchange without an answer.
func (c *Client) failure(r request, err error) error {
	err = fmt.Errorf("%s: %w", c.host, exchange.Brief(err))
	if exchange.TimedOut(err) {
		return &gc.Error{Code: gc.NotReachable, Op: r.op(), Err: err}
	}
	return &gc.Error{Code: gc.Down, Op: r.op(), Err: err}
}

// understand reads the body of a success. One that makes no sense is not asked
// for again: the next would be the same.
func (c *Client) understand(r request, body []byte) error {
	if r.read == nil {
		return nil
	}
	err := errTooLarge
	if len(body) <= r.limit() {
		var out Omissions
		if out, err = r.read(body); err == nil {
			c.omitted(r.name, out)
		}
	}
	if err != nil {
		return gc.Errorf(gc.GeneralError, r.op(), "%s sent an answer that cannot be read: %w", c.host, err)
	}
	return nil
}

// omitted counts what of an answer could not be read, and says so once.
func (c *Client) omitted(name method, out Omissions) {
	if out == (Omissions{}) {
		return
	}
	c.metrics.unreadable[unreadableCharacters].Add(float64(out.Characters))
	c.metrics.unreadable[unreadableElements].Add(float64(out.Elements))
	c.grumble.Do(func() {
		c.log.Warn("some of what finesse answers cannot be read and is left out, the rest is used; later answers are only counted",
			zap.String("method", string(name)), zap.String("node", c.host), zap.Int("characters", out.Characters), zap.Int("elements", out.Elements),
			zap.NamedError("element", out.Why))
	})
}

// refusal is the error behind a status that is no success.
func (c *Client) refusal(r request, status int, body []byte) error {
	said, ok := readAPIError(body)
	cause := fmt.Errorf("%s answered %d", c.host, status)
	if ok {
		cause = fmt.Errorf("%w: %w", cause, said)
	} else if status >= 300 && status < 400 {
		cause = fmt.Errorf("%w: it sends clients elsewhere, so name the other host in finesse.nodes", cause)
	}
	code := refusalCode(r, status, said, ok)
	switch {
	case r.admin:
		code, cause = adminRefusal(code, status, cause)
	case status == http.StatusUnauthorized && (code == gc.SubscriptionFailed || code == gc.AccountLocked):
		cause = fmt.Errorf("%w: %w", cause, ErrPasswordRefused)
	}
	return &gc.Error{Code: code, Op: r.op(), Err: cause, Reason: reasonOf(code)}
}

// ErrPasswordRefused is in the chain of an error that says that the credentials
// were refused: by a 401, or by the notification service. A code alone does not
// say so: Finesse also gives SUBSCRIPTION_FAILED and CF_AGENT_ACCOUNT_LOCKED_OUT
// to a request that it let in, or later in an Update.
var ErrPasswordRefused = errors.New("the password is refused")

// ErrNotAdministrator is in the chain of an error of AllUsers when Finesse
// refused the credentials. They must not be tried again: five wrong passwords
// lock the account.
var ErrNotAdministrator = errors.New("check finesse.admin, which has to name an administrator of Finesse and the password")

// adminRefusal leaves of a code only that Finesse is out of service. All
// others would tell a driver of the agent what is true of the administrator: a
// password, an account, an id.
func adminRefusal(code gc.Code, status int, cause error) (gc.Code, error) {
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		cause = fmt.Errorf("%w: %w", cause, ErrNotAdministrator)
	}
	if code != gc.FinesseUnavailable {
		code = gc.GeneralError
	}
	return code, cause
}

// refusalCode prefers what Finesse says over the status, except where only the
// request tells what the status means. said is not ok when the body was HTML,
// empty or broken, as a Tomcat that refuses a password or just starts sends it.
func refusalCode(r request, status int, said APIError, ok bool) gc.Code {
	code := said.Code()
	switch {
	case code == gc.AccountLocked:
		return code
	case status == http.StatusUnauthorized && !ok:
		return gc.SubscriptionFailed
	case status == http.StatusUnauthorized:
		return deniedCode(r, said, code)
	case status == http.StatusForbidden && code == gc.SubscriptionFailed:
		return r.denied // who is forbidden something is known
	case status == http.StatusNotFound && code == gc.GeneralError:
		return r.missing
	case ok && code != gc.GeneralError:
		return code
	case status >= 300 && status < 400,
		status == http.StatusServiceUnavailable, status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		return gc.FinesseUnavailable
	}
	return gc.GeneralError
}

// deniedCode is for a 401 with a reason, which Finesse itself gives: a wrong
// password is refused before, by its web server, with a page.
//
// "Authorization Failure" alone may mean the password too. About the user
// itself it has to be taken for that, because trying the password again could
// lock the account. About anything else it is about rights: a call may have
// been left by a transfer, a team be led by somebody else, and the session of
// who asked must not end for it. Should it have been the password after all,
// the next request about the user itself finds out, at the price of one
// refusal of the five that lock.
//
// A reason nobody knows is taken for the password everywhere.
func deniedCode(r request, said APIError, code gc.Code) gc.Code {
	switch {
	case said.is("Invalid Supervisor"), said.is("Unauthorized"):
		return code
	case said.is("Invalid Authorization User Specified"), said.is("Authorization Failure") && r.others:
		return r.denied
	case code == gc.GeneralError:
		return gc.SubscriptionFailed
	}
	return code
}

// readAPIError finds Finesse's own account in a body that may be anything.
func readAPIError(body []byte) (APIError, bool) {
	var e apiErrorsElement
	if len(body) > maxUpdateBytes {
		return APIError{}, false
	}
	if _, err := decode(body, &e); err != nil || len(e.Errors) == 0 {
		return APIError{}, false
	}
	return *e.apiError(), true
}

func resultOf(status int, err error) result {
	switch {
	case err == nil:
		return resultOK
	case gc.CodeOf(err) == gc.NotReachable:
		return resultTimeout
	case status == 0:
		return resultIO
	case status < 300:
		return resultMalformed
	case status == http.StatusUnauthorized:
		return resultDenied
	case status < 500:
		return resultRefused
	}
	return resultUnavailable
}
