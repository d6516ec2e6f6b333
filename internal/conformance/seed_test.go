package conformance

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// allowed is a text form that the seed has, or that we have instead or besides.
type allowed struct {
	number   string
	formats  []wire.Format
	template string
}

// formatsOf are the formats for which the seed has a template; it does not always
// tell Old Format and New Format apart.
func formatsOf(form string) []wire.Format {
	switch form {
	case "old", "text-old":
		return []wire.Format{wire.TextOld}
	case "new", "text":
		return []wire.Format{wire.Text}
	}
	return []wire.Format{wire.Text, wire.TextOld}
}

// allAllowed are the templates of the seed with the departures from it, each of
// which has a reason.
func allAllowed(t *testing.T, s seed) (all []allowed) {
	instead := map[string][]wire.Format{}
	require.NoError(t, readTable(os.DirFS("../.."), seedDir+"departures.tsv", 5, func(c []string) {
		number, formats, template, reason := c[0], formatsOf(c[1]), c[2], c[4]
		require.NotEmpty(t, reason, template)
		for _, x := range s.templates {
			require.NotEqual(t, seedPattern(x.template).String(), seedPattern(template).String(), "a departure says something else")
		}
		all = append(all, allowed{number, formats, template})
		if c[3] == "yes" {
			instead[number] = append(instead[number], formats...)
		}
	}))
	for _, x := range s.templates {
		if !slices.Contains(instead[x.number], formatsOf(x.form)[0]) {
			all = append(all, allowed{x.number, formatsOf(x.form), x.template})
		}
	}
	return all
}

// Every golden message of an event with a number follows a template of it, in both
// formats that the seed has templates for, and every template is followed.
func TestTextFollowsTheSeedsTemplates(t *testing.T) {
	p, err := Load(os.DirFS("../.."))
	require.NoError(t, err)
	all, followed := allAllowed(t, p.seed), map[string]bool{}
	for _, g := range p.evidence.goldens {
		row := p.formOf[g.name].row
		for _, f := range []wire.Format{wire.Text, wire.TextOld} {
			found := false
			for _, x := range all {
				if slices.Contains(x.formats, f) && slices.Contains(row.Numbers, x.number) && seedPattern(x.template).MatchString(g.bodies[f]) {
					found, followed[x.template+string(f)] = true, true
				}
			}
			require.True(t, found || len(row.Numbers) == 0, "%s.%s follows no template of %v: %s", g.name, f, row.Numbers, g.bodies[f])
		}
	}
	for _, x := range all {
		for _, f := range x.formats {
			require.True(t, followed[x.template+string(f)], "no golden message in %s is as %s says: %s", f, x.number, x.template)
		}
	}
}

func TestJSONIsTheSeedsSampleButForWhiteSpace(t *testing.T) {
	p, err := Load(os.DirFS("../.."))
	require.NoError(t, err)
	for _, o := range p.seed.objects {
		var want bytes.Buffer
		require.NoError(t, json.Compact(&want, []byte(o.body)))
		require.True(t, slices.ContainsFunc(p.evidence.goldens, func(g golden) bool { return g.bodies[wire.JSON] == want.String() }), "no golden message is the sample of %s", o.title)
	}
}

const anything = `[^#|,=]*`

// wider are placeholders whose values may hold separators, or are lists.
var wider = map[string]string{
	"Message_To_Agent": `[^#]*`, "Request_message_text": `.*`, "Agent_Password": `.*`,
	"CallVariables": variableList, "Call-Variables": variableList, "Call_Variable": variableList,
}

// variableList is "<callvariable1>=value|<callvariable2>=value|…", empty for a
// dialog of which nothing is known.
const variableList = `(?:` + anything + `=` + anything + `(?:\|` + anything + `=` + anything + `)*)?`

var (
	seedPlaceholder = regexp.MustCompile(`<[^>]*>|\{[^}]*\}|\bvalue\b`)
	number          = regexp.MustCompile(`_\d+_|_n_|\d+`)
	dots            = regexp.MustCompile(`^[.…>]+$`)
	label           = regexp.MustCompile(`^\w+:`)
)

