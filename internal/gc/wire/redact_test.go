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

// placing knows crm only.
func placing(spec *gc.CommandSpec, d gc.Destination) string {
	if d.Name() == "crm" || spec.Name != gc.Connect {
		return ""
	}
	return "/topic/hidden.1"
}

func TestRedact(t *testing.T) {
	const secret = "canary p#ss|w=rd"
	for _, k := range []struct{ rule, typ, body, wantType, wantBody string }{
		{"the password of a Connect, which may hold commas", "Connect#1001", "crm,a," + secret, "Connect#1001", "crm,[secret 1]"},
		{"an access token", "Connect#1001", "crm," + secret + ",SSO", "Connect#1001", "crm,[secret 1],SSO"},
		{"one that is none stays none", "Connect#1001", "crm,\a" + secret + ",SSO", "Connect#1001", "crm,\a[secret 1],SSO"},
		{"that of a Login", " login # 1001", secret + ",2001", " login # 1001", "[secret 1],2001"},
		{"that of a mobile agent", "MobileAgentLogin#1001", secret + ",2001,4085551234,true", "MobileAgentLogin#1001", "[secret 1],2001,4085551234,true"},
		{"in the place of an extension", "Login#1001", "2001," + secret, "Login#1001", "[secret 1],[secret 2]"},
		{"in the place of a destination", "Connect#1001", secret + ",crm", "Connect#1001", "[secret 1],[secret 2]"},
		{"beyond the last parameter", "MakeReady#1001", secret, "MakeReady#1001", "[secret 1]"},
		{"in the place of a dialog", "HoldCall#1001", secret, "HoldCall#1001", "[secret 1]"},
		{"alone", "Login#1001", secret, "Login#1001", "[secret 1]"},
		{"of a command nobody knows", "Logn#1001", secret + ",2001", "[secret 1]#1001", "[secret 2],[secret 3]"},
		{"as a destination that nobody knows", "Connect#1001", "S3cret!", "Connect#1001", "/topic/hidden.1"},
		{"the same with a password behind it", "Connect#1001", "S3cret!,crm", "Connect#1001", "/topic/hidden.1,[secret 1]"},
		{"as the command", "S3cret!#1001", "", "[secret 1]#1001", ""},
		{"behind the id", "Login#1001 S3cret!,2001", "", "Login#[secret 1]", ""},
		{"as the command, with too much text", "S3cret!#1001", strings.Repeat("x", MaxBody+1), "[secret 1]#1001", strings.Repeat("x", MaxBody+1)},
		{"as the type, with text that is none", "S3cret!", "\xff", "[secret 1]", "\xff"},
		{"in a type that is too long", "S3cret!" + strings.Repeat("!", 1024), "", strings.Repeat("x", 1025), ""},
		{"as the id", "Hello#" + strings.ReplaceAll(secret, "#", " "), "", "Hello#[secret 1]", ""},
		{"as the type", secret[:6], "", "[secret 1]", ""},
		{"among fields that are mixed up, though it could be a number", "MobileAgentLogin#1001", "2001,a,S3cret!,b", "MobileAgentLogin#1001", "[secret 1],[secret 2],[secret 3],[secret 4]"},
		{"or a login id", "bargein#1001", "S3cret!,x", "bargein#1001", "secret-1,[secret 2]"},
		{"blanks stay", "Login#1001", " , 2001", "Login#1001", " , 2001"},
		{"other commands stay as they are", "ConsultCall#1001", "1002, 16870001", "ConsultCall#1001", "1002, 16870001"},
		{"so do Hello and Beat", "Beat#queue://crm", "", "Beat#queue://crm", ""},
	} {
		t.Run(k.rule, func(t *testing.T) {
			typ, body := Redact(k.typ, k.body, naming(), placing)
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
			safeType, safeBody := Redact(typ, body, naming(), placing)
			_, after := ParseCommand(safeType, safeBody)
			require.Equal(t, before == nil, after == nil, "%s %s", typ, body)
			if before != nil {
				require.Equal(t, gc.CodeOf(before), gc.CodeOf(after), "%s %s: %v, %v", typ, body, before, after)
			}
		}
	}
}
