//go:build !linux

package broker

// quickAck does nothing: only Linux has the option. Elsewhere set
// transport.tcpNoDelay=true on ActiveMQ's stomp connector.
func quickAck(uintptr) {}
