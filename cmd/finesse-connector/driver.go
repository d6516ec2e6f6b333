package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// event is what the demo's driver understands of an event.
type event struct {
	message
	kind   string // System, State, InboundCall, …
	state  string // or status, or error; "" where the kind has none
	dialog gc.DialogID
}

func (e event) is(want string) bool {
	kind, state, _ := strings.Cut(want, " ")
	return e.kind == kind && (state == "" || e.state == state)
}

// parseEvent reads any format.
func parseEvent(m message) event {
	r, _ := wire.ReadEvent(m.Body, "")
	state := r.Get("State") + r.Get("Status") + r.Get("Code")
	return event{message: m, kind: r.Name, state: state, dialog: gc.DialogID(r.Get("Dialog"))}
}

// driver is a small CRM driver. It talks to the connector only through the
// broker.
type driver struct {
	client      *broker.Client
	destination string
	format      wire.Format
	events      chan event
	dialog      gc.DialogID   // of the last call it heard of
	patience    time.Duration // with each command
}

// driverPatience is for a busy machine; nothing takes a second.
const driverPatience = 5 * time.Second

// newDriver connects a driver that listens on the topic destination. The
// caller closes its client.
func newDriver(ctx context.Context, url, destination string, format wire.Format) (*driver, error) {
	client, err := broker.Dial(ctx, broker.Options{}, url)
	if err != nil {
		return nil, err
	}
	// When more events wait than a call has, the broker waits.
	d := &driver{client: client, destination: destination, format: format, events: make(chan event, 64), patience: driverPatience}
	err = client.Subscribe(ctx, "/topic/"+destination, func(m *broker.Delivery) {
		select {
		case d.events <- parseEvent(newMessage(m)):
		case <-client.Done():
		}
	})
	if err != nil {
		client.Close()
		return nil, err
	}
	return d, nil
}

// send sends a command to the connector.
func (d *driver) send(ctx context.Context, o order) error {
	ctx, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	c := config.Default()
	m := o.outgoing(c.Broker.CommandQueue, c.Messages.CategoryProperty)
	m.Headers["format"] = string(d.format)
	if err := d.client.Send(ctx, m); err != nil {
		return fmt.Errorf("send %s: %w", o, err)
	}
	return nil
}

// await passes events to see until all of want have come, in any order: those
// about the agent and those about its calls are not ordered against each other.
func (d *driver) await(ctx context.Context, want []string, see func(event)) error {
	timeout := time.NewTimer(d.patience)
	defer timeout.Stop()
	missing := slices.Clone(want)
	for len(missing) > 0 {
		select {
		case e := <-d.events:
			see(e)
			if e.dialog != "" {
				d.dialog = e.dialog
			}
			if e.kind == "Error" {
				return fmt.Errorf("the connector answered %s instead of %s", e.state, strings.Join(missing, " and "))
			}
			missing = without(missing, e)
		case <-timeout.C:
			return fmt.Errorf("%s did not come within %s", strings.Join(missing, " and "), d.patience)
		case <-d.client.Done():
			return fmt.Errorf("the broker went away: %w", d.client.Err())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// without is missing less the first that e is.
func without(missing []string, e event) []string {
	if i := slices.IndexFunc(missing, e.is); i >= 0 {
		return slices.Delete(missing, i, i+1)
	}
	return missing
}
