package wire

import "strings"

// rows are the kinds of text that list things of several values each:
// value,value|value,value.
var rows = map[string][]formField{
	"Participants": {{name: "Address", kind: "Text"}, {name: "AddressState", kind: "CallStateOrNone"}, {name: "AddressType", kind: "Text"}, {name: "BargedIn", kind: "BargedIn"}, {name: "Joined", kind: "Time"}},
	"Teams":        {{name: "Teams", kind: "Number"}, {name: "Teams", kind: "Text"}},
	"Controls":     {{name: "Controls", kind: "Number"}, {name: "Controls", kind: "Flag"}},
}

// each takes the values of a field's text one by one, and puts together what do
// gives for them. The field it gives to do names the value; it is empty for one
// that has no place there.
func (f formField) each(text string, do func(formField, string) string) string {
	row, isRows := rows[f.kind]
	switch {
	case f.kind == "List":
		return eachPart(text, ",", func(_ int, s string) string { return do(formField{name: f.name, kind: "Text"}, s) })
	case f.kind == "Numbers":
		return eachPart(text, ",", func(_ int, s string) string { return do(formField{name: f.name, kind: "Number"}, s) })
	case f.kind == "VariablesOld":
		return eachPart(text, ",", func(i int, s string) string { return do(f.bareVariable(i), s) })
	case strings.HasPrefix(f.kind, "Variables"):
		return eachPart(text, "|", func(i int, s string) string {
			if i == 0 && f.kind == "VariablesBare" {
				return do(f.bareVariable(0), s)
			}
			name, value, ok := strings.Cut(s, "=")
			if !ok {
				return do(formField{}, s)
			}
			return do(formField{name: f.name, kind: variableName}, name) + "=" + do(f.variable(name), value)
		})
	case isRows:
		return eachPart(text, "|", func(_ int, s string) string {
			return eachPart(s, ",", func(i int, s string) string { return do(nth(row, i), s) })
		})
	}
	return do(f, text)
}

// variableName is the kind of the name of a call variable.
const variableName = "VariableName"

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

// nth is the empty field behind the last.
func nth(all []formField, i int) formField {
	if i < len(all) {
		return all[i]
	}
	return formField{}
}

func (f formField) variable(name string) formField {
	return formField{name: f.name + " " + name, kind: "Text"}
}

// bareVariable is the ith where they stand without names: ani and the ten.
func (f formField) bareVariable(i int) formField {
	switch {
	case i == 0:
		return f.variable("ani")
	case i <= len(tenVariables):
		return f.variable(tenVariables[i-1])
	}
	return formField{}
}
