package main

import (
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
)

// screen is how to write for people.
type screen struct {
	colour bool
	width  int // in characters
}

// pageWidth is the length of lines where there is no terminal to ask.
const pageWidth = 120

// screenOf returns a plain screen unless w is a terminal. NO_COLOR keeps a
// terminal plain, too (no-color.org).
func screenOf(w io.Writer) screen {
	if f, ok := w.(*os.File); ok {
		if width, ok := terminalWidth(f); ok {
			return screen{colour: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", width: max(width, 40)}
		}
	}
	return screen{width: pageWidth}
}

// The colours (ECMA-48, "Select Graphic Rendition").
const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
	cyan  = "36"
)

func (s screen) paint(colour, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// printable shows control characters instead of sending them: a message from a
// broker must not steer a terminal.
func printable(text string) string {
	if !strings.ContainsFunc(text, unicode.IsControl) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unicode.IsControl(r) {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
