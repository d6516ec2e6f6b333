// Package replay feeds what a capture holds through the connector again, and
// tells every difference between what came out then and what comes out now.
//
// Offline, the real pipeline runs: commands are parsed, sessions ask Finesse
// through the real REST client and are told by real updates, events are
// written. Only the edges are played: what Finesse answered and notified comes
// from the capture, and time is virtual. Offline must be called inside a bubble
// of testing/synctest (docs/decisions/0008): there a record is applied, then
// everything runs until it waits, then time jumps to the next record. So hours
// take seconds, and the same capture gives the same report, byte for byte.
//
// Requests, events and their order are compared per agent. What differs by
// nature is mapped: request ids, which are new each time. What was not captured
// cannot be played: an agent is compared from its first Connect on, and what
// would have come after the last record is not.
//
// Live, the commands are sent to a broker, and the events that a connector
// sends for them are compared. Time is real, and Finesse is a real one for
// tests or a simulated one, so ids of calls and times are mapped too. A Plan
// says before what is sent and what can be expected.
package replay
