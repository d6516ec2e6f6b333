package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// naming gives what is hidden a name, the same for the same.
func naming() func(string) string {
	names := map[string]string{}
	return func(s string) string {
		if names[s] == "" {
			names[s] = fmt.Sprintf("[secret %d]", len(names)+1)
		}
		return names[s]
	}
}

func TestRedact(t *testing.T) {
	const secret = "canary p#ss|w=rd"
	for _, k := range []struct{ rule, typ, body, wantType, wantBody string }{
		{"the password of a Connect, which may hold commas", "Connect#1001", "crm,a," + secret, "Connect#1001", "crm,[secret 1]"},
		{"that of a Login", " login # 1001", secret + ",2001", " login # 1001", "[secret 1],2001"},
		{"that of a mobile agent", "MobileAgentLogin#1001", secret + ",2001,4085551234,true", "MobileAgentLogin#1001", "[secret 1],2001,4085551234,true"},
		{"in the place of an extension", "Login#1001", "2001," + secret, "Login#1001", "[secret 1],[secret 2]"},
		{"in the place of a destination", "Connect#1001", secret + ",crm", "Connect#1001", "[secret 1],[secret 2]"},
		{"beyond the last parameter", "MakeReady#1001", secret, "MakeReady#1001", "[secret 1]"},
		{"in the place of a dialog", "HoldCall#1001", secret, "HoldCall#1001", "[secret 1]"},
		{"alone", "Login#1001", secret, "Login#1001", "[secret 1]"},
		{"of a command nobody knows", "Logn#1001", secret + ",2001", "Logn#1001", "[secret 1],[secret 2]"},
		{"as the id", "Hello#" + strings.ReplaceAll(secret, "#", " "), "", "Hello#[secret 1]", ""},
		{"as the type", secret[:6], "", "[secret 1]", ""},
		{"blanks stay", "Login#1001", " , 2001", "Login#1001", " , 2001"},
		{"other commands stay as they are", "ConsultCall#1001", "1002, 16870001", "ConsultCall#1001", "1002, 16870001"},
		{"so do Hello and Beat", "Beat#queue://crm", "", "Beat#queue://crm", ""},
	} {
		t.Run(k.rule, func(t *testing.T) {
			typ, body := Redact(k.typ, k.body, naming())
			require.Equal(t, k.wantType, typ)
			require.Equal(t, k.wantBody, body)
		})
	}
}

// A replay of what was hidden goes wrong where the command went wrong.
func TestWhatIsRedactedReadsAsBefore(t *testing.T) {
	for _, spec := range gc.Commands {
		for _, body := range []string{
			"", ",", "x", "secret,2001", "secret,2001,4085551234,true", "secret,x", "secret,2001,4085551234,maybe", "2001,16870001", "a,b,c,d,e",
			"16870001,callVariable1,a,b", "crm,secret", "*,secret", "crm", "5,true", "16870001,ACCEPT", "16870001,accept it",
			"\xff", "\xff,2001", "1\n2", "1\n2,16870001", "16870001,a\x00b,c", strings.Repeat("1", 300), strings.Repeat("1", 300) + ",16870001",
			"16870001," + strings.Repeat("v", 5000), strings.Repeat("1", MaxBody+1),
		} {
			typ := string(spec.Name) + "#1001"
			_, before := ParseCommand(typ, body)
			safeType, safeBody := Redact(typ, body, naming())
			_, after := ParseCommand(safeType, safeBody)
			require.Equal(t, before == nil, after == nil, "%s %s", typ, body)
			if before != nil {
				require.Equal(t, gc.CodeOf(before), gc.CodeOf(after), "%s %s: %v, %v", typ, body, before, after)
			}
		}
	}
}
