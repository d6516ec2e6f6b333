package main

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/capture/anonymize"
	"github.com/finesse-connector/finesse-connector/internal/privatefile"
)

func newCaptureAnonymize() *cobra.Command {
	var out string
	var force bool
	cmd := &cobra.Command{
		Use:   "anonymize FILE...",
		Short: "Makes a copy of captures that can be given away",
		Long: `Writes a copy of captures in which only the words of the protocol and of Finesse,
times, counts and the ids of calls and other objects stay. Everything else (names,
numbers, call variables, labels, sentences) is replaced, each value by the same
one throughout. The copy replays as the captures do. Every run replaces differently.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			write := func(w io.Writer) error {
				return anonymize.Files(cmd.Context(), w, files, func(i capture.Item) {
					complain(cmd.ErrOrStderr(), fmt.Sprintf("%s: %v", i.Where(), i.Problem))
				})
			}
			if out == "" {
				if force {
					return usagef("--force is for --out")
				}
				buffered := bufio.NewWriter(cmd.OutOrStdout())
				return errors.Join(write(buffered), buffered.Flush())
			}
			return writeNew(out, force, write)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write to this `FILE`, compressed if it ends with .gz; else to standard output")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite a file that exists")
	return cmd
}

// writeNew creates a file from what write writes, all of it or nothing. With
// force it replaces an existing one, but only at the end: that may be read
// meanwhile.
func writeNew(name string, force bool, write func(io.Writer) error) error {
	packed := func(w io.Writer) error { return writePacked(w, strings.HasSuffix(name, ".gz"), write) }
	if force {
		return privatefile.Replace(name, packed)
	}
	err := privatefile.New(name, packed)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists; name another file, or --force to overwrite it", name)
	}
	return err
}

func writePacked(f io.Writer, packed bool, write func(io.Writer) error) error {
	buffered := bufio.NewWriter(f)
	if !packed {
		return errors.Join(write(buffered), buffered.Flush())
	}
	z := gzip.NewWriter(buffered)
	return errors.Join(write(z), z.Close(), buffered.Flush())
}
