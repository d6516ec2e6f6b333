// Package replay feeds a capture through the connector again, and reports every
// difference between what came out then and what comes out now.
//
// Offline, the real pipeline runs: commands are parsed, sessions ask Finesse
// through the real REST client and receive real updates, events are written.
// Only the edges are played: Finesse's answers and notifications come from the
// capture, and time is virtual. Offline must be called inside a bubble of
// testing/synctest (docs/decisions/0008): there a record is applied, everything
// runs until it waits, and time jumps to the next record. So hours take
// seconds, and the same capture gives the same report, byte for byte.
//
// Requests, events and their order are compared per agent. Request ids, which
// are new each time, are mapped. What was not captured cannot be played: an
// agent is compared from its first Connect on, and nothing that would have come
// after the last record is.
//
// Live, the commands are sent to a broker, and the events that a connector
// sends for them are compared. Time is real, and Finesse is a real one for
// tests or a simulated one, so ids of calls and times are mapped too. A Plan
// says in advance what is sent and what can be expected.
package replay
