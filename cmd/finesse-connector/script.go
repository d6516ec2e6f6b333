package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// Who takes part in the demo.
const (
	demoAgent       = "1001"
	demoExtension   = "2001"
	demoDestination = "demo"
	demoCaller      = "4085551234"
	demoCallee      = "4085556789"
)

// scene is one step of the demo: a command, or a call from outside, and the
// events it leads to.
type scene struct {
	caption    string
	command    string // [category/]Type#id
	parameters string // {password} and {dialog} are filled in
	call       bool   // a caller dials in instead
	want       []string
}

// script is the day of an agent in short.
var script = []scene{
	{caption: "The driver says where its events go and asks whether Finesse can be used", command: "system/Hello#" + demoDestination,
		want: []string{"System IN_SERVICE"}},
	{caption: "It proves an agent's password; success has no answer", command: "agent_info/Connect#" + demoAgent, parameters: demoDestination + ",{password}"},
	{caption: "The agent signs in at a phone", command: "agent_state/Login#" + demoAgent, parameters: "{password}," + demoExtension,
		want: []string{"AgentInfo", "State NOT_READY"}},
	{caption: "The agent is ready for calls", command: "agent_state/MakeReady#" + demoAgent,
		want: []string{"State READY"}},
	{caption: "A customer calls, the phone rings", call: true,
		want: []string{"State RESERVED", "NewInboundCall", "InboundCall ALERTING"}},
	{caption: "The agent answers", command: "agent_call/AnswerCall#" + demoAgent, parameters: "{dialog}",
		want: []string{"InboundCall ACTIVE", "State TALKING"}},
	{caption: "The agent puts the customer on hold", command: "agent_call/HoldCall#" + demoAgent, parameters: "{dialog}",
		want: []string{"InboundCall HELD", "State HOLD"}},
	{caption: "The agent comes back", command: "agent_call/RetrieveCall#" + demoAgent, parameters: "{dialog}",
		want: []string{"InboundCall ACTIVE", "State TALKING"}},
	{caption: "The agent ends the call", command: "agent_call/ReleaseCall#" + demoAgent, parameters: "{dialog}",
		want: []string{"InboundCall DROPPED", "State READY"}},
	{caption: "The agent calls a customer; who dials is no longer ready for other calls", command: "agent_call/MakeCall#" + demoAgent, parameters: demoCallee,
		want: []string{"InboundCall INITIATED", "InboundCall ACTIVE", "State TALKING"}},
	{caption: "The agent ends that call, too", command: "agent_call/ReleaseCall#" + demoAgent, parameters: "{dialog}",
		want: []string{"InboundCall DROPPED", "State NOT_READY"}},
	{caption: "The agent goes home", command: "agent_state/Logout#" + demoAgent,
		want: []string{"State LOGOUT"}},
}

// play performs the script.
func play(ctx context.Context, finesse *simulator.Simulator, d *driver, t *transcript) error {
	for i, s := range script {
		t.caption(i+1, s.caption)
		if err := perform(ctx, s, finesse, d, t); err != nil {
			return fmt.Errorf("step %d of the demo failed: %w", i+1, err)
		}
	}
	return nil
}

func perform(ctx context.Context, s scene, finesse *simulator.Simulator, d *driver, t *transcript) error {
	if s.call {
		t.outside("a call from " + demoCaller)
		_, err := finesse.Call(demoAgent, simulator.Call{From: demoCaller, Variables: map[string]string{"callVariable1": "Chuck Smith"}})
		if err != nil {
			return err
		}
		return d.await(ctx, s.want, t.received)
	}
	o, err := parseOrder(s.command, fillIn(s.parameters, d.dialog))
	if err != nil {
		return err
	}
	t.sent(o)
	if err := d.send(ctx, o); err != nil {
		return err
	}
	return d.await(ctx, s.want, t.received)
}

func fillIn(parameters string, dialog gc.DialogID) string {
	return strings.NewReplacer("{password}", demoPassword, "{dialog}", string(dialog)).Replace(parameters)
}
