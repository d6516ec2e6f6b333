package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// parse reads one YAML document. Its keys keep their case, which those of
// messages.formats need. The error shows no value of the file.
func parse(data []byte) (map[string]any, error) {
	root, err := document(data)
	if err != nil || root == nil {
		return map[string]any{}, err
	}
	var content any
	if err := root.Decode(&content); err != nil {
		return nil, withoutValues(err)
	}
	switch content := withTextKeys(content).(type) {
	case nil:
		return map[string]any{}, nil
	case map[string]any:
		return content, nil
	}
	return nil, errors.New("does not hold sections such as \"broker:\"")
}

// document is the only YAML document in data, nil when there is none.
func document(data []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	root := new(yaml.Node)
	switch err := decoder.Decode(root); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, withoutValues(err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("holds more than one YAML document")
	}
	return root, nil
}

// quoted matches what the YAML library shows of a file's content, which may
// be a password.
var quoted = regexp.MustCompile("(?s)`.*`|anchor '.*'|invalid map key: .*")

func withoutValues(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = quoted.ReplaceAllStringFunc(text, func(s string) string {
		switch s[0] {
		case 'a':
			return "anchor"
		case 'i':
			return "invalid map key (put values with { or [ in quotes)"
		}
		return "value"
	})
	return errors.New("is not YAML: " + strings.Join(strings.Fields(text), " "))
}

// withTextKeys turns the keys of all maps into text, so that "1: x" is an
// unknown key like any other.
func withTextKeys(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, v := range value {
			value[name] = withTextKeys(v)
		}
		return value
	case map[any]any:
		named := make(map[string]any, len(value))
		for name, v := range value {
			named[fmt.Sprint(name)] = withTextKeys(v)
		}
		return named
	case []any:
		for i, v := range value {
			value[i] = withTextKeys(v)
		}
	}
	return value
}

// known takes out of section everything that is no key of ours and reports
// it, together with sections that are none.
func known(parent string, section map[string]any) Errors {
	var faults Errors
	names := children(position.ReplaceAllString(parent, "[]"))
	for _, name := range slices.Sorted(maps.Keys(section)) {
		path, value := join(parent, name), section[name]
		laterKey, laterSection := isLater(path)
		switch {
		case laterKey:
			faults = append(faults, checkLater(path, value)...)
			delete(section, name)
		case laterSection, slices.Contains(names, name) && keyAt(path).section():
			below, ok := value.(map[string]any)
			if !ok && value != nil {
				faults = append(faults, Fault{Path: path, Problem: "is a section", Accepted: "further keys below it"})
			}
			faults = append(faults, known(path, below)...)
			if !ok || laterSection && !slices.Contains(names, name) {
				delete(section, name)
			}
		case slices.Contains(names, name):
			faults = append(faults, knownInList(path, value)...)
		default:
			faults = append(faults, unknown(parent, name, names))
			delete(section, name)
		}
	}
	return faults
}

func knownInList(path string, value any) Errors {
	list, _ := value.([]any)
	var faults Errors
	for i, element := range list {
		if section, ok := element.(map[string]any); ok && len(children(path+"[]")) > 0 {
			faults = append(faults, known(fmt.Sprintf("%s[%d]", path, i), section)...)
		}
	}
	return faults
}

// unknown does not show the value: "pasword" is an unknown key, too.
func unknown(parent, name string, siblings []string) Fault {
	fault := Fault{Path: join(parent, name), Problem: "unknown key"}
	if near := suggestion(parent, name); near != "" {
		fault.Problem += fmt.Sprintf("; did you mean %s?", near)
	} else if len(siblings) > 0 {
		fault.Accepted = strings.Join(siblings, ", ")
	}
	return fault
}

// take removes the value at section.name and gives it, nil when there is none.
func take(tree map[string]any, section, name string) any {
	keys, _ := tree[section].(map[string]any)
	value := keys[name]
	delete(keys, name)
	return value
}

// holdsPassword tells whether a password stands in the file itself.
func holdsPassword(tree map[string]any) bool {
	return slices.ContainsFunc(keys, func(k key) bool {
		text, _ := valueAt(tree, k.path).(string)
		return k.typ == typeOf[gc.Secret]() && text != ""
	})
}

// valueAt is the value of a key, nil when there is none.
func valueAt(tree map[string]any, path string) any {
	section, rest, ok := strings.Cut(path, ".")
	if !ok {
		return tree[path]
	}
	below, _ := tree[section].(map[string]any)
	return valueAt(below, rest)
}
