package wire

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// list is a kind of text that lists values.
type list interface {
	// write writes them.
	write(p *page, f *field, v reflect.Value)
	// check says why a text is no such list.
	check(text string) error
	// each takes the values of a text one by one, and puts together what do gives
	// for them. The field it gives to do names the value; it is empty for one that
	// has no place there.
	each(f field, text string, do func(field, string) string) string
}

// allKinds are the kinds of single values and of lists.
var allKinds = func() map[string]*valueKind {
	all := maps.Clone(singleKinds)
	rows := func(what string, of reflect.Type, columns ...string) rows {
		l := rows{what: what}
		for _, c := range columns {
			l.columns = append(l.columns, parseField(c, of, singleKinds))
		}
		return l
	}
	for name, l := range map[string]list{
		"Texts": values{anyText}, "Labels": values{label}, "IDs": values{idNumber},
		"Participants": parties(
			rows("a participant", reflect.TypeFor[gc.Participant](),
				"<Address=MediaAddress>", "<AddressState=State:CallStateOrNone>", "<AddressType:Word>", "<BargedIn:BargedIn>", "<Joined=Start>"),
			rows("a participant", reflect.TypeFor[gc.Participant](), "<Address=MediaAddress>", "<AddressState=State:CallStateOrNone>", "<Device=AddressType:Device>"),
		),
		"Teams":     rows("a team", reflect.TypeFor[gc.Team](), "<Teams=ID>", "<Teams=Name:Label>"),
		"Controls":  rows("a control", reflect.TypeFor[bool](), "<Controls=.:Position>", "<Controls=.>"),
		"Variables": callVariables{first: []string{"ani="}}, "VariablesOrNone": callVariables{first: []string{"ani="}, orNone: true},
		"VariablesBare": callVariables{first: []string{""}}, "Variables44": callVariables{first: []string{"ani=", "associatedDialogId="}},
		"VariablesOld": bareVariables{},
	} {
		all[name] = &valueKind{list: l, check: l.check}
	}
	for name, k := range all {
		k.name = name
	}
	return all
}()

// values are value,value.
type values struct{ of *valueKind }

func (l values) write(p *page, f *field, v reflect.Value) {
	for i := range v.Len() {
		if i > 0 {
			p.raw(",")
		}
		p.value(f.entries.of(v.Index(i)).String())
	}
}

func (l values) check(s string) error {
	if l.of.check == nil {
		return plainText(strings.ReplaceAll(s, ",", " "))
	}
	if s == "" {
		return nil
	}
	for part := range strings.SplitSeq(s, ",") {
		if err := l.of.check(part); err != nil {
			return err
		}
	}
	return nil
}

func (l values) each(f field, text string, do func(field, string) string) string {
	return eachPart(text, ",", func(_ int, s string) string { return do(field{name: f.name, kind: l.of}, s) })
}

// rows list things of several values each: value,value|value,value. There may be
// none.
type rows struct {
	what    string
	columns []field
}

func (l rows) write(p *page, _ *field, v reflect.Value) {
	for i := range v.Len() {
		if p.position = i; i > 0 {
			p.raw("|")
		}
		for j := range l.columns {
			if j > 0 {
				p.raw(",")
			}
			p.field(&l.columns[j], v.Index(i))
		}
	}
}

func (l rows) check(s string) error {
	if s == "" {
		return nil
	}
	for part := range strings.SplitSeq(s, "|") {
		values := strings.Split(part, ",")
		if len(values) != len(l.columns) {
			return fmt.Errorf("lists %s of %d values, not %d: %.60q", l.what, len(values), len(l.columns), part)
		}
		for i, f := range l.columns {
			if err := f.kind.problem(values[i]); err != nil {
				return fmt.Errorf("lists %s: value %d %w", l.what, i+1, err)
			}
		}
	}
	return nil
}

func (l rows) each(_ field, text string, do func(field, string) string) string {
	return eachPart(text, "|", func(_ int, s string) string {
		return eachPart(s, ",", func(i int, s string) string { return do(nth(l.columns, i), s) })
	})
}

// participants are listed in one of two ways: that of a text is known by its first.
type participants struct{ full, short rows }

func parties(full, short rows) list {
	short.columns[0].colonless = true // the whole list is split on colons
	return participants{full, short}
}

func (l participants) write(p *page, f *field, v reflect.Value) {
	if p.Participants == Short {
		l.short.write(p, f, v)
	} else {
		l.full.write(p, f, v)
	}
}

func (l participants) of(text string) rows {
	first, _, _ := strings.Cut(text, "|")
	if strings.Count(first, ",")+1 == len(l.short.columns) {
		return l.short
	}
	return l.full
}

func (l participants) check(s string) error { return l.of(s).check(s) }

func (l participants) each(f field, text string, do func(field, string) string) string {
	return l.of(text).each(f, text, do)
}

var tenVariables = [10]string{
	"callVariable1", "callVariable2", "callVariable3", "callVariable4", "callVariable5",
	"callVariable6", "callVariable7", "callVariable8", "callVariable9", "callVariable10",
}

// tenth is the place of callVariable1 to 10 among them, -1 for others.
func tenth(name string) int {
	if !strings.HasPrefix(name, "callVariable") { // most that there are in number
		return -1
	}
	return slices.Index(tenVariables[:], name)
}

