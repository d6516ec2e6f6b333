package simulator

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func parse(t testing.TB, text string) *Script {
	t.Helper()
	s, err := ParseScript("test.script", text)
	require.NoError(t, err)
	return s
}

// TestScriptsThatComeWithTheSimulatorRun each from its first step to its last,
// with the agents it names and with others.
func TestScriptsThatComeWithTheSimulatorRun(t *testing.T) {
	pauses := regexp.MustCompile(`(?m)^pause .*`)
	for _, script := range Scripts() {
		require.NotEmpty(t, script.Title)
		name := script.Name
		script := parse(t, pauses.ReplaceAllString(script.Text, "pause 10ms"))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(o *Options) {
				if o.RingTimeout = time.Second; name == "failover" {
					o.SecondREST = "127.0.0.1:0"
				}
			})
			require.NoError(t, s.Run(t.Context(), script))
			require.NoError(t, s.Run(t.Context(), script), "again")
			var others []gc.AgentID
			for i, id := range script.agents {
				if others = append(others, gc.AgentID(fmt.Sprint(1010+i))); id == "2001" {
					others[i] = "2002"
				}
			}
			if len(others) > 0 {
				require.NoError(t, s.Run(t.Context(), script, others...), "with others")
			}
			for _, a := range s.Agents() {
				require.Empty(t, a.Calls, a.ID)
			}
		})
	}
}

func TestScriptsThatComeWithTheSimulatorCoverTheVerbs(t *testing.T) {
	var all strings.Builder
	var names []string
	for _, script := range Scripts() {
		all.WriteString("\n" + script.Text)
		names = append(names, script.Name)
	}
	require.Equal(t, []string{
		"barge", "blind-transfer", "conference", "consult", "disorder", "failover", "inbound-call", "outage", "phonebooks", "predictive", "preview-accept", "preview-close",
		"preview-reject", "queues", "refusals", "ring-no-answer", "silent-monitor", "teams", "transfer", "whose-error", "withheld-number", "wrap-up",
	}, names)
	require.Equal(t, "barge", FindScript("barge").Name)
	require.Nil(t, FindScript("dance"))
	for _, v := range verbs {
		switch v.name {
		case "sign-out", "dial", "drop-event", "fault", "heal", "progressive": // small enough to be understood without
			continue
		}
		require.Regexp(t, `\n`+v.name+`\s`, all.String(), "no script shows the verb")
	}
}

