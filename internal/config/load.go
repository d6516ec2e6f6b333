package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Load reads the file, lets environment variables override it, reads the
// files it names and checks everything. The error is Errors with all faults.
// Names of files may be relative to the directory of the configuration; in
// the result they are ready to open.
func Load(path string) (*Config, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, Errors{{Path: path, Problem: "cannot be read: " + reason(err)}}
	}
	tree, err := parse(data)
	if err != nil {
		return nil, Errors{{Path: path, Problem: err.Error()}}
	}
	inFile := holdsPassword(tree)
	c, faults := decode(tree)
	faults = append(faults, c.resolve(filepath.Dir(path))...)
	faults = append(faults, c.check()...)
	if len(faults) > 0 {
		return nil, faults.tidy()
	}
	if inFile {
		c.warnIfOpen(path)
	}
	c.Warnings = append(c.Warnings, c.InClear()...)
	c.warnStrays(os.Environ())
	return c, nil
}

func (c *Config) warn(format string, args ...any) {
	c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...))
}

// warnIfOpen warns of a file with a password that everybody on the host can
// read.
func (c *Config) warnIfOpen(path string) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o004 != 0 {
		c.warn("%s holds a password and every user of this host can read it; run chmod o-r on it", path)
	}
}

// warnStrays warns of variables that look like ours and set nothing, which a
// slip of the pen makes. Others that share the prefix are left alone.
func (c *Config) warnStrays(environ []string) {
	slices.Sort(environ)
	for _, line := range environ {
		name, _, _ := strings.Cut(line, "=")
		known := func(k key) bool { return k.env() == name }
		ours := func(k key) bool {
			return k.section() && strings.HasPrefix(name, envPrefix+"_"+strings.ToUpper(k.path)+"_")
		}
		if slices.ContainsFunc(keys, ours) && !slices.ContainsFunc(keys, known) {
			c.warn("the environment variable %s sets nothing", name)
		}
	}
}
