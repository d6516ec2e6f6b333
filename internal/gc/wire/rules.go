package wire

import "github.com/finesse-connector/finesse-connector/internal/gc"

// FormatRules say by pattern in which format events go to a destination whose client
// asked for none. They are what a configuration and the header of a capture say.
type FormatRules map[gc.Pattern]Format

// For is the format of the longest pattern that matches d, else otherwise. Of several
// of one length it is the first by name, so that two runs agree.
func (r FormatRules) For(d gc.Destination, otherwise Format) Format {
	var best gc.Pattern
	for pattern, format := range r {
		longer := len(pattern) > len(best) || len(pattern) == len(best) && pattern < best
		if longer && pattern.Matches(d) {
			best, otherwise = pattern, format
		}
	}
	return otherwise
}
