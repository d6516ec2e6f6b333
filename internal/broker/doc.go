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
// url. Each is opened again with back-off for as long as Run runs. On ActiveMQ the
// one for commands has a fourth beside it, which is closed with it and asks for
// the broker's numbers when no command comes (places).
//
// # Commands
//
// Deliveries are handed over in the order the broker sent them and are
// acknowledged one by one, so that the commands of one agent can wait without
// holding up those of others. At most Prefetch of them are unacknowledged at a
// time; the broker keeps the rest, and another connector may have them. A
// command that was not acknowledged when its connection ended comes back, any
// number of times, with Redelivered set or from another Process of the broker.
// Acknowledgements are confirmed by the broker (Delivery.AckThen).
//
// # Events
//
// Events of one kind (topic or not) leave in the order of Publish and are kept
// until the broker's receipt proves them; at most window of them are on the
// way at a time. Events that are unproved when a connection ends are sent again
// on the next one, in order: after a loss an event can arrive twice, but none
// is lost while the process lives. A message may be made to last less long
// (Lasting); Message.Lost and Options.Restored say when to report the current
// state in its place. At most queueLimit events of each kind wait, and
// queueBytes of text; beyond that, events that are reported again anyway are
// dropped and counted, then the oldest. A broker that confirms nothing but
// still sends heart-beats is out of memory: events wait on their connection,
// for up to ten minutes, and commands do not wait with them. ActiveMQ may then
// change the order of events that were on the way together. An event the broker
// refuses (no rights, a temporary destination whose owner has gone) is dropped,
// counted and logged, and stops nothing else.
//
// Events are non-persistent. Those to topics have no expiry: they reach whoever
// is subscribed at that moment and are gone. Others expire after a day: the
// queue of a client that never returns must not grow for ever, but the clocks
// of the broker and of JMS clients judge expiry, and one on a desktop may be
// wrong by hours without losing an event.
//
// # The library
//
// Frames are written by go-stomp's frame package and read by package framing,
// which trusts nothing that a stranger may have written; a sieve finds a message
// that is not a frame. go-stomp's Conn is not used: it allows one receipt on the
// way per connection, closes on every ERROR frame without saying which message it
// was about, and never recovers from a late receipt. Here each message has its
// own receipt, many are on the way, an ERROR is matched to its message by
// receipt-id, and reads, writes and heart-beats do not wait for each other.
package broker
