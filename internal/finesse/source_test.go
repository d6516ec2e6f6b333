package finesse_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
)

func TestTheObjectOfAnUpdate(t *testing.T) {
	for source, want := range map[string]finesse.Object{
		"/finesse/api/User/1001":                              {User: "1001"},
		"/finesse/api/User/j%20smith/":                        {User: "j smith"},
		"/finesse/api/User/1001/Dialogs":                      {User: "1001", Calls: true},
		"https://finesse-a:8445/finesse/api/Dialog/154963621": {Dialog: "154963621"},
		"/finesse/api/Dialog/5001_7_1":                        {Dialog: "5001_7_1"},

		"":                                       {},
		"User/1001":                              {},
		"/finesse/api/User/%zz":                  {},
		"/finesse/api/User/1001/Dialogs/Media":   {},
		"/finesse/api/User/1001/Media/5001":      {},
		"/finesse/api/Dialogs/Media":             {},
		"/finesse/api/Dialog/7/Media":            {},
		"/finesse/api/Team/1/Users":              {},
		"/finesse/api/SystemInfo":                {},
		"/finesse/api/User/1001/Dialogs/Media/7": {},
	} {
		require.Equal(t, want, (&finesse.Update{Source: source}).Object(), source)
	}
}
