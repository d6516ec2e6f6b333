package config

import (
	"fmt"
	"strings"
)

// later are keys that are documented and have no effect in this version. A
// file may hold them with their default, so that one file serves several
// versions; any other value would promise what does not happen and is a fault.
// A version that brings the function moves its row to Config.
var later = []struct {
	path  string
	value any
	doc   string
}{
	{"cluster.take_back", "never", "whether the connector with the highest broker.consumer_priority becomes the owner again"},
}

// isLater tells whether path is a key of a later version or a section of one.
func isLater(path string) (isKey, isSection bool) {
	for _, row := range later {
		if row.path == path {
			return true, false
		}
		if strings.HasPrefix(row.path, path+".") {
			isSection = true
		}
	}
	return false, isSection
}

// checkLater says what is wrong with the value of a key of a later version.
// The fault does not show the value: it may be an address with a password.
func checkLater(path string, value any) Errors {
	for _, row := range later {
		if row.path == path && value != nil && value != row.value {
			return Errors{{
				Path:     path,
				Problem:  "is not available in this version",
				Accepted: fmt.Sprintf("its default %#v, or no such key", row.value),
			}}
		}
	}
	return nil
}
