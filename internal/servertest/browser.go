package servertest

import (
	"context"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browserLimit is how long a test may use its browser.
const browserLimit = 3 * time.Minute

// Browser is a new Chromium with an empty tab, to be driven with chromedp until
// the test ends. In a short run the test is skipped.
func Browser(t testing.TB) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	binary, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("the tests need Chromium (\"make deps\" installs it): %v", err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(binary), chromedp.WindowSize(1280, 800))
	for _, flag := range []string{
		"no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, cancel := context.WithTimeout(t.Context(), browserLimit)
	t.Cleanup(cancel)
	ctx, leave := chromedp.NewExecAllocator(ctx, options...) // with a new directory for the user's data
	t.Cleanup(leave)
	ctx, leaveTab := chromedp.NewContext(ctx)
	t.Cleanup(leaveTab)
	return ctx
}
