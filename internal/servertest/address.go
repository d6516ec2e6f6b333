package servertest

import (
	"fmt"
	"net"
	"strconv"
	"syscall"
	"testing"
)

// Address is a loopback address that belongs to a test. Until a server listens
// there, and again after it has stopped, connections to it are refused, and no
// other test is given it. The server must bind it with SO_REUSEADDR, as those
// of Go, Java and Lua do.
type Address struct {
	text   string // host:port
	socket int    // bound, and never listening: that is what keeps the port
}

// NewAddress finds a free one, which its owner closes.
func NewAddress() (*Address, error) {
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("keep a port: %w", err)
	}
	a := &Address{socket: s}
	if err := a.bind(); err != nil {
		a.Close()
		return nil, fmt.Errorf("keep a port: %w", err)
	}
	return a, nil
}

func (a *Address) bind() error {
	loopback := [4]byte{127, 0, 0, 1}
	if err := syscall.SetsockoptInt(a.socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err := syscall.Bind(a.socket, &syscall.SockaddrInet4{Addr: loopback}); err != nil {
		return err
	}
	name, err := syscall.Getsockname(a.socket)
	if err != nil {
		return err
	}
	port := name.(*syscall.SockaddrInet4).Port
	a.text = net.JoinHostPort(net.IP(loopback[:]).String(), strconv.Itoa(port))
	return nil
}

func (a *Address) String() string { return a.text }

// Close gives the address up.
func (a *Address) Close() { _ = syscall.Close(a.socket) }

// FreeAddress is an Address, as host:port, that is given up when the test ends.
func FreeAddress(t testing.TB) string {
	t.Helper()
	a, err := NewAddress()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a.String()
}
