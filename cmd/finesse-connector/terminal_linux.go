package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// terminalWidth is the number of columns of f, not ok when it is no terminal.
func terminalWidth(f *os.File) (columns int, ok bool) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	if size.Col == 0 { // a terminal that does not know
		return pageWidth, true
	}
	return int(size.Col), true
}
