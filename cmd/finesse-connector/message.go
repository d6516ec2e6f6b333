package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// message is a message from the broker, as programs read it.
type message struct {
	Time          time.Time `json:"time"` // when it arrived
	Destination   string    `json:"destination"`
	Category      string    `json:"category"`
	Type          string    `json:"type,omitempty"`
	CorrelationID string    `json:"correlationId,omitempty"`
	Body          string    `json:"body"`
}

func newMessage(d *broker.Delivery) message {
	return message{
		Time: time.Now(), Destination: d.Destination,
		Category: d.Category, Type: d.Type, CorrelationID: d.CorrelationID, Body: d.Body,
	}
}

// line returns the message without time and destination, as people read it.
func (m message) line() string {
	category := m.Category
	if category == "" {
		category = "-"
	}
	if m.Type != "" {
		category += "/" + m.Type
	}
	return printable(category + " " + m.Body)
}

// writeJSON writes one line.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// order is a command as people write it: [category/]Type#id and parameters.
type order struct {
	category   string
	typ        string
	parameters string
}

// parseOrder takes the first "/" for the end of the category unless it belongs
// to a destination such as "Hello#/topic/desk". It leaves the command to the
// connector to judge.
func parseOrder(name, parameters string) (order, error) {
	command, _, ok := strings.Cut(name, "#")
	if !ok {
		return order{}, fmt.Errorf("command %q is not of the form [category/]Type#id, for example agent_state/GetState#1001", name)
	}
	o := order{typ: name, parameters: parameters}
	if category, rest, ok := strings.Cut(command, "/"); ok {
		o.category, o.typ = category, rest+name[len(command):]
	}
	return o, nil
}

// String shows passwords as stars.
func (o order) String() string {
	s := o.typ
	if o.category != "" {
		s = o.category + "/" + s
	}
	if o.parameters == "" {
		return s
	}
	return printable(s + " " + o.masked())
}

const stars = "****"

// masked returns the parameters without passwords, nor what may be one that was typed
// in a wrong place.
func (o order) masked() string {
	_, shown := wire.Redact(o.typ, o.parameters, func(string) string { return stars }, func(*gc.CommandSpec, gc.Destination) string { return "" })
	return shown
}

func (o order) outgoing(queue, categoryProperty string) broker.Outgoing {
	headers := map[string]string{"type": o.typ}
	if o.category != "" {
		headers[categoryProperty] = o.category
	}
	return broker.Outgoing{Destination: "/queue/" + queue, Headers: headers, Body: o.parameters}
}
