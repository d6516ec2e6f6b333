package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/finesse-connector/finesse-connector/internal/config"
)

func newConfigInit() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Writes a commented configuration file with the defaults",
		Long: `Writes a commented configuration file with the defaults to FILE,
` + defaultConfig + ` unless another is named, or "-" for standard output.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := defaultConfig
			if len(args) == 1 {
				path = args[0]
			}
			if path == "-" {
				_, err := cmd.OutOrStdout().Write(config.Example())
				return err
			}
			if err := writeConfig(path, force); err != nil {
				return err
			}
			cmd.PrintErrf("wrote %s; name your servers in it, then run: %s check --config %s\n", path, program, path)
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "overwrite a file that exists")
	return cmd
}

// writeConfig replaces a file, which somebody may have edited, only with force.
// Everybody may read it: the service runs as a user of its own, and passwords
// belong in other files.
func writeConfig(path string, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o644)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s exists; name another file, or --force to overwrite it", path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; make its directory first", err)
	case err != nil:
		return err
	}
	_, err = f.Write(config.Example())
	return errors.Join(err, f.Close())
}
