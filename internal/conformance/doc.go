// Package conformance holds the connector against the document that defines
// the protocol (the seed). Each row of the seed is here as data, transcribed
// independently of the tables the connector works by, and once: it is the judge
// of what those say. For each the package finds where it is implemented, which
// golden files prove it and where docs/protocol.md, which it writes, describes
// it; a row that lacks one of the three fails the tests by name.
//
// Proof is looked for, never declared: a command is proved by a conversation
// in which a driver sends it, an event by a golden message of its form, an
// error code and a user message by a conversation in which a driver gets it.
// What the document says of fields and forms is compared with the golden
// messages too, so that it cannot fall behind them.
package conformance

//go:generate go test -run ^TestGenerated -count=1 . -update
