package conformance

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// attributes are the paths of a JSON message in the order written, each once:
// "team", "team.id", "participants", "participants[].state". An array whose
// elements are objects with a single key, such as callVariables, lists pairs,
// and what their keys are is data.
func attributes(body string) ([]string, error) {
	if !json.Valid([]byte(body)) {
		return nil, fmt.Errorf("read JSON: %.40q is none", body)
	}
	var w walk
	if err := w.value(json.NewDecoder(strings.NewReader(body)), ""); err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	return w.paths, nil
}

type walk struct{ paths []string }

func (w *walk) add(path string) {
	if !slices.Contains(w.paths, path) {
		w.paths = append(w.paths, path)
	}
}

func (w *walk) value(d *json.Decoder, path string) error {
	token, err := d.Token()
	switch {
	case err != nil:
		return err
	case token == json.Delim('{'):
		return w.object(d, path)
	case token == json.Delim('['):
		return w.array(d, path+"[]")
	default:
		return nil
	}
}

func (w *walk) object(d *json.Decoder, path string) error {
	if path != "" {
		path += "."
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		w.add(path + key.(string))
		if err := w.value(d, path+key.(string)); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func (w *walk) array(d *json.Decoder, path string) error {
	for d.More() {
		var element json.RawMessage
		if err := d.Decode(&element); err != nil {
			return err
		}
		if isPair(element) {
			continue
		}
		if err := w.value(json.NewDecoder(strings.NewReader(string(element))), path); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func isPair(element json.RawMessage) bool {
	var object map[string]json.RawMessage
	return json.Unmarshal(element, &object) == nil && len(object) == 1
}

// describes reports whether one of the paths is path or what holds it.
func describes(paths []string, path string) bool {
	return slices.ContainsFunc(paths, func(p string) bool {
		rest, ok := strings.CutPrefix(path, p)
		return p != "" && ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}
