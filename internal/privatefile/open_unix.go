//go:build unix

package privatefile

import (
	"io/fs"
	"os"
	"syscall"
)

// direct opens no link, and does not wait for the reader of a pipe.
const direct = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// isForeign reports whether a file belongs to another user.
func isForeign(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) != os.Geteuid()
}
