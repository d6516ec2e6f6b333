package config

import (
	"maps"
	"reflect"
)

// Changes names the keys in which two configurations differ: those that a
// running connector can take over, and those that need a restart. A file with
// sentences differs by what it holds, as one with a password does.
func Changes(old, new *Config) (live, restart []string) {
	a, b := reflect.ValueOf(old).Elem(), reflect.ValueOf(new).Elem()
	for _, k := range keys {
		if k.section() || k.index == nil {
			continue
		}
		same := reflect.DeepEqual(a.FieldByIndex(k.index).Interface(), b.FieldByIndex(k.index).Interface())
		if k.path == statusBarFile {
			same = same && maps.Equal(old.Messages.Sentences, new.Messages.Sentences)
		}
		switch {
		case same:
		case k.live:
			live = append(live, k.path)
		default:
			restart = append(restart, k.path)
		}
	}
	return live, restart
}
