package broker

import "syscall"

// quickAck makes the kernel acknowledge at once what was just read.
func quickAck(fd uintptr) {
	// Best effort: without it messages are late, not lost.
	_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
}
