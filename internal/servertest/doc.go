// Package servertest runs the real servers that the connector's tests talk to:
// the ActiveMQ and the XMPP server that Debian ships, each as a child process
// on free loopback ports with its files in a temporary directory. A missing
// server fails the test: "make deps" installs them.
package servertest
