package main

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Call variables in both formats: those without a value (an event has up to
// ten), and all of them.
var (
	emptyInText = regexp.MustCompile(`(\|callVariable\d+=)+(\||#|$)`)
	emptyInJSON = regexp.MustCompile(`(\{"callVariable\d+":""\},?)+`)
	allInText   = regexp.MustCompile(`\|[^#]*`)
	allInJSON   = regexp.MustCompile(`"callVariables":\[[^\]]*\]`)
)

// abbreviate makes an event fit a line of room characters: it leaves out call
// variables, first those without a value, and cuts the end if that is not
// enough.
func abbreviate(line string, room int) string {
	if length(line) > room {
		line = emptyInText.ReplaceAllString(line, "|…$2")
		line = emptyInJSON.ReplaceAllStringFunc(line, func(empty string) string {
			if strings.HasSuffix(empty, ",") {
				return "…,"
			}
			return "…"
		})
	}
	if length(line) > room {
		line = allInText.ReplaceAllString(line, "|…")
		line = allInJSON.ReplaceAllString(line, `"callVariables":[…]`)
	}
	if length(line) > room {
		line = string([]rune(line)[:max(room-1, 1)]) + "…"
	}
	return line
}

func length(s string) int { return utf8.RuneCountInString(s) }
