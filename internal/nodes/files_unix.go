//go:build unix

package nodes

import (
	"math"
	"syscall"
)

// openFiles returns how many descriptors the process may have.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return math.MaxUint64
	}
	return uint64(limit.Cur)
}
