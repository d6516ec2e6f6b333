package main

import "github.com/spf13/cobra"

func newConfig() *cobra.Command {
	return group("config", "Writes and explains the configuration file", newConfigInit(), newConfigDescribe())
}
