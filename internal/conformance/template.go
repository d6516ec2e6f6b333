package conformance

import (
	"regexp"
	"strings"
)

// placeholder is "<name>" in a template.
var placeholder = regexp.MustCompile(`<([^<>]+)>`)

// placeholders are the names of the fields of a template.
func placeholders(template string) []string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(template, -1) {
		names = append(names, strings.TrimSuffix(m[1], "…"))
	}
	return names
}

// pattern matches the messages of a template: a placeholder stands for
// anything within a field, "…" as the last field for any number, also none, of
// fields like the one before it, and a last placeholder that ends in "…" for
// all that is left.
func pattern(template string) *regexp.Regexp {
	fields := strings.Split(template, "#")
	var b strings.Builder
	for i, field := range fields {
		p := "#" + fieldPattern(field)
		switch {
		case i+1 < len(fields) && fields[i+1] == "…":
			b.WriteString("(?:" + p + ")*")
		case field != "…":
			b.WriteString(p)
		}
	}
	return regexp.MustCompile("^" + strings.TrimPrefix(b.String(), "#") + "$")
}

func fieldPattern(field string) string {
	var b strings.Builder
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(field, -1) {
		b.WriteString(regexp.QuoteMeta(field[at:m[0]]))
		if strings.HasSuffix(field[m[2]:m[3]], "…") {
			b.WriteString(".*")
		} else {
			b.WriteString("[^#]*")
		}
		at = m[1]
	}
	b.WriteString(regexp.QuoteMeta(field[at:]))
	return b.String()
}
