//go:build !linux

package main

import "os"

// terminalWidth recognizes no terminal: output is plain.
func terminalWidth(*os.File) (columns int, ok bool) { return 0, false }
