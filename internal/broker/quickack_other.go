//go:build !linux

package broker

// quickAck does nothing: the option is Linux' own. Elsewhere set
// transport.tcpNoDelay=true on ActiveMQ's stomp connector.
func quickAck(uintptr) {}
