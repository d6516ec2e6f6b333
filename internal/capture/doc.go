// Package capture records in a file what crosses the connector's edges:
// commands and events at the broker, requests and answers at Finesse's REST
// interface, updates of its notification service. Package replay feeds such a
// file through the connector again.
//
// It promises:
//
//   - Off costs one atomic read per message. On, Record never blocks: records
//     wait in a queue of queueSize, and those that find no room are counted, in
//     the metrics and in the next record that finds some (Record.Dropped). A
//     slow or full disk never slows a call.
//   - Order: seq numbers the records of a run in the order they crossed the
//     edges, dropped ones included.
//   - No password is ever in a record. One is written as "[secret 1]", the same
//     for the same password throughout a run, so that a replay can tell a right
//     one from a wrong one. The caller hides it (Recorder.Hide).
//   - A file begins with a Header, which has the version of the format and what
//     a replay must know of the configuration; another follows each time that
//     recording begins again. A new file is begun at Options.MaxSize; closed
//     ones are compressed, and Options.Keep of them are kept. Only the owner
//     can read them: they hold names, numbers and call variables.
//
// The format is described in docs/capture.md, and by schema.json for programs.
package capture
