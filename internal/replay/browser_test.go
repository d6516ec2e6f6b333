package replay

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/servertest"
)

// tab is a page in a browser.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string
}

// open opens the page of a replay.
func open(t *testing.T, all []capture.Item) *tab {
	t.Helper()
	page, _ := pageOf(t, all)
	return openText(t, page)
}

// openText writes a page to a file and opens it. At the end of the test its
// console must be empty.
func openText(t *testing.T, page string) *tab {
	t.Helper()
	ctx := servertest.Browser(t)
	file := filepath.Join(t.TempDir(), "page.html")
	require.NoError(t, os.WriteFile(file, []byte(page), 0o600))
	b := &tab{t: t, ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, b.hear))
	b.do(chromedp.Navigate("file://" + file))
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		require.Empty(t, b.problems)
	})
	return b
}

// hear notes what the console receives.
func (b *tab) hear(e any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := e.(type) {
	case *log.EventEntryAdded:
		b.problems = append(b.problems, fmt.Sprintf("%+v", e.Entry))
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, fmt.Sprintf("%+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		b.problems = append(b.problems, fmt.Sprintf("%+v", e))
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, steps...))
}

// click clicks into the middle of an element, with the mouse.
func (b *tab) click(selector string) {
	b.t.Helper()
	const script = `(() => {
		const r = document.querySelector(%q).getBoundingClientRect()
		return [r.left + r.width / 2, r.top + r.height / 2]
	})()`
	at, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]float64](fmt.Sprintf(script, selector)))
	require.NoError(b.t, err, selector)
	b.do(chromedp.MouseClickXY(at[0], at[1]))
}

// until waits until an expression is true, which is checked at each frame.
func (b *tab) until(expression string) {
	b.t.Helper()
	const script = `new Promise((done, fail) => {
		const end = performance.now() + 30000
		const look = () => {
			if (%s) done(true)
			else if (performance.now() > end) fail(new Error("rows: " + document.querySelectorAll(".row").length + ", " + document.getElementById("shown").textContent))
			else requestAnimationFrame(look)
		}
		look()
	})`
	ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](fmt.Sprintf(script, expression), chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, expression)
	require.True(b.t, ok)
}

// Short forms of expressions for until.
const (
	drawn    = `document.querySelectorAll(".row").length`
	details  = `document.getElementById("details")`
	inView   = `document.getElementById("shown").textContent`
	selected = `document.querySelector(".row.current")`
)

func TestThePageInABrowser(t *testing.T) {
	all := lines(t, "one-call-json")
	spoil(t, all, "State", `"state":"READY"`, `"state":"BUSY"`)
	b := open(t, all)
	total := len(all)

	b.until(drawn + ` > 10`)
	b.until(inView + fmt.Sprintf(` === "%d of %d rows"`, total, total))
	b.until(`document.getElementById("verdict").textContent.startsWith("≠ ")`)
	b.click("#only")
	b.until(`document.querySelectorAll(".row").length === document.querySelectorAll(".row.marked").length`)
	b.until(`document.querySelector(".row.marked .mark").textContent === "≠"`)
	b.until(`document.querySelector(".row.marked .tell").textContent === "different state: BUSY → READY"`)

	b.click(".row.marked")
	b.until(`!` + details + `.hidden && [...` + details + `.querySelectorAll("td")].map(e => e.textContent).join() === "state,BUSY,READY"`)
	b.until(`[...` + details + `.querySelectorAll("pre")].some(e => e.textContent.includes('"state":"BUSY"'))`)
	b.do(chromedp.KeyEvent(kb.Escape))
	b.until(details + `.hidden`)
	b.click("#only")
	b.until(inView + fmt.Sprintf(` === "%d of %d rows"`, total, total))

	filters(b, all)
	keyboard(b, total)
}

// filters tries the filters by agent, kind and text.
func filters(b *tab, all []capture.Item) {
	b.t.Helper()
	count := func(match func(x *capture.Record) bool) (n int) {
		for _, i := range all {
			if i.Record != nil && match(i.Record) {
				n++
			}
		}
		return n
	}
	shows := func(n int) { b.t.Helper(); b.until(inView + fmt.Sprintf(` === "%d of %d rows"`, n, len(all))) }

	b.do(chromedp.SendKeys("#text", "WRAPUPTIMER"))
	shows(count(func(x *capture.Record) bool { return strings.Contains(x.Body, "wrapUpTimer") }))
	b.do(chromedp.SendKeys("#text", "nothing has this"))
	shows(0)
	b.until(`!document.getElementById("none").hidden`)
	b.until(`document.getElementById("text").select() === undefined`)
	b.do(chromedp.KeyEvent(kb.Backspace))
	shows(len(all))

	for _, kind := range []string{commandRow, requestRow, answerRow, notificationRow, otherRow} {
		b.click(`input[value="` + kind + `"]`)
	}
	shows(count(func(x *capture.Record) bool { return x.IsEvent() }))
	b.until(`document.querySelectorAll(".arrow.driver.left").length === ` + drawn)
	for _, kind := range []string{commandRow, requestRow, answerRow, notificationRow, otherRow} {
		b.click(`input[value="` + kind + `"]`)
	}
	shows(len(all))

	b.do(chromedp.SendKeys("#agent", "1001"))
	shows(count(func(x *capture.Record) bool { return x.Agent == "1001" }))
	b.do(chromedp.KeyEvent(kb.Home))
	shows(len(all))
}

