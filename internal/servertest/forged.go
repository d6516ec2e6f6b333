package servertest

import (
	"fmt"
	"strings"
)

// ForgedAck makes a message for JmsHostile of one, "TYPE|TEXT": ActiveMQ writes it with
// another id of acknowledgement than its own. It has so many properties that its headers
// come from a HashMap of 256 buckets, in which subscription (75) stands before ack (136).
// The name of one between them gives the other ack, and ends the head.
func ForgedAck(message, id string) string {
	for i := range 90 {
		message += fmt.Sprintf("|p%d=v", i)
	}
	for i := 0; ; i++ {
		name := fmt.Sprintf("ack:%s\n\nx%d", strings.ReplaceAll(id, ":", `\c`), i)
		if b := javaHash(name) % 256; b > 80 && b < 130 {
			name = strings.ReplaceAll(strings.ReplaceAll(name, `\`, `\u005c`), "\n", `\u000a`)
			return message + "|" + name + "=v"
		}
	}
}

// javaHash is what Java's HashMap makes of a text.
func javaHash(s string) uint32 {
	var h uint32
	for i := range len(s) {
		h = 31*h + uint32(s[i])
	}
	return h ^ h>>16
}
