// Package broker is the connector's side of the message broker: commands in
// from one queue, events out to the destinations clients named, over STOMP
// 1.2 to ActiveMQ Classic or to the built-in broker.
//
// # Connections
//
// A Broker holds three connections: commands, events to topics, and events to
// everything that is not a topic (queues, reply-tos, temporary destinations),
// because such a destination may vanish with its client and a broker may
// answer a message to it by closing the connection. All three are to the same
// url. Each is opened again with back-off for as long as Run runs. Beside the one
// for commands there is a fourth on ActiveMQ, which is closed with it and asks for
// the broker's numbers when no command comes (places).
//
// # Commands
//
// Deliveries are handed over in the order the broker sent them and are
// acknowledged one by one, so that the commands of one agent can wait without
// holding up those of others. At most Prefetch of them are unacknowledged at a
// time; the broker keeps the rest, and another connector may have them. A
// command that was not acknowledged when its connection ended comes back with
// Redelivered set, or from another Process of the broker, any number of times.
// Acknowledgements are confirmed by the broker (Delivery.AckThen).
//
// # Events
//
// Events of one kind (topic or not) leave in the order of Publish and are kept
// until the broker's receipt proves them; at most window of them are on the
// way at a time. What is unproved when a connection ends is sent again on the
// next one, in order: an event can arrive twice, after a loss, but is not
// lost while the process lives. Messages may say that they do not last as long
// (Lasting); Message.Lost and Options.Restored say when to tell the truth of the
// moment in their place. At most queueLimit events of each kind wait, and
// queueBytes of text; beyond that those that are told again anyway are dropped
// and counted, then the oldest. A broker that confirms nothing
// but still beats is out of memory: events wait on the connection they are on,
// for up to ten minutes, and commands do not wait with them. ActiveMQ may then
// change the order of those that were on the way together. An event the broker
// refuses (no rights, a temporary destination whose owner has gone) is
// dropped, counted and logged, and stops nothing else.
//
// Events are non-persistent. Those to topics have no expiry: they reach who
// is subscribed at that moment and are gone. Others expire after a day: the
// queue of a client that never returns must not grow for ever, while expiry is
// judged by the clocks of the broker and of JMS clients, which may be wrong by
// hours on a desktop without losing an event.
//
// # The library
//
// Frames are written by go-stomp's frame package and read by package framing,
// which believes nothing that a stranger may have written; a message that is no
// frame is found by a sieve. go-stomp's Conn is not used: it has one receipt on
// the way per connection, closes on every ERROR frame without saying which message
// it was about, and never recovers from a receipt that comes late. Here each message
// has its own receipt, many are on the way, an ERROR is matched to its message by
// receipt-id, and reading, writing and beating do not wait for each other.
package broker
