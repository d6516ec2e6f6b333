// Package check tries everything that the connector needs and reports what is wrong
// and how to fix it.
package check

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/app"
	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/finesse/notify"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
	"github.com/finesse-connector/finesse-connector/internal/trust"
)

// Result is the outcome of one check.
type Result struct {
	OK     bool   `json:"ok"`
	What   string `json:"what"`   // broker, certificate, rest, notifications, login, subscription
	Target string `json:"target"` // what was tried
	Detail string `json:"detail"` // what was found, or what went wrong
	Next   string `json:"next"`   // how to fix it; "" when ok
}

// checkTimeout bounds one check.
const checkTimeout = 10 * time.Second

// Run tries the broker and every Finesse node of c and reports each outcome
// once it is known, in a fixed order. With who it also signs in as that agent,
// without changing the agent's state; it does not try a refused password again.
// It returns early when ctx ends.
func Run(ctx context.Context, c *config.Config, who *finesse.Credentials, report func(Result)) {
	k := &check{config: c, who: who, report: report}
	k.brokers(ctx)
	tlsConfig, err := trust.Config(c.Finesse.CAFile, c.Finesse.InsecureSkipVerify)
	if err != nil {
		k.say("certificate", c.Finesse.CAFile, "", err, correct("finesse.ca_file"))
		return
	}
	for _, n := range c.Finesse.Nodes {
		if ctx.Err() == nil {
			k.node(ctx, n, tlsConfig)
		}
	}
}

type check struct {
	config  *config.Config
	who     *finesse.Credentials
	refused bool // the password was
	report  func(Result)
}

// correct returns the trouble with the value of a key.
func correct(key string) trouble.Kind {
	return trouble.Kind{Class: "configuration", Next: "correct " + key}
}

// say reports found, or err with its trouble.
func (k *check) say(what, target, found string, err error, is trouble.Kind) bool {
	r := Result{OK: err == nil, What: what, Target: target, Detail: found}
	if err != nil {
		r.Detail, r.Next = (&trouble.Error{Kind: is, Err: err}).Detail(), is.Next
	}
	k.report(r)
	return r.OK
}

func (k *check) brokers(ctx context.Context) {
	c := k.config.Broker
	if c.Embedded != "" {
		k.embedded(c.Embedded)
		return
	}
	options, err := app.BrokerOptions(c, k.config.Messages.CategoryProperty)
	if err != nil {
		k.say("broker", c.CAFile, "", err, correct("broker.ca_file"))
		return
	}
	for _, address := range c.URLs {
		client, err := broker.Dial(ctx, options, address)
		var known *trouble.Error
		switch {
		case errors.As(err, &known):
			k.say("broker", address, "", known.Err, known.Kind)
		case err != nil:
			k.say("broker", address, "", err, correct("broker.urls"))
		default:
			k.say("broker", address, "lets the connector in, "+client.Server(), nil, trouble.Kind{})
			client.Close()
		}
	}
}

// embedded checks the built-in broker, which a running connector has already
// started.
func (k *check) embedded(address string) {
	l, err := net.Listen("tcp", address)
	if err == nil {
		_ = l.Close()
	}
	k.say("broker", address, "the built-in broker can listen", err, trouble.Kind{
		Class: "cannot listen", Next: "stop what listens there, unless it is the connector itself, or change broker.embedded",
	})
}

func (k *check) node(ctx context.Context, n config.Node, tlsConfig *tls.Config) {
	dialer, err := notify.NewDialer(notify.Options{URL: n.Notify, TLS: tlsConfig, ConnectTimeout: checkTimeout})
	if err != nil {
		k.say("notifications", n.Notify, "", err, correct("finesse.nodes"))
		return
	}
	if !k.certificate(ctx, n.REST, tlsConfig) {
		k.notifications(ctx, n, dialer, finesse.SystemInfo{}, tlsConfig)
		return
	}
	client, err := finesse.NewClient(finesse.Options{BaseURL: n.REST, TLS: tlsConfig, Timeout: k.config.Finesse.RequestTimeout, Retries: k.config.Finesse.Retries})
	if err != nil {
		k.say("rest", n.REST, "", err, correct("finesse.nodes"))
		return
	}
	defer client.Close()
	info := k.systemInfo(ctx, client, n)
	up := k.notifications(ctx, n, dialer, info, tlsConfig)
	if k.who != nil && k.login(ctx, client, n) && up {
		k.subscribe(ctx, n, dialer, info)
	}
}

