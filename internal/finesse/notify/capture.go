package notify

import (
	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// record captures something of an agent's stream.
func (d *Dialer) record(agent gc.AgentID, what, topic string, body []byte, err error) {
	if !d.capture.On() {
		return
	}
	x := capture.Record{Dir: capture.In, Edge: capture.Notify, Agent: agent, Type: what, Node: d.node, Topic: topic, Body: string(body)}
	if err != nil {
		x.Code, x.Problem = string(gc.CodeOf(err)), err.Error()
	}
	d.capture.Record(x)
}

// Record captures that an agent's stream was refused before it was dialled.
func (d *Dialer) Record(agent gc.AgentID, err error) { d.record(agent, capture.Refused, "", nil, err) }

// dialled is what an attempt to open a stream is captured as.
func dialled(err error) string {
	if err != nil {
		return capture.Refused
	}
	return capture.Opened
}