func TestAScriptThatCanNotBeReadSaysWhere(t *testing.T) {
	for text, want := range map[string]string{
		"cal 1001":                             `test.script:1: "cal" is not a verb; accepted are agents, say, wait, pause, call,`,
		"\n# a comment\ncall 1001 form 1":      `test.script:3: "form" stands where "from" is expected; accepted is: call AGENT from CALLER [to NUMBER] [with VARIABLE…]`,
		"call 1001":                            `test.script:1: "from" is missing; accepted is: call AGENT`,
		"call 1001 from":                       "test.script:1: CALLER is missing; accepted is: call AGENT",
		"call 1001 from me":                    `test.script:1: CALLER "me": is not a number; accepted is`,
		"call a/b from 1":                      `test.script:1: AGENT "a/b": agent id has a character`,
		"call 1001 from 1 with x=1":            `VARIABLE "x=1": "x" is not a call variable`,
		"call 1001 from 1 with callVariable1":  `VARIABLE "callVariable1": is not of the form name=value`,
		"call 1001 from 1 with":                "VARIABLE is missing",
		"call 1001 from 1 to 2 now":            `"now" is too much; accepted is`,
		"answer":                               "AGENT is missing; accepted is: answer AGENT",
		"answer 1001 1002":                     `"1002" is too much`,
		"hangup 1001 1002":                     `"1002" is too much`,
		"wait 1001 HAPPY":                      `CONDITION "HAPPY": is none of LOGOUT, NOT_READY, READY,`,
		"wait 1001 READY within soon":          `DURATION "soon": is not a time such as 500ms or 2s, of at most 10m0s`,
		"wait 1001 READY within 1h":            `DURATION "1h": is not a time`,
		"pause -1s":                            `DURATION "-1s": is not a time`,
		"state 1001 LOGIN":                     `STATE "LOGIN": is none of READY, NOT_READY, WORK, WORK_READY`,
		"queue Sales calls many":               `COUNT "many": is not a number of 0 to 9999`,
		"sign-in 1001 at home":                 `EXTENSION "home": extension is not a number`,
		"status ON":                            `STATUS "ON": is none of IN_SERVICE, OUT_OF_SERVICE`,
		"node c stop":                          `NODE "c": is none of a, b; accepted is: node NODE stop, or node NODE start, or node NODE status STATUS`,
		"node a":                               `"status" is missing; accepted is: node NODE stop,`,
		"node a status ON":                     `STATUS "ON": is none of IN_SERVICE, OUT_OF_SERVICE; accepted is: node NODE stop,`,
		"fault html at home":                   `NODE "home": is none of a, b`,
		"fault refuse":                         `KIND "refuse": is none of drop, duplicate,`,
		"fault slow times 0":                   `TIMES "0": is not a number of 1 to 1000`,
		"refuse 1001 DANCE with x y":           `REQUEST "DANCE": is none of LOGIN, READY,`,
		"refuse 1001 HOLD status 200 with x y": `CODE "200": is not a number of 400 to 599`,
		"refuse 1001 HOLD id 7 with x y":       `ID "7": is none of none`,
		"consult 1001 to agent":                `NUMBER "agent": is not a number`,
		`say "no end`:                          "test.script:1: a quotation mark is not closed",
		"say x\nagents 1001":                   "test.script:2: the agents are named once, before the first step",
		"agents 1001\nagents 1002\nsay x":      "test.script:2: the agents are named once",
		"agents 1001 1001":                     "test.script:1: agent 1001 is named twice",
		"# nothing\n\n":                        "test.script: there is no step in it",
		strings.Repeat("heal\n", 1001):         "test.script:1001: more than 1000 steps",
		strings.Repeat("#", maxScript+1):       "test.script: longer than 32768 bytes",
	} {
		_, err := ParseScript("test.script", text)
		require.ErrorContains(t, err, want)
	}
}

func TestWordsOfAStep(t *testing.T) {
	s := parse(t, "  # The title \n#another\n\tsay  a \"b  c\" d=\"#e\" f#g # comment\r\ncall 1 from withheld to agent 2 with callVariable1=\"\"")
	require.Equal(t, "The title", s.Title)
	require.Equal(t, []string{"a", "b  c", "d=#e", "f#g"}, s.steps[0].args["text"])
	require.Equal(t, args{"agent": {"1"}, "from": {"withheld"}, "to": {"agent 2"}, "with": {"callVariable1="}}, s.steps[1].args)
	require.Equal(t, 4, s.steps[1].line)
}

// TestEveryKindIsKnown: a word in capitals that is no kind would be taken for
// one that stands as it is.
func TestEveryKindIsKnown(t *testing.T) {
	var check func(v verb, parts []part)
	check = func(v verb, parts []part) {
		for _, p := range parts {
			require.Equal(t, strings.ToLower(p.word), p.word, v.syntax)
			check(v, p.optional)
		}
	}
	for _, v := range verbs {
		check(v, v.parts)
		require.NotEmpty(t, v.help)
	}
}

