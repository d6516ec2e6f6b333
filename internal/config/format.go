package config

import (
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// FormatRule gives the destinations that match Pattern a format.
type FormatRule struct {
	Pattern string
	Format  wire.Format
}

// FormatFor is the format of events for d unless its client asked for
// another: that of the first rule whose pattern matches, else the general
// one. Load puts the longest pattern first.
func (m *Messages) FormatFor(d gc.Destination) wire.Format {
	for _, rule := range m.Formats {
		if matchesDestination(rule.Pattern, d) {
			return rule.Format
		}
	}
	return m.Format
}

// Allows reports whether clients may name d.
func (m *Messages) Allows(d gc.Destination) bool { return matchesAny(m.Destinations, d) }

// matchesAny reports whether d matches one of the patterns; of none that there
// are any does.
func matchesAny(patterns []string, d gc.Destination) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return matchesDestination(p, d) })
}

// matchesDestination compares the kind too where the pattern has one.
func matchesDestination(pattern string, d gc.Destination) bool {
	if strings.HasPrefix(pattern, "/") {
		return matches(pattern, string(d))
	}
	return matches(pattern, d.Name())
}

// matches reports whether text is pattern with something, maybe nothing, in
// place of each "*". Taking the first place where a part fits is enough, as
// only the last part must reach the end.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		if _, text, ok = strings.Cut(text, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}

// SortFormats puts Formats into the order in which FormatFor asks them.
func (m *Messages) SortFormats() { sortRules(m.Formats) }

// sortRules orders by length of pattern, the longest first, because a YAML
// map has no order of its own. Rules of one length are ordered by name so
// that two runs agree.
func sortRules(rules []FormatRule) {
	slices.SortFunc(rules, func(a, b FormatRule) int {
		if d := len(b.Pattern) - len(a.Pattern); d != 0 {
			return d
		}
		return strings.Compare(a.Pattern, b.Pattern)
	})
}
