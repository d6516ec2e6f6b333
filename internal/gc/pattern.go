package gc

import (
	"slices"
	"strings"
)

// Pattern describes destinations by name: "*" stands for any text, which may be
// empty. One that begins with /topic/ or /queue/ also compares the kind.
type Pattern string

// Matches reports whether the pattern describes d.
func (p Pattern) Matches(d Destination) bool {
	if strings.HasPrefix(string(p), "/") {
		return matches(string(p), string(d))
	}
	return matches(string(p), d.Name())
}

// AnyMatches reports whether one of the patterns describes d; of none that there
// are any does.
func AnyMatches(patterns []string, d Destination) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return Pattern(p).Matches(d) })
}

// matches reports whether text is pattern with something, maybe nothing, in
// place of each "*". Taking the first place where a part fits is enough, as
// only the last part must reach the end.
func matches(pattern, text string) bool {
	part, pattern, any := strings.Cut(pattern, "*")
	if !any {
		return part == text
	}
	text, ok := strings.CutPrefix(text, part)
	for ok {
		if part, pattern, any = strings.Cut(pattern, "*"); !any {
			return strings.HasSuffix(text, part)
		}
		_, text, ok = strings.Cut(text, part)
	}
	return false
}
