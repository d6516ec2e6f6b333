package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/xmppo/go-xmpp"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// connection is what an attempt that succeeded gives.
type connection struct {
	client *xmpp.Client
	conn   net.Conn
	tap    *tap
}

// connect runs the library's NewClient, which has no time limit, beside
// itself and leaves it alone when ctx ends.
func (d *Dialer) connect(ctx context.Context, address string, a Account) (connection, error) {
	type outcome struct {
		connection
		err error
	}
	done, gone := make(chan outcome), make(chan struct{})
	go func() {
		var o outcome
		o.connection, o.err = d.attempt(address, a, gone)
		select {
		case done <- o:
		case <-gone:
			if o.err == nil {
				forceClose(o.conn)
			}
			d.abandoned.Add(-1)
			d.metrics.abandoned.Dec()
		}
	}()
	select {
	case o := <-done:
		return o.connection, o.err
	case <-ctx.Done():
		d.abandoned.Add(1)
		d.metrics.abandoned.Inc()
		close(gone)
		return connection{}, gc.Errorf(gc.UnableToSubscribe, opDial, "%s did not let the agent in in time: %w", d.host, ctx.Err())
	}
}

func (d *Dialer) attempt(address string, a Account, gone <-chan struct{}) (connection, error) {
	t := &tap{gone: gone, deadAfter: d.deadAfter}
	options := xmpp.Options{
		Host:        d.host,
		User:        address,
		Password:    a.Password.Reveal(),
		Resource:    d.resource,
		DialTimeout: d.connectTimeout,
		NoTLS:       !d.directTLS,
		StartTLS:    true,
		TLSConfig:   d.tls,
		// Passwords are checked by the contact centre, which PLAIN alone
		// allows; without a name the library would not pick it in clear text.
		Mechanism:                    "PLAIN",
		InsecureAllowUnencryptedAuth: !d.directTLS,
		Session:                      true, // older servers want it, newer ones ignore it
		// Not for debugging: it is the one place that sees the bytes. The
		// password does not pass it.
		Debug:       true,
		DebugWriter: t,
	}
	var client *xmpp.Client
	err := protect(func() (err error) {
		client, err = options.NewClient()
		return err
	})
	if err != nil {
		d.refused.add()
		return connection{}, d.refusal(err, t)
	}
	conn, err := socketOf(client)
	if err != nil {
		return connection{}, gc.Errorf(gc.UnableToSubscribe, opDial, "%w", err)
	}
	return connection{client: client, conn: conn, tap: t}, nil
}

// protect turns a panic of the library, which handles what a server sends,
// into the loss of one stream.
func protect(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("go-xmpp panicked: %v", p)
		}
	}()
	return f()
}

// notTheCredentials are the conditions of a SASL failure that say nothing
// about the password (RFC 6120, 6.5).
var notTheCredentials = [][]byte{
	[]byte("<temporary-auth-failure"), []byte("<aborted"), []byte("<encryption-required"), []byte("<incorrect-encoding"),
	[]byte("<invalid-mechanism"), []byte("<malformed-request"), []byte("<mechanism-too-weak"),
}

// refusal reads the library's error. It shows the server's text for a SASL
// failure instead of the condition, which is therefore looked for in what the
// server sent.
func (d *Dialer) refusal(err error, t *tap) error {
	code := gc.UnableToSubscribe
	if strings.HasPrefix(err.Error(), "auth failure: ") {
		code = gc.SubscriptionFailed
		for _, condition := range notTheCredentials {
			if bytes.Contains(t.recent, condition) {
				code = gc.UnableToSubscribe
			}
		}
	}
	return gc.Errorf(code, opDial, "%s: %w", d.host, finesse.ExplainCertificate(d.host, err))
}

func dialResult(err error) dialOutcome {
	switch {
	case gc.CodeOf(err) == gc.SubscriptionFailed:
		return dialCredentials
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return dialTimeout
	}
	return dialFailed
}

// refusals counts the attempts that failed and so left a socket to the
// garbage collector, and calls it when they are many. It would come by itself
// within two minutes, in which 2,000 agents in front of a server that is just
// starting can use up the descriptors of the process.
type refusals struct {
	mu    sync.Mutex
	count int
	last  time.Time
}

const (
	refusalsPerCollection = 128
	collectionPause       = 5 * time.Second
)

func (r *refusals) add() {
	r.mu.Lock()
	r.count++
	due := r.count >= refusalsPerCollection && time.Since(r.last) >= collectionPause
	if due {
		r.count, r.last = 0, time.Now()
	}
	r.mu.Unlock()
	if due {
		runtime.GC()
	}
}
