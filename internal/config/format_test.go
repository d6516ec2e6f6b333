package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

func TestPatternsKeepDotsAndCase(t *testing.T) {
	c := load(t, nodes+`
messages:
  formats: {"*": text, Crm.Web.*: json, "Crm.*": text}
`)
	require.Equal(t, wire.FormatRules{"Crm.Web.*": wire.JSON, "Crm.*": wire.Text, "*": wire.Text}, c.Messages.Formats)
}

func TestTheLongestPatternThatMatchesDecides(t *testing.T) {
	for rule, test := range map[string]struct {
		patterns string
		to       gc.Destination
		want     wire.Format
	}{
		"without patterns the general format":        {`{}`, "/topic/Crm", wire.Text},
		"a name matches itself":                      {`{Crm: json}`, "/topic/Crm", wire.JSON},
		"a name matches no longer one":               {`{Crm: json}`, "/topic/Crm2", wire.Text},
		"case counts":                                {`{crm: json}`, "/topic/Crm", wire.Text},
		"a star is any text":                         {`{"Crm.*": json}`, "/topic/Crm.a.b/c", wire.JSON},
		"a star may be nothing":                      {`{"Crm*": json}`, "/topic/Crm", wire.JSON},
		"a star does not undo what follows":          {`{"*.web": json}`, "/topic/Crm.mobile", wire.Text},
		"stars may surround":                         {`{"*web*": json}`, "/topic/Crm.web.1", wire.JSON},
		"parts do not overlap":                       {`{"ab*ba": json}`, "/topic/aba", wire.Text},
		"a middle part is looked for before the end": {`{"a*b*b": json}`, "/topic/ab", wire.Text},
		"a name matches a queue too":                 {`{Crm: json}`, "/queue/Crm", wire.JSON},
		"a kind matches that kind":                   {`{/queue/*: json}`, "/queue/Crm", wire.JSON},
		"a kind matches no other":                    {`{/queue/*: json}`, "/topic/Crm", wire.Text},
		"the longer pattern wins":                    {`{"*": text, "C*": json}`, "/topic/Crm", wire.JSON},
		"of one length the first by name wins":       {`{"C*": text, "*m": json}`, "/topic/Crm", wire.JSON},
	} {
		t.Run(rule, func(t *testing.T) {
			c := load(t, nodes+"messages: {formats: "+test.patterns+"}")
			require.Equal(t, test.want, c.Messages.Formats.For(test.to, c.Messages.Format))
		})
	}
}
