package config

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // time_zone works on hosts without a zone database

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// decode puts the tree and the environment over the defaults. What cannot be
// put there is a fault and leaves the default.
func decode(tree map[string]any) (*Config, Errors) {
	c, faults := Default(), known("", tree)

	// Viper takes the dots of a pattern for levels and lowers its letters.
	faults = append(faults, c.Messages.decodeFormats(take(tree, "messages", "formats"))...)

	v := viper.New()
	for _, k := range keys {
		if name := k.env(); name != "" {
			// It fails without a name only.
			_ = v.BindEnv(k.path, name)
		}
	}
	// It always gives nil.
	_ = v.MergeConfigMap(tree)
	settings := v.AllSettings()

	// Mapstructure copies what pointers lead to. A copy of time.Local is UTC.
	faults = append(faults, c.Messages.decodeTimeZone(take(settings, "messages", "time_zone"))...)

	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result:      c,
		TagName:     "key",
		ErrorUnused: true,
		ZeroFields:  true, // a list replaces the default, also where it has no value
		DecodeHook:  mapstructure.DecodeHookFuncValue(convert),
	})
	if err == nil {
		err = decoder.Decode(settings)
	}
	return c, append(faults, decodeFaults(err)...)
}

// misfit is a value that convert cannot use.
type misfit struct {
	value   any
	problem string
}

func (m *misfit) Error() string { return m.problem }

const wrongType = "has the wrong type"

// convert makes values of the types that YAML does not have. It also makes
// numbers, switches and lists of text, as the environment has nothing else,
// and refuses numbers that would lose something.
func convert(from, to reflect.Value) (any, error) {
	value := from.Interface()
	text, isText := value.(string)
	bad := &misfit{value, wrongType}
	switch to.Type() {
	case typeOf[time.Duration]():
		if !isText {
			return nil, &misfit{value, "has no unit"}
		}
		if d, err := time.ParseDuration(text); err == nil {
			return d, nil
		}
		return nil, &misfit{value, "is not a duration such as 500ms, 10s or 2m"}
	case typeOf[Size]():
		if size, err := parseSize(text); isText && err == nil {
			return size, nil
		}
		return nil, &misfit{value, "is not a size such as 500KB, 100MB or 2GB"}
	case typeOf[gc.Secret]():
		if isText {
			return gc.NewSecret(text), nil
		}
		return nil, bad
	case typeOf[[]string]():
		if isText {
			return splitList(text), nil
		}
	case typeOf[int]():
		if isText {
			return number(text, bad)
		}
		if _, ok := value.(int); !ok {
			return nil, bad
		}
	case typeOf[bool]():
		if isText {
			return truth(text, bad)
		}
	}
	return value, nil
}

func number(text string, bad error) (any, error) {
	if n, err := strconv.Atoi(text); err == nil {
		return n, nil
	}
	return nil, bad
}

func truth(text string, bad error) (any, error) {
	switch text {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return nil, bad
}

// splitList reads a list from one text, as in an environment variable.
func splitList(text string) []string {
	list := strings.Split(text, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// decodeFaults turns what mapstructure reports into faults in our words.
func decodeFaults(err error) Errors {
	if err == nil {
		return nil
	}
	var decode *mapstructure.DecodeError
	if one, ok := err.(*mapstructure.DecodeError); ok {
		decode = one
	} else if many, ok := err.(interface{ Unwrap() []error }); ok {
		var faults Errors
		for _, e := range many.Unwrap() {
			faults = append(faults, decodeFaults(e)...)
		}
		return faults
	} else if next := errors.Unwrap(err); next != nil {
		return decodeFaults(next)
	} else {
		return Errors{{Path: "configuration", Problem: err.Error()}}
	}

	path, problem, value := decode.Name(), wrongType, any(nil)
	var odd *misfit
	var unconvertible *mapstructure.UnconvertibleTypeError
	switch {
	case errors.As(decode, &odd):
		problem, value = odd.problem, odd.value
	case errors.As(decode, &unconvertible):
		value = unconvertible.Value
	}
	return Errors{newFault(path, value, problem)}
}

// decodeFormats reads messages.formats.
func (m *Messages) decodeFormats(value any) Errors {
	if value == nil {
		return nil
	}
	const path = "messages.formats"
	section, ok := value.(map[string]any)
	if !ok {
		return Errors{newFault(path, value, wrongType)}
	}
	var faults Errors
	for pattern := range section {
		at := fmt.Sprintf("%s[%q]", path, pattern)
		name, ok := section[pattern].(string)
		if !ok {
			faults = append(faults, newFault(at, section[pattern], wrongType))
			continue
		}
		if m.Formats == nil {
			m.Formats = wire.FormatRules{}
		}
		m.Formats[gc.Pattern(pattern)] = wire.Format(name)
	}
	return faults
}

// decodeTimeZone reads messages.time_zone.
func (m *Messages) decodeTimeZone(value any) Errors {
	if value == nil {
		return nil
	}
	const path = "messages.time_zone"
	name, ok := value.(string)
	if !ok {
		return Errors{newFault(path, value, wrongType)}
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" {
		return Errors{newFault(path, value, "is not a known time zone")}
	}
	m.TimeZone = zone
	return nil
}
