package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/replay"
	"github.com/finesse-connector/finesse-connector/internal/simulator"
)

// said is a command, and the event to await before the next. {dialog} is the
// last call.
type said struct{ typ, body, want string }

// day is a conversation without calls from outside.
var day = []said{
	{"Hello#desk", "", "System#IN_SERVICE"},
	{"Connect#1002", "desk,wrong password", "#Error#SUBSCRIPTION_FAILED"},
	{"Connect#1001", "desk,secret", ""},
	{"Login#1001", "secret,2001", "#State#NOT_READY"},
	{"reasoncodenotready#1001", "", "#ReasonCodes#"},
	{"MakeNotReadyWithReason#1001", "1", "#State#NOT_READY#1#"},
	{"MakeReady#1001", "", "#State#READY#"},
	{"FlyToTheMoon#1001", "now", "#Error#PLEASE_RETRY"},
	{"MakeCall#1001", "4085556789", "#State#TALKING#"},
	{"HoldCall#1001", "{dialog}", "#State#HOLD#"},
	{"RetrieveCall#1001", "{dialog}", "#State#TALKING#"},
	{"ReleaseCall#1001", "{dialog}", "#State#NOT_READY#"},
	{"Logout#1001", "", "#State#LOGOUT#"},
}

// taken is a conversation with a call from outside, which has no command.
var taken = []said{
	{"Hello#desk", "", "System#IN_SERVICE"},
	{"Connect#1001", "desk,secret", ""},
	{"Login#1001", "secret,2001", "#State#NOT_READY"},
	{"MakeReady#1001", "", "#State#READY#"},
	{"", "", "#ALERTING#"},
	{"AnswerCall#1001", "{dialog}", "#State#TALKING#"},
	{"HoldCall#1001", "{dialog}", "#State#HOLD#"},
	{"RetrieveCall#1001", "{dialog}", "#State#TALKING#"},
	{"ReleaseCall#1001", "{dialog}", "#State#READY#"},
	{"MakeNotReady#1001", "", "#State#NOT_READY#"},
	{"Logout#1001", "", "#State#LOGOUT#"},
}

var outside = simulator.Call{From: "4085551234", Variables: map[string]string{"callVariable1": "Chuck Smith"}}

var dialogID = regexp.MustCompile(`DialogID:(\d+)`)

// captured makes a capture of a conversation, with a connector of its own.
func captured(t *testing.T, l *lab, conversation []said) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "capture.jsonl")
	serve := launch(t, "", []string{"FINESSE_CONNECTOR_CAPTURE_FILE=" + file}, "serve", "--config", l.config)
	d, dialog := newDesk(t, l), ""
	for _, c := range conversation {
		if c.typ == "" {
			_, err := l.finesse.Call("1001", outside)
			require.NoError(t, err)
		} else {
			d.send(c.typ, strings.ReplaceAll(c.body, "{dialog}", dialog))
		}
		for c.want != "" {
			text := d.next()
			if found := dialogID.FindStringSubmatch(text); found != nil {
				dialog = found[1]
			}
			if strings.Contains(text, c.want) {
				break
			}
		}
	}
	serve.signal(syscall.SIGTERM)
	require.Equal(t, exitDone, serve.wait(), serve.err.String())
	return file
}

// target is a connector to play to, and the command line for that.
type target struct {
	*lab
	passwords string
}

func newTarget(t *testing.T, l *lab) *target {
	t.Helper()
	serve := launch(t, "", nil, "serve", "--config", l.config)
	d := newDesk(t, l)
	d.send("Hello#desk", "") // to wait until it takes commands
	d.next()
	t.Cleanup(func() {
		serve.signal(syscall.SIGTERM)
		serve.wait()
	})
	return &target{l, write(t, "passwords", "# of the simulator\n\n1001 secret\n")}
}

func (l *target) live(t *testing.T, args ...string) result {
	t.Helper()
	return run(t, append([]string{"replay", "--live", "--config", l.config, "--secrets", l.passwords, "--wait", "3s"}, args...)...)
}