// certificate connects to the REST interface.
func (k *check) certificate(ctx context.Context, address string, tlsConfig *tls.Config) bool {
	const what = "certificate"
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	u, err := url.Parse(address)
	if err != nil {
		return k.say(what, address, "", err, correct("finesse.nodes"))
	}
	target := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443"))
	conn, err := (&tls.Dialer{Config: trust.For(tlsConfig, u.Hostname())}).DialContext(ctx, "tcp", target)
	if err != nil {
		return k.say(what, address, "", err, finesse.Trouble(err))
	}
	defer conn.Close()
	return k.say(what, address, certificateOf(conn.(*tls.Conn).ConnectionState(), tlsConfig), nil, trouble.Kind{})
}

// notifications connects to the notification service, as far as possible
// without a password.
func (k *check) notifications(ctx context.Context, n config.Node, dialer *notify.Dialer, info finesse.SystemInfo, tlsConfig *tls.Config) bool {
	const what = "notifications"
	state, err := dialer.Probe(ctx, k.domain(n, info))
	if err != nil {
		return k.say(what, n.Notify, "", err, notify.Trouble(err))
	}
	found := "can be reached; passwords travel in clear"
	if state != nil {
		found = certificateOf(*state, tlsConfig)
	}
	return k.say(what, n.Notify, found, nil, trouble.Kind{})
}

// domain returns that of agents: the configuration's, else the node's own, else
// the host of its notification service.
func (k *check) domain(n config.Node, info finesse.SystemInfo) string {
	u, err := url.Parse(n.Notify)
	if err != nil {
		return ""
	}
	return cmp.Or(k.config.Finesse.XMPPDomain, info.XMPPDomain, u.Hostname())
}

func certificateOf(state tls.ConnectionState, tlsConfig *tls.Config) string {
	c := state.PeerCertificates[0]
	trusted := "trusted"
	if tlsConfig.InsecureSkipVerify {
		trusted = "not verified"
	}
	found := fmt.Sprintf("certificate of %s is %s and valid until %s", c.Subject.CommonName, trusted, c.NotAfter.Format(time.DateOnly))
	if trouble.HasCommonNameAlone(c) {
		found += "; it names the host by its common name alone, have it issued anew with a subjectAltName"
	}
	return found
}

func (k *check) systemInfo(ctx context.Context, client *finesse.Client, n config.Node) finesse.SystemInfo {
	info, err := client.SystemInfo(ctx)
	if err == nil {
		err = info.Unusable()
	}
	found := strings.TrimSpace(info.Status + " " + info.DeploymentType)
	if info.SystemAuthMode != "" {
		found += ", systemAuthMode " + info.SystemAuthMode
	}
	k.say("rest", n.REST, found, err, finesse.Trouble(err))
	return info
}

// login proves the password at the REST interface, where a wrong one counts
// once towards locking the account.
func (k *check) login(ctx context.Context, client *finesse.Client, n config.Node) bool {
	if k.refused {
		return k.say("login", n.REST, "", errors.New("the password was refused before"), trouble.Kind{Class: "not tried", Next: "see the first refusal"})
	}
	user, err := client.User(ctx, *k.who)
	k.who.LoginID = user.LoginID
	k.refused = gc.CodeOf(err) == gc.SubscriptionFailed || gc.CodeOf(err) == gc.AccountLocked
	return k.say("login", n.REST, fmt.Sprintf("agent %s is %s", k.who.Agent, user.State), err, finesse.Trouble(err))
}

func (k *check) subscribe(ctx context.Context, n config.Node, dialer *notify.Dialer, info finesse.SystemInfo) {
	stream, err := dialer.Dial(ctx, notify.Account{Credentials: *k.who, Domain: k.domain(n, info)})
	if err == nil {
		stream.Close()
	}
	k.refused = gc.CodeOf(err) == gc.SubscriptionFailed
	k.say("subscription", n.Notify, fmt.Sprintf("agent %s gets its events", k.who.Agent), err, notify.Trouble(err))
}
