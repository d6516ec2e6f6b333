package main

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// build is what the binary knows of itself.
type build struct {
	Version      string       `json:"version"`
	Commit       string       `json:"commit"`   // "" when built outside a checkout
	Modified     bool         `json:"modified"` // the checkout had changes of its own
	Time         string       `json:"time"`     // of the commit
	Go           string       `json:"go"`
	Dependencies []dependency `json:"dependencies"`
}

type dependency struct {
	Path    string `json:"path"`
	Version string `json:"version"`
}

func newVersion() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Prints version, commit, Go version and dependencies",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := versionOf()
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), v)
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), v.String())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func versionOf() build {
	b := build{Version: "unknown", Dependencies: []dependency{}}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Go = info.GoVersion
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		case "vcs.time":
			b.Time = s.Value
		}
	}
	for _, d := range info.Deps {
		for d.Replace != nil {
			d = d.Replace
		}
		b.Dependencies = append(b.Dependencies, dependency{d.Path, d.Version})
	}
	return b
}

// String describes the build for people, dependencies last.
func (b build) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s\n", program, b.Version)
	if b.Commit != "" {
		fmt.Fprintf(&s, "commit %s %s", b.Commit, b.Time)
		if b.Modified {
			s.WriteString(" with changes")
		}
		s.WriteByte('\n')
	}
	fmt.Fprintf(&s, "%s\n", b.Go)
	for _, d := range b.Dependencies {
		fmt.Fprintf(&s, "  %s %s\n", d.Path, d.Version)
	}
	return s.String()
}