func TestReplayLive(t *testing.T) {
	t.Parallel()
	file := captured(t, newLab(t), day)
	l := newTarget(t, newLab(t))

	t.Run("a second time the calls have other ids, and nothing else is different", func(t *testing.T) {
		for range 2 {
			got := l.live(t, "--speed", "max", file)
			require.Equal(t, exitDone, got.code, got.out+got.err)
			require.Contains(t, got.out, "12 of 13 commands sent")
			require.Contains(t, got.out, "no difference\n")
			require.Contains(t, got.out, "Connect#1002 desk,[secret 1]: not sent: its password was refused")
			require.Contains(t, got.out, "[secret 3]#1001 [secret 4]: no command of that name is known; it is sent as it is")
			require.Empty(t, got.err, "a progress bar is for terminals")
			require.NotContains(t, got.out, demoPassword+",")
		}
	})
	t.Run("at the captured pace", func(t *testing.T) {
		got := l.live(t, "--speed", "0.5", "--json", file)
		var r replay.Report
		require.NoError(t, json.Unmarshal([]byte(got.out), &r))
		require.Equal(t, 12, r.Live.Sent, got.out)
		require.GreaterOrEqual(t, r.Live.Took, 2*r.Until.Sub(r.From)/2, "half as fast")
	})
	t.Run("a difference is found and named", func(t *testing.T) {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		spoilt := write(t, "spoilt.jsonl", strings.Replace(string(data), "1001#State#READY##Ada", "1001#State#READY#7#Ada", 1))
		junit, page := filepath.Join(t.TempDir(), "junit.xml"), filepath.Join(t.TempDir(), "page.html")
		got := l.live(t, "--speed", "max", "--junit", junit, "--html", page, spoilt)
		require.Equal(t, exitFailed, got.code, got.err)
		require.Regexp(t, `spoilt\.jsonl:\d+ different: State of agent 1001 to /topic/desk at 20`, got.out)
		require.Contains(t, got.out, "Reason: captured \"7\", now \"\"\n")
		require.Contains(t, got.out, "differences: 1 different\n")
		report, err := os.ReadFile(junit)
		require.NoError(t, err)
		require.Contains(t, string(report), `failures="1"`)
		html, err := os.ReadFile(page)
		require.NoError(t, err)
		require.Contains(t, string(html), `"counts":{"different":1}`)
	})
	t.Run("without a connector everything is missing, within the time", func(t *testing.T) {
		nobody := newLab(t)
		got := run(t, "replay", "--live", "--config", nobody.config, "--secrets", l.passwords, "--wait", "200ms", "--speed", "max", file)
		require.Equal(t, exitFailed, got.code)
		require.Contains(t, got.out, "its call did not come")
		require.Regexp(t, `differences: \d\d missing\n`, got.out)
	})
	t.Run("a signal ends it with the report so far", func(t *testing.T) {
		nobody := newLab(t)
		p := launch(t, "", nil, "replay", "--live", "--config", nobody.config, "--secrets", l.passwords, "--wait", "10m", "--speed", "max", file)
		d, err := broker.Dial(t.Context(), broker.Options{Username: "gc", Password: gc.NewSecret(brokerPassword)}, nobody.url)
		require.NoError(t, err)
		t.Cleanup(d.Close)
		logins := make(chan string, 64)
		require.NoError(t, d.Subscribe(t.Context(), "/queue/Lab", func(m *broker.Delivery) { logins <- m.Type + " " + m.Body }))
		for text := ""; text != "Login#1001 secret,2001"; {
			select {
			case text = <-logins:
				require.NotContains(t, text, "1002", "a password that was refused is not tried")
			case <-time.After(patience):
				require.FailNow(t, "the login was not sent")
			}
		}
		p.signal(syscall.SIGINT)
		require.Equal(t, exitFailed, p.wait())
		require.Regexp(t, `ended early, after command [34] of 13`, p.out.String(), "the broker may not have confirmed it yet")
		require.Contains(t, p.err.String(), "ended by a signal")
	})
}

