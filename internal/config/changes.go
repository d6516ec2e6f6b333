package config

import "reflect"

// Changes names the keys in which two configurations differ: those that a
// running connector can take over, and those that need a restart.
func Changes(old, new *Config) (live, restart []string) {
	a, b := reflect.ValueOf(old).Elem(), reflect.ValueOf(new).Elem()
	for _, k := range keys {
		if k.section() || k.index == nil || reflect.DeepEqual(a.FieldByIndex(k.index).Interface(), b.FieldByIndex(k.index).Interface()) {
			continue
		}
		if k.live {
			live = append(live, k.path)
		} else {
			restart = append(restart, k.path)
		}
	}
	return live, restart
}
