package simulator

import (
	"cmp"
	"fmt"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// CampaignMode is how an outbound campaign brings agents and customers
// together.
type CampaignMode string

// The modes.
const (
	Preview     CampaignMode = "PREVIEW"     // the agent decides whether the customer is called
	Predictive  CampaignMode = "PREDICTIVE"  // the agent gets a customer who has answered
	Progressive CampaignMode = "PROGRESSIVE" // the same; only BAStatus differs
)

// CampaignCall is a customer an outbound campaign wants an agent to talk to.
type CampaignCall struct {
	Mode      CampaignMode      // default Preview
	Customer  string            // the number to call, of an outside party or one that fails
	Campaign  string            // default "Spring"
	Account   string            // the customer's account number
	Name      string            // the customer's, "last, first"
	Variables map[string]string // as those of Call
}

// dialerPort is where reservations come from.
const dialerPort = "59001"

func (c *CampaignCall) check() error {
	c.Mode, c.Campaign = cmp.Or(c.Mode, Preview), cmp.Or(c.Campaign, "Spring")
	switch c.Mode {
	case Preview, Predictive, Progressive:
	default:
		return fmt.Errorf("mode %q is not known: PREVIEW, PREDICTIVE and PROGRESSIVE are", c.Mode)
	}
	if _, fails := failing[c.Customer]; !isOutside(c.Customer) && !fails {
		return fmt.Errorf("customer %q is not an outside number", c.Customer)
	}
	for _, text := range []string{c.Campaign, c.Account, c.Name} {
		if len(text) > maxVariable {
			return fmt.Errorf("%q is longer than %d bytes", text, maxVariable)
		}
	}
	return checkVariables(listed(c.Variables))
}

// data are the call variables of the reservation or of the customer's call.
func (c *CampaignCall) data(status string) []gc.CallVariable {
	return append(withVariables(emptyVariables(), listed(c.Variables)),
		gc.CallVariable{Name: "BAAccountNumber", Value: c.Account},
		gc.CallVariable{Name: "BABuddyName", Value: c.Name},
		gc.CallVariable{Name: "BACampaign", Value: c.Campaign},
		gc.CallVariable{Name: "BADialedListID", Value: "1"},
		gc.CallVariable{Name: "BAResponse"},
		gc.CallVariable{Name: "BAStatus", Value: status},
		gc.CallVariable{Name: "BATimeZone", Value: "0"},
	)
}

// campaignCall reserves an agent for a campaign.
func (b *switchboard) campaignCall(agent gc.AgentID, c CampaignCall) (gc.DialogID, error) {
	return b.route(agent, c.check, func(u *user) *dialog {
		if c.Mode == Preview {
			return b.reserve(u, &c)
		}
		d := b.customerCall(u, &c, string(c.Mode)+"_OUTBOUND")
		d.reserves = gc.ReservedOutbound
		b.settle(u)
		b.later(func() { b.putThrough(d, u) })
		return d
	})
}

// reserve asks an agent whether to call a customer.
func (b *switchboard) reserve(u *user, c *CampaignCall) *dialog {
	d := b.newDialog()
	d.campaign, d.reserves = c, gc.ReservedPreview
	d.from, d.to, d.dnis, d.dialled = dialerPort, string(u.extension), string(u.extension), string(u.extension)
	u.reserved = d
	b.settle(u)
	b.later(func() { b.offer(d, u) })
	return d
}

// soon is the time between the first packet of a reservation, which looks like
// a direct call, and the one that says what it is (reported of UCCE).
const soon = 20 * time.Millisecond

func (b *switchboard) offer(d *dialog, u *user) {
	if u.reserved != d {
		return
	}
	d.state = gc.Alerting
	d.addLeg(&leg{address: dialerPort, state: gc.Initiated}, b.now())
	l := d.addLeg(&leg{user: u, address: string(u.extension), callType: "OTHER_IN", state: gc.Alerting}, b.now())
	b.post(l)
	b.after(min(b.delay(), soon), func() {
		if l.state == gc.Alerting {
			l.callType, d.callback = "OUTBOUND_PREVIEW", d.campaign.Customer
			d.variables = d.campaign.data("PREVIEW_OUTBOUND_RESERVATION")
			b.put(d, origin{})
		}
	})
	d.ringing = b.after(b.ringTimeout, func() {
		if l.state == gc.Alerting {
			b.notAnswered(l)
		}
	})
}

// accept ends the reservation and calls the customer.
func (b *switchboard) accept(l *leg, by origin) {
	d, u := l.dialog, l.user
	d.state = gc.Accepted
	l.set(gc.Accepted, b.now())
	b.put(d, by)
	b.leave(l)
	next := b.customerCall(u, d.campaign, "PREVIEW_OUTBOUND")
	next.associated, next.reserves = d.id, gc.ReservedPreview
	b.settle(u)
	b.later(func() { b.callCustomer(next, u) })
}

// decline is REJECT, which keeps the customer's record open, and CLOSE, which
// does not: the agent sees no difference.
func (b *switchboard) decline(l *leg) {
	b.leave(l)
	b.settle(l.user)
}

// customerCall is a dialer's call, which the agent is reserved for.
func (b *switchboard) customerCall(u *user, c *CampaignCall, status string) *dialog {
	d := b.newDialog()
	d.from, d.to, d.dnis, d.dialled = string(u.extension), c.Customer, c.Customer, c.Customer
	d.variables = c.data(status)
	u.reserved = d
	return d
}

// callCustomer dials for the agent; the phones do the rest as for any call.
func (b *switchboard) callCustomer(d *dialog, u *user) {
	if u.reserved != d {
		return
	}
	d.state = gc.Initiated
	l := d.addLeg(&leg{user: u, address: d.from, callType: "OUTBOUND", state: gc.Initiated}, b.now())
	b.post(l)
	b.later(func() { b.connect(l) })
}

// putThrough gives the agent a customer who has answered. The agent's phone
// answers by itself.
func (b *switchboard) putThrough(d *dialog, u *user) {
	if u.reserved != d {
		return
	}
	d.state = gc.Alerting
	l := d.addLeg(&leg{user: u, address: d.from, callType: "OUTBOUND", state: gc.Alerting}, b.now())
	d.addLeg(&leg{address: d.to, state: gc.Active}, b.now())
	b.post(l)
	b.later(func() { b.answered(l) })
}