// firstTen are the values of callVariable1 to 10.
func firstTen(vars []gc.CallVariable) (ten [10]string) {
	for _, v := range vars {
		if i := tenth(v.Name); i >= 0 {
			ten[i] = v.Value
		}
	}
	return ten
}

// eachVariable goes through callVariable1 to 10, always all of them, then the
// others in Finesse's order.
func eachVariable(vars []gc.CallVariable, do func(name, value string)) {
	for i, value := range firstTen(vars) {
		do(tenVariables[i], value)
	}
	for _, v := range vars {
		if tenth(v.Name) < 0 {
			do(v.Name, v.Value)
		}
	}
}

// callVariables are those of a call: value|name=value|…, with some numbers first.
type callVariables struct {
	first  []string // what stands before ani and, as clients of 4.4 expect, the call's previous id
	orNone bool     // nothing where there is no call, or it is not found
}

func (l callVariables) write(p *page, _ *field, v reflect.Value) {
	c, ok := callOf(v)
	if !ok || l.orNone && c.State == gc.NotFound {
		return
	}
	for i, value := range []string{c.ANI(), string(c.Previous)}[:len(l.first)] {
		if i > 0 {
			p.raw("|")
		}
		p.raw(l.first[i])
		p.value(value)
	}
	eachVariable(c.Variables, func(name, value string) {
		p.raw("|")
		p.value(name)
		p.raw("=")
		if p.format == Text44 && isCampaigns(name) {
			p.replace("#|", value)
		} else {
			p.value(value)
		}
	})
}

// isCampaigns reports whether a variable is one of an outbound campaign. The
// original passes them on as they are; in text-4.4 only what would end the value
// is replaced in them.
func isCampaigns(name string) bool { return strings.HasPrefix(name, "BA") }

// callOf is the call that a value is, or refers to.
func callOf(v reflect.Value) (gc.Call, bool) {
	switch {
	case v.Kind() != reflect.Pointer:
		return held[gc.Call](v), true
	case v.IsNil():
		return gc.Call{}, false
	}
	return *v.Interface().(*gc.Call), true
}

// check: the values that come first, then callVariable1 to 10, then others.
func (l callVariables) check(s string) error {
	if l.orNone && s == "" {
		return nil
	}
	parts := strings.Split(s, "|")
	for i, label := range l.first {
		if i >= len(parts) || !strings.HasPrefix(parts[i], label) {
			return fmt.Errorf("has no %q as value %d", label, i+1)
		}
		if err := plainText(strings.TrimPrefix(parts[i], label)); err != nil {
			return err
		}
	}
	parts = parts[len(l.first):]
	for i, name := range tenVariables {
		if i >= len(parts) || !strings.HasPrefix(parts[i], name+"=") {
			return fmt.Errorf("has no %s where it belongs", name)
		}
	}
	for _, part := range parts {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return fmt.Errorf("lists %.60q, which is not name=value", part)
		}
		if isCampaigns(name) {
			value = strings.NewReplacer(",", "", "=", "").Replace(value)
		}
		if err := plainText(name + value); err != nil {
			return fmt.Errorf("%.60s %w", name, err)
		}
	}
	return nil
}

func (l callVariables) each(f field, text string, do func(field, string) string) string {
	return eachPart(text, "|", func(i int, s string) string {
		if i == 0 && l.first[0] == "" {
			return do(f.variable("ani"), s)
		}
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return do(nothing, s)
		}
		return do(field{name: f.name, kind: variable}, name) + "=" + do(f.variable(name), value)
	})
}

// bareVariables are the bare values of ani and the ten call variables. Others
// would have no place: their names could not be reported.
type bareVariables struct{}

func (bareVariables) write(p *page, _ *field, v reflect.Value) {
	c, _ := callOf(v)
	p.value(c.ANI())
	for _, value := range firstTen(c.Variables) {
		p.raw(",")
		p.value(value)
	}
}

func (bareVariables) check(s string) error {
	if n := strings.Count(s, ","); n != len(tenVariables) {
		return fmt.Errorf("lists %d values behind the number, not %d", n, len(tenVariables))
	}
	return values{anyText}.check(s)
}

func (bareVariables) each(f field, text string, do func(field, string) string) string {
	return eachPart(text, ",", func(i int, s string) string {
		switch {
		case i == 0:
			return do(f.variable("ani"), s)
		case i <= len(tenVariables):
			return do(f.variable(tenVariables[i-1]), s)
		}
		return do(nothing, s)
	})
}

// variable is the value of a call variable.
func (f field) variable(name string) field {
	v := field{name: f.name + " " + name, kind: anyText}
	if name == "associatedDialogId" {
		v.kind = label
	}
	return v
}

func eachPart(text, separator string, do func(i int, part string) string) string {
	if text == "" {
		return ""
	}
	parts := strings.Split(text, separator)
	for i := range parts {
		parts[i] = do(i, parts[i])
	}
	return strings.Join(parts, separator)
}

// each takes the values of a field's text one by one; see list.
func (f field) each(text string, do func(field, string) string) string {
	if f.kind.list != nil {
		return f.kind.list.each(f, text, do)
	}
	return do(f, text)
}

// nothing is what is no value of an event.
var nothing = field{kind: &valueKind{}}

// nth is nothing after the last.
func nth(all []field, i int) field {
	if i < len(all) {
		return all[i]
	}
	return nothing
}
