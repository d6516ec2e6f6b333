package wire_test

import (
	"testing"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// BenchmarkWrite writes the most frequent event: an InboundCall of two
// parties, and the same with 60 ECC variables.
func BenchmarkWrite(b *testing.B) {
	typical := call("16871253", "1001", gc.Active, "4085551234", "2019-09-17 15:32:15",
		gc.Participant{MediaAddress: "4085551234", State: gc.Active},
		gc.Participant{MediaAddress: "1101", State: gc.Active, AddressType: "AGENT_DEVICE", Start: at("2019-09-17 15:32:20")})
	typical.Variables = []gc.CallVariable{{Name: "callVariable1", Value: "4711"}, {Name: "callVariable2", Value: "gold"}, {Name: "user.locale", Value: "de_DE"}}
	for _, f := range wire.Formats {
		for _, x := range []struct {
			name  string
			event gc.Event
		}{{"typical", gc.InboundCall{Call: typical}}, {"60-variables", gc.InboundCall{Call: bigCall}}} {
			b.Run(string(f)+"/"+x.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					writer.Write(f, x.event)
				}
			})
		}
	}
}
