package main

import (
	"fmt"
	"io"
)

// transcript prints a conversation between a driver and the connector.
type transcript struct {
	w      io.Writer
	screen screen
	full   bool // nothing is left out
}

const (
	indent   = "   "
	arrowOut = "→ "
	arrowIn  = "← "
)

func (t *transcript) caption(number int, text string) {
	fmt.Fprintf(t.w, "%s %s\n", t.screen.paint(dim, fmt.Sprintf("%2d", number)), t.screen.paint(bold, text))
}

func (t *transcript) outside(text string) { fmt.Fprintf(t.w, "%s(%s)\n", indent, text) }

// sent shows a command without its password.
func (t *transcript) sent(o order) { t.line(cyan, arrowOut, o.String()) }

func (t *transcript) received(e event) {
	colour := green
	if e.kind == "Error" {
		colour = red
	}
	t.line(colour, arrowIn, e.line())
}

func (t *transcript) line(colour, arrow, text string) {
	if !t.full {
		text = abbreviate(text, t.screen.width-length(indent+arrow))
	}
	fmt.Fprintf(t.w, "%s%s%s\n", indent, t.screen.paint(colour, arrow), text)
}