func TestAStepThatFailsSaysWhatIsTheCase(t *testing.T) {
	const ready = "sign-in 1001\nstate 1001 READY\n"
	for text, want := range map[string]string{
		"call 9999 from 1":            `test.script:1: call 9999 from 1: agent "9999" is not known`,
		"call 1001 from 1":            "agent 1001 is not signed in",
		"state 1001 READY":            "finesse refuses it: Invalid State, CF_INVALID_OBJECT_STATE, 22",
		ready + "answer 1001":         "test.script:3: answer 1001: agent 1001 has no call that offers ANSWER: the agent is READY",
		ready + "sign-out 1001":       "finesse refuses it: Invalid State",
		ready + "hangup":              `there is no call ""`,
		ready + "hangup 1001":         `there is no call ""`,
		ready + "state 1001 WORK":     "finesse refuses it: Invalid State",
		"wait 1001 READY within 10ms": "test.script:1: wait 1001 READY within 10ms: not after 10ms: the agent is LOGOUT",
		ready + "call 1001 from 1\nwait 1001 ACTIVE within 50ms": "the agent is RESERVED, call 16870001 is PREROUTE_ACD_IN ALERTING",
		ready + "dial 1001 to agent 1002":                        "agent 1002 is not signed in",
		ready + "dial 1001 to agent 9999":                        `agent "9999" is not known`,
		"force 2001 1021 READY":                                  "2001 does not lead the team of agent 1021",
		"monitor 1002 1001":                                      "1002 does not lead the team of agent 1001",
		"sign-in 2001\nbarge 2001":                               "finesse refuses it: Invalid State",
		"sign-in 2001\nmonitor 2001 1001":                        "finesse refuses it: Invalid State",
		"preview 1001 customer 7001":                             "is not an outside number",
		"queue Nowhere calls 1":                                  `queue "Nowhere" is not known`,
		"contact Nowhere number 1":                               `phone book "Nowhere" is not known`,
		"node b stop":                                            "node b stop: there is no node b: start the simulator with a second one",
		"node b status IN_SERVICE":                               "there is no node b",
		"fault html at b":                                        "there is no node b",
		"fault cut":                                              `fault "cut" needs an agent`,
		"fault slow":                                             "up to 1m0s is accepted",
		"reason 1001 " + strings.Repeat("x", 40):                 "longer than 39 bytes",
		"sign-in 1001\nsign-in 1002 at 7001":                     "finesse refuses it: Device Busy, CF_RESOURCE_BUSY, 33",
	} {
		s := start(t)
		require.ErrorContains(t, s.Run(t.Context(), parse(t, text)), want)
		s.Close()
	}
}

func TestStepsAreSeenByTheAgentsClients(t *testing.T) {
	s := start(t)
	w := watch(t, s, "1001")
	require.NoError(t, s.Run(t.Context(), parse(t, `
		sign-in 1001 at 7055
		state 1001 READY
		state 1001 READY   # nothing to ask for
		sign-in 1001 at 7056
		dial 1001 to 5550001
		wait 1001 FAILED
		drop 1001
		wait 1001 idle
		drop-event 1001
		state 1001 READY
		state 1001 NOT_READY
		fault duplicate of 1001
		sign-out 1001`)))
	w.sees(
		"U NOT_READY reason=-1", "U READY", "U NOT_READY reason=-1", "D POST INITIATING 7055=INITIATING"+earlyActions,
		"D PUT INITIATED OUT 7055=INITIATED"+earlyActions, "D PUT FAILED OUT 7055=FAILED/BUSY[DROP]",
		"D PUT DROPPED OUT 7055=DROPPED/BUSY[]", "D DELETE DROPPED OUT 7055=DROPPED/BUSY[]",
		"U NOT_READY reason=-1", "U LOGOUT reason=-1", "U LOGOUT reason=-1",
	)
	w.quiet()
}

func TestARefusalIsSeenByScriptAndDriver(t *testing.T) {
	s := start(t)
	d, w := readyAgent(t, s, "1001", "7001")
	require.NoError(t, s.Run(t.Context(), parse(t, `
		refuse 1001 NOT_READY times 2 with "Invalid State" CF_INVALID_AGENT_WORKMODE 265
		refuse 1001 LOGOUT status 503 with "Service Unavailable" "try again later"`)))
	for range 2 {
		d.accepted("PUT", "/User/1001", "<User><state>NOT_READY</state></User>", "requestId", "r")
		w.sees("E put Invalid State CF_INVALID_AGENT_WORKMODE 265 re=r")
	}
	require.Equal(t, 503, d.do("PUT", "/User/1001", "<User><state>LOGOUT</state></User>").status)
	d.state("NOT_READY")
	w.sees("U NOT_READY reason=-1")
}

