package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// terminalWidth returns the number of columns of f, not ok if it is not a
// terminal.
func terminalWidth(f *os.File) (columns int, ok bool) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	if size.Col == 0 { // a terminal that does not know its width
		return pageWidth, true
	}
	return int(size.Col), true
}
