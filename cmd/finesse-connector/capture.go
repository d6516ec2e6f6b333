package main

import "github.com/spf13/cobra"

func newCapture() *cobra.Command {
	return group("capture", "Shows captures, and makes copies that can be given away", newCaptureShow(), newCaptureAnonymize())
}