func TestWhoPlays(t *testing.T) {
	s := start(t)
	script := parse(t, "agents 1001 1002\nsign-in 1001\nsign-in 1002\nsign-in 1003")
	require.ErrorContains(t, s.Run(t.Context(), script, "1", "2", "3"), "test.script has 2 agents that others can play, 3 were given")
	require.NoError(t, s.Run(t.Context(), script, "1007"))
	var in []gc.AgentID
	for _, a := range s.Agents() {
		if a.Extension != "" {
			in = append(in, a.ID)
		}
	}
	require.Equal(t, []gc.AgentID{"1002", "1003", "1007"}, in)
}

func TestAScriptEnds(t *testing.T) {
	waits := parse(t, "sign-in 1001\nwait 1001 TALKING within 10m")
	t.Run("with its context", func(t *testing.T) {
		s := start(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx, waits) }()
		require.Eventually(t, func() bool { return s.agent("1001").Extension != "" }, 5*time.Second, time.Millisecond)
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
	t.Run("with the simulator", func(t *testing.T) {
		for _, text := range []string{"wait 1001 TALKING within 10m", "pause 10m", "sign-in 1001"} {
			s := start(t, func(o *Options) { o.MinDelay, o.MaxDelay = time.Hour, time.Hour })
			ended := make(chan error)
			go func() { ended <- s.Run(t.Context(), parse(t, text)) }()
			select { // it blocks
			case err := <-ended:
				require.Fail(t, "ended early", "%v", err)
			case <-time.After(10 * time.Millisecond):
			}
			s.Close()
			require.ErrorIs(t, <-ended, errClosed)
		}
	})
}

// TestTheManualIsCurrent: what the tables of this package hold is in the manual
// word for word.
func TestTheManualIsCurrent(t *testing.T) {
	manual, err := os.ReadFile("../../docs/simulator.md")
	require.NoError(t, err)
	var rows []string
	for _, v := range verbs {
		rows = append(rows, "| `"+v.syntax+"` | "+v.help+" |")
	}
	require.Contains(t, string(manual), strings.Join(rows, "\n")+"\n")
	rows = nil
	for _, s := range Scripts() {
		rows = append(rows, "| `"+s.Name+"` | "+s.Title+" |")
	}
	require.Contains(t, string(manual), strings.Join(rows, "\n")+"\n")
	for _, k := range faultKinds() {
		require.Contains(t, string(manual), "| `"+string(k)+"` |")
	}
	require.Contains(t, string(manual), "`"+strings.Join(refusable(), "`, `")+"`")
	require.Contains(t, string(manual), "`"+strings.Join(conditions(), "`, `")+"`")
}

// FuzzScript: whatever a script says, reading it ends, and what was read can
// be read again.
func FuzzScript(f *testing.F) {
	for _, s := range Scripts() {
		f.Add(s.Text)
	}
	for _, v := range verbs {
		f.Add(v.syntax)
	}
	f.Add("say \"\"\"")
	f.Add("call 1 from agent agent to agent 1 with user.x=")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseScript("fuzz", text)
		if err != nil {
			require.True(t, strings.HasPrefix(err.Error(), "fuzz:"), err)
			return
		}
		for _, step := range s.steps {
			require.NotNil(t, step.verb.do)
			for _, values := range step.args {
				require.NotEmpty(t, values)
			}
		}
		again, err := ParseScript("fuzz", s.Text)
		require.NoError(t, err)
		require.Len(t, again.steps, len(s.steps))
	})
}
