package capture

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

//go:generate go test -run ^TestGenerated -count=1 . -update

// Schema returns schema.json: the lines of a capture as a JSON Schema.
func Schema() []byte {
	type object = map[string]any
	b, err := json.MarshalIndent(object{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "A line of a capture of finesse-connector, version 1",
		"description": "docs/capture.md says what the fields mean. A reader must bear fields it does not know.",
		"oneOf":       []any{schemaOf(reflect.TypeFor[Header]()), schemaOf(reflect.TypeFor[Record]())},
	}, "", "  ")
	if err != nil {
		panic(err) // it holds only texts
	}
	return append(b, '\n')
}

func schemaOf(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		name, rest, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		properties[name] = valueSchema(t.Field(i).Type)
		if rest == "" {
			required = append(required, name)
		}
	}
	return map[string]any{"title": t.Name(), "type": "object", "properties": properties, "required": required}
}

func valueSchema(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[[]byte]():
		return map[string]any{"type": "string", "contentEncoding": "base64"}
	case t == reflect.TypeFor[Dir]():
		return map[string]any{"enum": []any{In, Out}}
	case t == reflect.TypeFor[Edge]():
		return map[string]any{"enum": []any{Broker, REST, Notify}}
	case t.Kind() == reflect.Struct:
		return schemaOf(t)
	case t.Kind() == reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": valueSchema(t.Elem())}
	case t.Kind() == reflect.Slice:
		return map[string]any{"type": "array", "items": valueSchema(t.Elem())}
	case t.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case t.Kind() == reflect.String:
		return map[string]any{"type": "string"}
	default:
		return map[string]any{"type": "integer"}
	}
}
