package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

// The units of sizes.
const (
	KB Size = 1000
	MB      = 1000 * KB
	GB      = 1000 * MB
)

var units = []struct {
	name string
	size Size
}{{"GB", GB}, {"MB", MB}, {"KB", KB}}

// parseSize reads "100MB".
func parseSize(text string) (Size, error) {
	for _, u := range units {
		digits, ok := strings.CutSuffix(strings.ToUpper(text), u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 31)
		if err == nil {
			return Size(n) * u.size, nil
		}
	}
	return 0, fmt.Errorf("%q is not a size", text)
}

// String is the size in the largest unit that divides it.
func (s Size) String() string {
	for _, u := range units {
		if s >= u.size && s%u.size == 0 {
			return fmt.Sprintf("%d%s", s/u.size, u.name)
		}
	}
	return strconv.FormatInt(int64(s), 10)
}
