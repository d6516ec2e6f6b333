package wire_test

import (
	"fmt"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func call(dialog gc.DialogID, agent gc.AgentID, state gc.CallState, from, start string, parties ...gc.Participant) gc.Call {
	return gc.Call{Agent: agent, FullName: string(agent) + " riaz", Dialog: dialog, State: state, From: from, Start: at(start), Participants: parties}
}

// bigCall has the variables of a large installation: all ten, and 60 ECC
// variables half of which are elements of an array.
var bigCall = func() gc.Call {
	c := call("16871299", "1001", gc.Active, "4085551234", "2019-09-17 15:32:15",
		gc.Participant{MediaAddress: "4085551234", State: gc.Active},
		gc.Participant{MediaAddress: "1101", State: gc.Active, AddressType: "AGENT_DEVICE", Start: at("2019-09-17 15:32:20")})
	for i := range 10 {
		c.Variables = append(c.Variables, gc.CallVariable{Name: fmt.Sprint("callVariable", i+1), Value: fmt.Sprint("value ", i+1)})
	}
	for i := range 30 {
		c.Variables = append(c.Variables,
			gc.CallVariable{Name: fmt.Sprintf("user.history[%d]", i), Value: fmt.Sprintf("2019-09-17 step %d", i)},
			gc.CallVariable{Name: fmt.Sprintf("user.customer_field_%d", i), Value: "https://crm.example.com/c/4711"})
	}
	return c
}()

var baValues = map[string]string{
	"BACampaign": "Spring, 2019", "BAStatus": "DP", "BADialedListID": "5019", "BACampaignID": "5000",
	"BACustomerNumber": "4085551234", "BATimeZone": "GMT +01:00", "BABuddyName": "Müller#Ida",
}

var callExamples = []example{
	{"new-inbound-call", gc.NewInboundCall{Call: call("16871263", "jehanzeb4", gc.Alerting, "1006", "2019-09-17 15:32:15")}},
	{"new-inbound-call-from-a-withheld-number", gc.NewInboundCall{Call: call("16871264", "1001", gc.Alerting, "", "2019-09-17 15:32:15")}},
	{"new-inbound-call-of-a-consultation", gc.NewInboundCall{Call: func() gc.Call {
		c := call("17672721", "5000", gc.Alerting, "42512", "2022-07-22 18:16:47")
		c.Previous, c.Type = "17672718", "CONSULT_OFFERED"
		return c
	}()}},
	{"new-outbound-call", gc.NewOutboundCall{Call: func() gc.Call {
		c := call("16871300", "1001", gc.Initiating, "1101", "2019-09-17 15:32:15")
		c.To, c.Type, c.Customer = "4085551234", "OUTBOUND", "4085551234"
		for _, name := range []string{"BACampaign", "BAStatus", "BAResponse", "BAAccountNumber", "BADialedListID", "BACampaignID", "BACustomerNumber", "BATimeZone", "BABuddyName"} {
			c.Variables = append(c.Variables, gc.CallVariable{Name: name, Value: baValues[name]})
		}
		return c
	}()}},
	{"inbound-call-initiated", gc.InboundCall{Call: call("16871253", "jehanzeb6", gc.Initiated, "4012", "2019-09-17 15:32:15",
		gc.Participant{MediaAddress: "1006", State: gc.Initiated, AddressType: "AGENT_DEVICE"})}},
	{"inbound-call-held", gc.InboundCall{Call: call("16874257", "jehanzeb4", gc.Held, "1005", "2019-09-20 16:25:14",
		gc.Participant{MediaAddress: "1005", State: gc.Active},
		gc.Participant{MediaAddress: "1004", State: gc.Held, AddressType: "AGENT_DEVICE"})}},
	{"inbound-call-of-three", gc.InboundCall{Call: call("16871286", "jehanzeb4", gc.Active, "1005", "2019-09-17 17:16:10",
		gc.Participant{MediaAddress: "1005", State: gc.Active},
		gc.Participant{MediaAddress: "1004", State: gc.Active, AddressType: "AGENT_DEVICE"},
		gc.Participant{MediaAddress: "1006", State: gc.Active, AddressType: "AGENT_DEVICE"})}},
	{"inbound-call-dropped", gc.InboundCall{Call: call("16871284", "jehanzeb6", gc.Dropped, "4012", "2019-09-17 15:32:15")}},
	{"inbound-call-failed", gc.InboundCall{Call: func() gc.Call {
		c := call("16871290", "jehanzeb6", gc.Failed, "1006", "2019-09-17 15:32:15")
		c.Cause = "BUSY"
		return c
	}()}},
	{"inbound-call-of-another", gc.InboundCall{Call: func() gc.Call {
		c := call("16871291", "jehanzeb6", gc.Active, "4012", "2019-09-17 15:32:15")
		c.Previous, c.Handed = "16871284", "16871284"
		return c
	}()}},
	{"inbound-call-with-variables", gc.InboundCall{Call: func() gc.Call {
		c := call("16871292", "1001", gc.Active, "", "2019-09-17 15:32:15")
		c.FullName = "Zoë O'Brien"
		c.Variables = []gc.CallVariable{{Name: "user.cvp_url", Value: "http://h/?a=1|2#3,4"}, {Name: "callVariable10", Value: "<ten> & \"10\""}, {Name: "callVariable1", Value: "😀"}}
		return c
	}()}},
	{"inbound-call-of-a-consultation", gc.InboundCall{Call: func() gc.Call {
		c := call("17672721", "5000", gc.Active, "42512", "2022-07-22 18:16:47",
			gc.Participant{MediaAddress: "42053", State: gc.Active, AddressType: "AGENT_DEVICE", Start: at("2022-07-22 18:16:47")},
			gc.Participant{MediaAddress: "42512", State: gc.Active, AddressType: "AGENT_DEVICE", Start: at("2022-07-22 18:16:47")})
		c.Previous, c.Type = "17672718", "CONSULT"
		c.Variables = []gc.CallVariable{{Name: "callVariable4", Value: "CONSULT"}, {Name: "callVariable7", Value: "42035"}, {Name: "callVariable8", Value: "MAINAPP"},
			{Name: "user.microapp.locale", Value: "en-us"}, {Name: "user.microapp.media_server", Value: "http://192.168.1.72"}}
		return c
	}()}},
	{"inbound-call-wrap-up", gc.InboundCall{Call: call("16871284", "jehanzeb6", gc.WrapUp, "4012", "2019-09-17 15:32:15")}},
	{"consult-call-initiated", gc.ConsultCall{Call: func() gc.Call {
		c := call("16871288", "jehanzeb4", gc.Initiated, "1004", "2019-09-17 17:17:03",
			gc.Participant{MediaAddress: "1004", State: gc.Initiated, AddressType: "AGENT_DEVICE"})
		c.To, c.Previous, c.Type = "1006", "16871286", "CONSULT"
		return c
	}()}},
	{"consult-call-dropped", gc.ConsultCall{Call: call("16871288", "jehanzeb4", gc.Dropped, "1004", "2019-09-17 17:17:03")}},
	{"consult-call-failed", gc.ConsultCall{Call: func() gc.Call {
		c := call("16871288", "jehanzeb4", gc.Failed, "1004", "2019-09-17 17:17:03")
		c.Cause = "BUSY"
		return c
	}()}},
	{"dialog-status", gc.DialogStatus{Call: call("16871286", "jehanzeb6", gc.Active, "1005", "2019-09-17 17:16:10")}},
	{"dialog-status-of-a-consultation", gc.DialogStatus{
		Call: call("16871286", "jehanzeb6", gc.Held, "1005", "2019-09-17 17:16:10"),
		Associated: func() *gc.Call {
			c := call("16871288", "jehanzeb6", gc.Active, "1004", "2019-09-17 17:17:03")
			return &c
		}(),
	}},
	{"dialog-state-controls", gc.DialogStateControls{Call: call("16871286", "jehanzeb6", gc.Held, "1005", "2019-09-17 17:16:10")}},
	{"dialog-state-controls-of-a-consultation", gc.DialogStateControls{Call: call("16871288", "jehanzeb6", gc.Active, "1004", "2019-09-17 17:17:03"), Consult: true}},
	{"dialog-state", gc.DialogState{Call: call("16871286", "jehanzeb6", gc.Held, "1005", "2019-09-17 17:16:10")}},
	{"dialog-state-of-a-consultation", gc.DialogState{
		Call: call("16871286", "jehanzeb6", gc.Held, "1005", "2019-09-17 17:16:10"),
		Associated: func() *gc.Call {
			c := call("16871288", "jehanzeb6", gc.Active, "1004", "2019-09-17 17:17:03")
			return &c
		}(),
	}},
	{"dialog-state-not-found", gc.DialogState{Call: gc.Call{Agent: "1001", FullName: "Ann Smith", Dialog: "99", State: gc.NotFound}}},
	{"inbound-call-with-60-variables", gc.InboundCall{Call: bigCall}},
	{"new-inbound-call-with-60-variables", gc.NewInboundCall{Call: bigCall}},
	{"inbound-call-barged-in", gc.InboundCall{Call: call("16871286", "1001", gc.Active, "4085551234", "2019-09-17 17:16:10",
		gc.Participant{MediaAddress: "4085551234", State: gc.Active},
		gc.Participant{MediaAddress: "1101", State: gc.Active, AddressType: "AGENT_DEVICE", Start: at("2019-09-17 17:16:10")},
		gc.Participant{MediaAddress: "1102", State: gc.Active, AddressType: "AGENT_DEVICE", BargedIn: true, Start: at("2019-09-17 17:18:00")})}},
	{"inbound-call-of-a-silent-monitor", gc.InboundCall{Call: func() gc.Call {
		c := call("16871301", "2001", gc.Active, "1102", "2019-09-17 17:16:10", gc.Participant{MediaAddress: "1102", State: gc.Active, AddressType: "AGENT_DEVICE"})
		c.Type = "SUPERVISOR_MONITOR"
		return c
	}()}},
	{"agent-dialog-state", gc.AgentDialogState{Call: call("16871286", "jehanzeb6", gc.Held, "1005", "2019-09-17 17:16:10")}},
}
