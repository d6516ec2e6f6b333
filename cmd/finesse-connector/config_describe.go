package main

import (
	"github.com/spf13/cobra"

	"github.com/finesse-connector/finesse-connector/internal/config"
)

func newConfigDescribe() *cobra.Command {
	return &cobra.Command{
		Use:   "describe",
		Short: "Prints the reference of the configuration (Markdown)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(config.Reference())
			return err
		},
	}
}
