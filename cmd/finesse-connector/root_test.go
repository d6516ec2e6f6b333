package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWrongUsageExitsWith2(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		args []string
		says string
	}{
		"a command is needed":                       {nil, `name a command: capture, check, config, demo, replay, send, serve, simulate, tail, version; see "finesse-connector --help"`},
		"an unknown command is named":               {[]string{"frobnicate"}, `unknown command "frobnicate"; see`},
		"a slip is understood":                      {[]string{"srve"}, `unknown command "srve", did you mean serve?; see`},
		"a group needs one of its commands":         {[]string{"config"}, `name a command: describe, init; see "finesse-connector config --help"`},
		"a group names what it does not know":       {[]string{"config", "import"}, `unknown command "import"`},
		"an unknown flag is named":                  {[]string{"serve", "--colour"}, `unknown flag: --colour; see "finesse-connector serve --help"`},
		"a flag's value has its type":               {[]string{"send", "--wait", "soon", "Hello#desk"}, `invalid argument "soon" for "--wait"`},
		"help is for existing commands":             {[]string{"help", "config", "import"}, `unknown command "config import"`},
		"serve takes no arguments":                  {[]string{"serve", "config.yaml"}, `unknown command "config.yaml"`},
		"send needs a command":                      {[]string{"send"}, "accepts between 1 and 2 arg(s), received 0"},
		"a command has an id":                       {[]string{"send", "Hello"}, `command "Hello" is not of the form [category/]Type#id`},
		"send takes a time to wait":                 {[]string{"send", "--wait", "0s", "Hello#desk"}, "--wait 0s: name a time"},
		"send knows the formats":                    {[]string{"send", "--format", "xml", "Hello#desk"}, "--format xml"},
		"send wants one destination":                {[]string{"send", "--destination", "a,b", "GetState#1001"}, `destination "a,b"`},
		"send wants one broker":                     {[]string{"send", "--config", "x", "--broker", "tcp://127.0.0.1:1", "Hello#desk"}, "--config and --broker name two brokers"},
		"tail takes nobody's queues away":           {[]string{"tail", "queue://>"}, `destination "queue://>": wildcards are for topics`},
		"tail wants destinations":                   {[]string{"tail", "a b"}, `destination "a b"`},
		"a call variable has a value":               {[]string{"simulate", "call", "--var", "gold", "1001"}, `--var "gold" is not of the form name=value`},
		"a call is for an agent":                    {[]string{"simulate", "call", "10/01"}, `agent "10/01"`},
		"a delay is not negative":                   {[]string{"simulate", "--max-delay", "-1s"}, "--max-delay -1s is negative"},
		"a phone rings":                             {[]string{"simulate", "--ring-timeout", "0s"}, "--ring-timeout 0s: name a time"},
		"the demo knows the formats":                {[]string{"demo", "--format", "xml"}, "--format xml"},
		"an agent to check with needs its password": {[]string{"check", "--agent", "1001"}, "--agent and --password-file belong together"},
		"a token to check with is an agent's":       {[]string{"check", "--sso"}, "--agent and --password-file belong together"},
		"a lifetime is a token's":                   {[]string{"simulate", "--token-lifetime", "1h"}, "--token-lifetime 1h0m0s: name a time such as 1h, and --sso"},
		"version takes no arguments":                {[]string{"version", "please"}, `unknown command "please"`},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			got := run(t, test.args...)
			require.Equal(t, exitUsage, got.code, got.err)
			require.Contains(t, got.err, test.says)
			requireComplaint(t, got.err)
			require.Empty(t, got.out)
		})
	}
}

func TestHelpOfACommandIsThatOfItsFlag(t *testing.T) {
	t.Parallel()
	require.Equal(t, run(t, "config", "init", "--help"), run(t, "help", "config", "init"))
	require.Equal(t, run(t, "--help"), run(t, "help"))
}

func TestHelpIsPrintedForPrograms(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{}, {"serve"}, {"demo"}, {"simulate"}, {"simulate", "call"}, {"send"}, {"tail"}, {"check"},
		{"config"}, {"config", "init"}, {"config", "describe"}, {"version"},
	} {
		got := run(t, append(args, "--help")...)
		require.Equal(t, exitDone, got.code, got.err)
		require.Contains(t, got.out, "Usage:")
		require.Empty(t, got.err)
	}
}