// seedPattern is what a template allows. Fields, and what a field lists, that
// differ in a number only (user_1, user_2, …, user_n) may come any number of
// times.
func seedPattern(template string) *regexp.Regexp {
	fields := slices.DeleteFunc(strings.Split(template, "#"), func(f string) bool { return dots.MatchString(strings.TrimSpace(f)) })
	var out strings.Builder
	for i, f := range fields {
		f = anyNumber(f)
		switch {
		case strings.Contains(f, "*") && i > 0 && anyNumber(fields[i-1]) == f: // one more entry of the same kind
		case strings.Contains(f, "*") && i+1 < len(fields) && anyNumber(fields[i+1]) == f:
			out.WriteString(`(?:#` + one(f) + `)*`)
		default:
			out.WriteString(`#` + listed(f))
		}
	}
	return regexp.MustCompile(`(?s)^` + strings.TrimPrefix(out.String(), "#") + `$`)
}

// anyNumber also takes out the blanks that the seed prints between fields.
func anyNumber(s string) string {
	return number.ReplaceAllString(strings.ReplaceAll(strings.TrimSpace(s), ", ", ","), "*")
}

// listed is a field that may list something behind other parts, as "Codes:" and
// "ani=<ani>|".
func listed(field string) string {
	separator := ","
	if strings.Contains(field, "|") {
		separator = "|"
	}
	name := label.FindString(field)
	var items []string
	for item := range strings.SplitSeq(field[len(name):], separator) {
		if item = strings.TrimSpace(item); !dots.MatchString(item) {
			items = append(items, item)
		}
	}
	last := items[len(items)-1]
	n := slices.Index(items, last)
	between := regexp.QuoteMeta(separator)
	switch {
	case !strings.Contains(last, "*") || n == len(items)-1:
		return one(field)
	case n == 0:
		return name + `(?:` + one(last) + `(?:` + between + one(last) + `)*)?`
	default:
		return name + one(strings.Join(items[:n], separator)) + `(?:` + between + one(last) + `)*`
	}
}

// one is a part of a template that repeats nothing.
func one(part string) string {
	var out strings.Builder
	for {
		at := seedPlaceholder.FindStringIndex(part)
		if at == nil {
			return out.String() + regexp.QuoteMeta(part)
		}
		out.WriteString(regexp.QuoteMeta(part[:at[0]]))
		out.WriteString(cmp.Or(wider[strings.Trim(part[at[0]:at[1]], "<>{}")], anything))
		part = part[at[1]:]
	}
}

func TestAPatternIsAsStrictAsItsTemplate(t *testing.T) {
	for _, x := range []struct{ template, matches, differs string }{
		{"<id>#State#<state>", "1#State#READY", "1#State#READY#"},
		{"<id>#State#<state>", "1#State#", "1#State#a,b"},
		{"<id>#X#Codes:<code_1>,<code_2>,… #<name>", "1#X#Codes:1,2,3#Ann", "1#X#Codes:1=2#Ann"},
		{"<id>#X#Codes:<code_1>,<code_2>,… #<name>", "1#X#Codes:#Ann", "1#X#1,2#Ann"},
		{"<id>#<c_1>,<flag_1>|<c_2>, <flag_2>|…", "1#1,a|2,b|3,c", "1#1,a|2"},
		{"X#n:<b_1_n>,i:<b_1_i>#n:<b_2_n>,i:<b_2_i>#...#n:<b_n_n>,i:<b_n_i>", "X#n:a,i:1#n:b,i:2#n:c,i:3", "X#n:a,i:1#n:b"},
		{"X#n:<b_1_n>,i:<b_1_i>#...#n:<b_n_n>,i:<b_n_i>", "X", "X#"},
		{"<id>#ani=<ani>|<v1>=value|<v2>=value|..>#D:<d>", "1#ani=|a=1|b=2#D:7", "1#ani=|a#D:7"},
		{"<id>#<CallVariables>", "1#ani=1|a=", "1#ani=1,a="},
		{"<id>#R#{Request_message_text}", "1#R#a#b", "1#R"},
	} {
		require.Regexp(t, seedPattern(x.template), x.matches)
		require.NotRegexp(t, seedPattern(x.template), x.differs)
	}
}
