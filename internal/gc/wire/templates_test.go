package wire_test

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// template is a line of testdata/seed/templates.txt for one format.
type template struct {
	number     string
	format     wire.Format
	seed, ours string
}

func templates(t *testing.T) (all []template) {
	file, err := os.ReadFile("testdata/seed/templates.txt")
	require.NoError(t, err)
	formats := map[string][]wire.Format{"text": {wire.Text}, "text-old": {wire.TextOld}, "both": {wire.Text, wire.TextOld}}
	for line := range strings.Lines(string(file)) {
		if !strings.HasPrefix(line, "O-") {
			continue
		}
		fields := strings.Fields(line)
		require.NotEmpty(t, formats[fields[1]], line)
		rest, reason, _ := strings.Cut(strings.Join(fields[2:], " "), " -- ")
		seed, ours, differs := strings.Cut(rest, " => ")
		if !differs {
			ours = seed
		}
		require.Equal(t, differs, reason != "", "what differs has a reason, and nothing else: %s", line)
		require.Equal(t, differs, pattern(seed).String() != pattern(ours).String(), "what stands behind => says something else: %s", line)
		for _, f := range formats[fields[1]] {
			all = append(all, template{fields[0], f, seed, ours})
		}
	}
	return all
}

// Every golden file of an event with a number follows a template of it, and
// every template is followed by one.
func TestTextFollowsTheSeedsTemplates(t *testing.T) {
	all, followed := templates(t), map[template]bool{}
	for _, x := range examples {
		row := wire.RowOf(x.event)
		for _, f := range []wire.Format{wire.Text, wire.TextOld} {
			body, err := os.ReadFile(filepath.Join("testdata", "golden", x.name+"."+string(f)))
			require.NoError(t, err)
			found := false
			for _, y := range all {
				if y.format == f && slices.Contains(row.Numbers, y.number) && pattern(y.ours).MatchString(strings.TrimSuffix(string(body), "\n")) {
					found, followed[y] = true, true
				}
			}
			require.True(t, found || len(row.Numbers) == 0, "%s.%s follows no template of %v: %s", x.name, f, row.Numbers, body)
		}
	}
	for _, y := range all {
		require.True(t, followed[y], "no example in %s is as %s says: %s", y.format, y.number, y.ours)
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
	placeholder = regexp.MustCompile(`<[^>]*>|\{[^}]*\}|\bvalue\b`)
	number      = regexp.MustCompile(`_\d+_|_n_|\d+`)
	dots        = regexp.MustCompile(`^[.…>]+$`)
	label       = regexp.MustCompile(`^\w+:`)
)

// pattern is what a template allows. Fields, and what a field lists, that
// differ in a number only (user_1, user_2, …, user_n) may come any number of
// times.
func pattern(template string) *regexp.Regexp {
	fields := slices.DeleteFunc(strings.Split(template, "#"), func(f string) bool { return dots.MatchString(strings.TrimSpace(f)) })
	var out strings.Builder
	for i, f := range fields {
		f = anyNumber(f)
		switch {
		case strings.Contains(f, "*") && i > 0 && anyNumber(fields[i-1]) == f: // one more entry of the same kind
		case strings.Contains(f, "*") && i+1 < len(fields) && anyNumber(fields[i+1]) == f:
			out.WriteString(`(?:#` + one(f) + `)*`)
		default:
			out.WriteString(`#` + list(f))
		}
	}
	return regexp.MustCompile(`(?s)^` + strings.TrimPrefix(out.String(), "#") + `$`)
}

// anyNumber also takes out the blanks that the seed prints between fields.
func anyNumber(s string) string {
	return number.ReplaceAllString(strings.ReplaceAll(strings.TrimSpace(s), ", ", ","), "*")
}

// list is a field that may list something behind other parts, as "Codes:" and
// "ani=<ani>|".
func list(field string) string {
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
		at := placeholder.FindStringIndex(part)
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
		require.Regexp(t, pattern(x.template), x.matches)
		require.NotRegexp(t, pattern(x.template), x.differs)
	}
}
