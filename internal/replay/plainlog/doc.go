// Package plainlog checks logs as sites have them: the messages between drivers
// and a connector, one in a line, with whatever the logger puts around them. A
// log has only one side of what happened, so it cannot be replayed. It shows
// whether this version reads each command, and whether it writes events like
// these.
package plainlog
