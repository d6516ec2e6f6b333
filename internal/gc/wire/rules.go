package wire

import (
	"cmp"
	"slices"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// FormatRule gives the destinations that match Pattern a format.
type FormatRule struct {
	Pattern gc.Pattern
	Format  Format
}

// FormatRules say in which format events go to a destination whose client asked for
// none, the longest pattern first; see Sort.
type FormatRules []FormatRule

// Sort orders by length of pattern, the longest first, because a map in a file has no
// order of its own. Rules of one length are ordered by name so that two runs agree.
func (r FormatRules) Sort() {
	slices.SortFunc(r, func(a, b FormatRule) int {
		return cmp.Or(cmp.Compare(len(b.Pattern), len(a.Pattern)), cmp.Compare(a.Pattern, b.Pattern))
	})
}

// For is the format of the first rule whose pattern matches d, else otherwise.
func (r FormatRules) For(d gc.Destination, otherwise Format) Format {
	for _, rule := range r {
		if rule.Pattern.Matches(d) {
			return rule.Format
		}
	}
	return otherwise
}
