// Package plainlog checks logs as sites have them: the messages between drivers
// and a connector, one in a line, with whatever the logger puts around them. It
// has only one side of what happened, so nothing can be replayed from it. What
// it can tell is whether this version reads each command, and whether it writes
// events like these.
package plainlog
