package broker

import (
	"runtime"
	"strings"
	"testing"

	"github.com/go-stomp/stomp/v3/frame"
	"github.com/stretchr/testify/require"
)

func deliveryOf(headers ...string) *Delivery {
	o := Options{}.withDefaults()
	return newDelivery(&o, incoming{Frame: frame.New(frame.MESSAGE, headers...)})
}

func TestHeadersCopiedToAnAnswerAreBoundedAsTheyTravel(t *testing.T) {
	for rule, id := range map[string]string{
		"in itself": strings.Repeat("x", maxCorrelationID+1),
		"escaped":   strings.Repeat(":", maxCorrelationID/2+1),
		"by lines":  "x\nforged:y",
	} {
		t.Run(rule, func(t *testing.T) {
			d := deliveryOf("correlation-id", id)
			require.ErrorContains(t, d.Unanswerable, "correlation id")
			require.Empty(t, d.CorrelationID)
		})
	}
	d := deliveryOf("correlation-id", strings.Repeat(":", maxCorrelationID/2))
	require.NoError(t, d.Unanswerable)
	require.Len(t, d.CorrelationID, maxCorrelationID/2)
	long := strings.Repeat("x", 10_000)
	d = deliveryOf("type", long, "category", long, "format", long, "reply-to", long, "destination", long, frame.MessageId, long)
	for _, s := range []string{d.Type, d.Category, d.Format, d.ReplyTo, d.Destination, d.MessageID} {
		require.LessOrEqual(t, len(s), maxType)
	}
}

// A delivery lives as long as its command. Keeping a part of a header does not
// keep the rest.
func TestTheCutPartOfAHeaderIsFreed(t *testing.T) {
	const deliveries, length = 100, 1 << 20
	kept := make([]*Delivery, deliveries)
	before := allocated()
	for i := range kept {
		long := strings.Repeat("x", length)
		kept[i] = deliveryOf("type", long, "category", long, "format", long, "reply-to", long, "destination", long, "correlation-id", long, frame.MessageId, long)
	}
	require.Less(t, allocated()-before, deliveries*length/10)
	runtime.KeepAlive(kept)
}

func TestAMessageIDIsNamedOnlyIfABrokerMayHaveMadeIt(t *testing.T) {
	for id, named := range map[string]bool{
		"ID:host.example-34153-1796033790026-1:1:-1:4": true, "ID:kq3w-17": true, "ID:secret": false, "": false, "secret": false, "ID:with blank": false, "ID:\n": false, "ID:ü": false,
	} {
		d := deliveryOf(frame.MessageId, id)
		require.Equal(t, named, d.MessageID != "", id)
	}
}

func TestTheIdentityCoversAllThatIsTheSameEachTime(t *testing.T) {
	first := deliveryOf("type", "T", "timestamp", "1", frame.MessageId, "ID:1", frame.Ack, "1", frame.Subscription, "a")
	again := deliveryOf("redelivered", "true", frame.MessageId, "ID:1", "timestamp", "1", "type", "T", frame.Ack, "2", frame.Subscription, "b")
	require.Equal(t, first.Identity, again.Identity)
	for rule, other := range map[string]*Delivery{
		"another time":      deliveryOf("type", "T", "timestamp", "2", frame.MessageId, "ID:1"),
		"another property":  deliveryOf("type", "T", "timestamp", "1", frame.MessageId, "ID:1", "p", ""),
		"values exchanged":  deliveryOf("type", "1", "timestamp", "T", frame.MessageId, "ID:1"),
		"another id":        deliveryOf("type", "T", "timestamp", "1", frame.MessageId, "ID:2"),
		"one header twice":  deliveryOf("type", "T", "type", "T", "timestamp", "1", frame.MessageId, "ID:1"),
		"nothing in common": deliveryOf(),
	} {
		require.NotEqual(t, first.Identity, other.Identity, rule)
		require.NotZero(t, other.Identity)
	}
}