// A call from outside is made again during the replay, or not at all.
func TestReplayLiveWithACallFromOutside(t *testing.T) {
	t.Parallel()
	file := captured(t, newLab(t), taken)
	l := newTarget(t, newLab(t))
	t.Run("it does not come", func(t *testing.T) {
		got := l.live(t, "--speed", "max", "--wait", "1s", file)
		require.Equal(t, exitDone, got.code, got.out+got.err)
		require.Contains(t, got.out, "6 of 10 commands sent")
		require.Contains(t, got.out, "AnswerCall#1001 16870001: not sent: nobody in the capture made its call, and no such call came\n")
		require.NotContains(t, got.out, " 0 not played")
	})
	t.Run("it comes", func(t *testing.T) {
		d := newDesk(t, l.lab)
		p := launch(t, "", nil, "replay", "--live", "--config", l.config, "--secrets", l.passwords, "--wait", "20s", "--speed", "max", file)
		for !strings.Contains(d.next(), "#State#READY#") {
		}
		_, err := l.finesse.Call("1001", outside)
		require.NoError(t, err)
		require.Equal(t, exitDone, p.wait(), p.out.String()+p.err.String())
		require.Contains(t, p.out.String(), "10 of 10 commands sent")
		require.Contains(t, p.out.String(), " 0 not played\nno difference\n")
	})
}

func TestReplayLiveSendsNothing(t *testing.T) {
	t.Parallel()
	file := captured(t, newLab(t), day)
	l := newLab(t)
	heard := 0
	d, err := broker.Dial(t.Context(), broker.Options{Username: "gc", Password: gc.NewSecret(brokerPassword)}, l.url)
	require.NoError(t, err)
	require.NoError(t, d.Subscribe(t.Context(), "/queue/Lab", func(*broker.Delivery) { heard++ }))

	dry := run(t, "replay", "--live", "--dry-run", "--broker", "tcp://127.0.0.1:1", file)
	require.Equal(t, exitDone, dry.code, dry.err)
	require.Equal(t, len(day), strings.Count(dry.out, "\n"))
	requireInOrder(t, dry.out, "+0.000s Hello#desk\n", "Connect#1002 desk,[secret 1] (not sent: its password was refused",
		"Connect#1001 desk,[secret 2]\n", "[secret 3]#1001 [secret 4] (no command of that name is known", "Logout#1001\n")

	lacking := run(t, "replay", "--live", "--config", l.config, file)
	require.Equal(t, exitFailed, lacking.code)
	require.Contains(t, lacking.err, "nothing was sent: a capture holds no passwords, and --secrets has none of 1001; add a line")

	open := write(t, "open", "1001\tsecret")
	require.NoError(t, os.Chmod(open, 0o644))
	wrong := run(t, "replay", "--live", "--config", l.config, "--secrets", open, "--agent", "1003", file+"x")
	require.Equal(t, exitFailed, wrong.code)
	warned := run(t, "replay", "--live", "--broker", "tcp://127.0.0.1:1", "--secrets", open, file)
	require.Equal(t, exitFailed, warned.code)
	require.Contains(t, warned.err, "every user of this host can read it; run chmod o-r on it")
	bad := run(t, "replay", "--live", "--secrets", write(t, "bad", "1001 secret\nhunter2"), file)
	require.Contains(t, bad.err, "line 2 is not an agent's id, a blank and a password")
	require.NotContains(t, bad.err+warned.err+lacking.err, "secret\n")
	require.NotContains(t, bad.err, "hunter2")
	d.Close()
	require.Zero(t, heard)

	for _, line := range [][]string{{"--live", "--speed", "0"}, {"--live", "--speed", "NaN"}, {"--live", "--wait", "0s"}, {"--live", "--from", "noon"},
		{"--live", "--until", "25:00:00"}, {"--live", "--format", "json"}, {"--speed", "2"}, {"--secrets", "x"}} {
		got := run(t, append(append([]string{"replay"}, line...), file)...)
		require.Equal(t, exitUsage, got.code, line)
	}
}

// The bar takes one line of a terminal, and nothing without one.
func TestTheProgressBar(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	b := &progressBar{out: &out, width: 60}
	at := replay.Progress{At: time.Date(2026, 11, 23, 8, 1, 2, 0, time.UTC), Sent: 5, Commands: 10, Same: 7, All: 20}
	b.show(at)
	require.Equal(t, "\r\x1b[K[==========          ] 08:01:02 5 of 10 commands sent, 7 of", out.String())
	b.show(at)
	b.clear()
	require.Equal(t, 2, strings.Count(out.String(), "\r\x1b[K"), "it is not drawn more often than anybody can see")

	none := newProgressBar(&out)
	out.Reset()
	none.show(at)
	none.clear()
	require.Empty(t, out.String())
}