// keyboard goes through the rows without a mouse.
func keyboard(b *tab, total int) {
	b.t.Helper()
	b.do(chromedp.Focus("#list"))
	for _, k := range []struct {
		key  string
		want int
	}{
		{kb.ArrowDown, 1}, {kb.ArrowDown, 2}, {kb.ArrowUp, 1}, {kb.End, total}, {kb.ArrowDown, total}, {kb.Home, 1},
	} {
		b.do(chromedp.KeyEvent(k.key))
		b.until(selected + fmt.Sprintf(`?.getAttribute("aria-posinset") === "%d"`, k.want))
		b.until(`document.getElementById("list").getAttribute("aria-activedescendant") === ` + selected + `.id`)
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until(`!` + details + `.hidden && ` + details + `.querySelector("h2").textContent === "a run begins"`)
	b.do(chromedp.KeyEvent(kb.ArrowDown)) // the details follow
	b.until(details + `.querySelector("h2").textContent.startsWith("usable")`)
	b.do(chromedp.KeyEvent(kb.Escape))
	b.until(details + `.hidden && document.activeElement.id === "list"`)
	b.do(chromedp.KeyEvent("/"))
	b.until(`document.activeElement.id === "text"`)
}

func TestAReplayThatEndedEarlyInABrowser(t *testing.T) {
	all := list(lines(t, "one-call-json"))
	all = append(all, capture.Item{File: "capture.jsonl", Line: 999, Header: &capture.Header{Run: "other"}})
	var page strings.Builder
	synctest.Test(t, func(t *testing.T) {
		r, err := Offline(t.Context(), &all, Options{Keep: true})
		require.ErrorContains(t, err, "they name no node of Finesse")
		require.NoError(t, r.HTML(&page))
	})
	b := openText(t, page.String())
	b.until(`document.getElementById("verdict").textContent === "no difference so far" && document.getElementById("verdict").className === "bad"`)
	b.until(`document.getElementById("full").textContent === "The replay ended early, at capture.jsonl:999."`)
}

func TestAHostileCaptureInABrowser(t *testing.T) {
	all := lines(t, "one-call-json")
	i := place(t, all, "State", 3)
	all[i].File, all[i].Record = hostile, hostileRecord(all[i].Record)
	b := open(t, all)
	b.click("#only")
	b.until(`document.querySelectorAll(".row.marked").length > 0 && ` + drawn + ` === document.querySelectorAll(".row.marked").length`)
	b.click(".row.marked:last-child")
	b.until(`[...` + details + `.querySelectorAll("pre")].some(e => e.textContent.startsWith("</script><img src=x onerror="))`)
	b.until(`[...document.querySelectorAll("#agent option")].some(e => e.textContent.startsWith("</script><img"))`)
	b.until(`document.images.length === 0 && document.title === "Replay"`)
	b.until(`document.scripts.length === 1`) // its own; the data was taken out
}

// A day of a busy site is one page: only the rows in view are made.
func TestAPageOfManyRecordsInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	all := repeated(t, "main-job", 320)
	require.Greater(t, len(all), 50_000)
	last := slices.Clone(all[len(all)-157:])
	spoil(t, last, "State", "#READY#", "#UNREADY#")
	all = append(all[:len(all)-157], last...)
	b := open(t, all)

	b.until(drawn + ` > 10 && ` + drawn + ` < 100`)
	b.until(inView + fmt.Sprintf(` === "%d of %d rows"`, len(all), len(all)))
	for _, part := range []float64{0.3, 0.9, 1} {
		_, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](fmt.Sprintf(`document.getElementById("list").scrollTop = document.getElementById("list").scrollHeight * %g`, part)))
		require.NoError(t, err)
		b.until(fmt.Sprintf(`[...document.querySelectorAll(".row")].some(e => Number(e.getAttribute("aria-posinset")) >= %d)`, int(part*float64(len(all)))))
		b.until(drawn + ` < 100`)
	}
	b.until(`document.querySelector(".row:last-child").getBoundingClientRect().bottom <= document.getElementById("list").getBoundingClientRect().bottom + 1`)

	b.do(chromedp.Focus("#list"), chromedp.KeyEvent(kb.Home), chromedp.KeyEvent("n"))
	b.until(selected + `?.querySelector(".mark").textContent === "≠"`)
	b.until(fmt.Sprintf(`Number(%s.getAttribute("aria-posinset")) > %d`, selected, len(all)-157))
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until(`!` + details + `.hidden && ` + details + `.textContent.includes("UNREADY")`)
	b.click("#only")
	b.until(`document.querySelectorAll(".row").length === document.querySelectorAll(".row.marked").length`)
	b.until(selected + ` !== null`) // it stays
}
