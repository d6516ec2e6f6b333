package anonymize

import (
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// The fields of the text forms, one letter for each: what is kept as it is, and
// what is replaced. Behind the last everything is replaced.
const (
	keep         = 'k'
	word         = 'w'
	agent        = 'a'
	variables    = 'v' // name=value|name=value
	labels       = 'l' // Labels:label,label
	entries      = 'e' // key:value,key:value; all fields behind it, too
	teams        = 't' // id,name|id,name
	participants = 'p' // number,state,…|number,state,…
	destination  = 'd'
)

// state44 is what text-4.4 tells of an agent's state.
const state44 = "akkkkkkwaw"

// fields is the form of an event in a text format.
func fields(x *capture.Record, f []string) string {
	is44, old, at := x.Format == string(wire.Text44), x.Format == string(wire.TextOld), func(i int) string {
		if i < len(f) {
			return f[i]
		}
		return ""
	}
	switch x.Event {
	case "System":
		return "kk"
	case "DESTINATION":
		return "kdk"
	case "State":
		switch {
		case is44:
			return state44
		case old:
			return "akkw"
		}
		return "akkkw"
	case "Error", "LOGOUT", "Control":
		return "akkkk"
	case "AgentInfo":
		if is44 && strings.HasPrefix(at(6), "Teams:") && len(f) == 10 {
			return "akwwkkktkw"
		}
		return "akwwkkw"
	case "InboundCall", "ConsultCall":
		return call(x.Event, at(2), len(f), is44, old)
	case "NewInboundCall", "NewOutboundCall":
		switch {
		case is44:
			return "akwvkkk"
		case x.Event == "NewOutboundCall":
			return "akwvk"
		case old:
			return "akwwk"
		}
		return "akwvk"
	case "TeamInfoIDs":
		return "akkkw"
	case "TeamInfoNames":
		return "akkww"
	case "DialogState":
		if at(1) != "DialogState" { // of the answer that names the kind of call
			return "akkkkw"
		}
		return "akkkwwvkkwv"
	case "DialogStatus":
		if old {
			return "akkkkk"
		}
		return "akkkwvkkwv"
	case "ReasonCodes":
		return "akkklw"
	case "QueueList", "Agents", "TeamUsersList":
		return "ake"
	case "Phonebooks", "TeamPhoneBooks", "PhonebookContacts":
		if is44 {
			return "ake"
		}
		return "ke"
	case "TeamMemberStateChanged":
		if is44 {
			return state44
		}
		return "akkka"
	case "ConferenceParticipants":
		return "akw"
	case "AgentState":
		return "kawwk"
	}
	return ""
}

// call is the form of an event about a call.
func call(event, state string, n int, is44, old bool) string {
	switch {
	case state == "FAILED":
		return "akkkkw"
	case old && event == "ConsultCall":
		return "akkk"
	case old && n == 4:
		return "akkw"
	case old:
		return "akkkw"
	case is44 && event == "InboundCall":
		return "akkkwvkkkp"
	}
	return "akkkwvkw"
}

// text replaces what an event in a text format tells.
func (a *Anonymizer) text(x *capture.Record, body string) string {
	f := strings.Split(body, "#")
	form := fields(x, f)
	switch {
	case x.Event == "Control" && len(f) > 3: // a sentence, the configuration's
		return a.words.login(f[0]) + "#" + strings.Join(f[1:], "#")
	case x.Event == "RECONNECT" && len(f) > 2:
		_, text := a.command(x.Type, strings.Join(f[2:], "#"))
		return a.words.login(f[0]) + "#" + f[1] + "#" + text
	}
	for i := range f {
		kind := rune(word)
		if i < len(form) {
			kind = rune(form[i])
		} else if strings.HasSuffix(form, string(entries)) {
			kind = entries
		}
		f[i] = a.field(kind, f[i])
	}
	return strings.Join(f, "#")
}

func (a *Anonymizer) field(kind rune, s string) string {
	switch kind {
	case keep:
		return s
	case agent:
		return a.words.login(s)
	case variables:
		return each(s, "|", a.variable)
	case labels:
		return "Labels:" + each(strings.TrimPrefix(s, "Labels:"), ",", a.label)
	case entries:
		return each(s, ",", a.entry)
	case teams:
		return each(s, "|", func(team string) string {
			id, name, _ := strings.Cut(team, ",")
			return id + "," + a.words.text(name)
		})
	case participants:
		return "participants:" + each(strings.TrimPrefix(s, "participants:"), "|", func(p string) string {
			number, rest, _ := strings.Cut(p, ",")
			return a.words.text(number) + "," + rest
		})
	case destination:
		return a.destination(s)
	default:
		return a.words.text(s)
	}
}

// each replaces the parts of s between separators.
func each(s, separator string, do func(string) string) string {
	if s == "" {
		return ""
	}
	parts := strings.Split(s, separator)
	for i := range parts {
		parts[i] = do(parts[i])
	}
	return strings.Join(parts, separator)
}

// variable keeps the name of a call variable, and the id of a call.
func (a *Anonymizer) variable(s string) string {
	name, value, ok := strings.Cut(s, "=")
	switch {
	case !ok:
		return a.words.text(s)
	case name == "associatedDialogId":
		return s
	default:
		return name + "=" + a.words.text(value)
	}
}

// replacedKeys are the entries of lists that are replaced.
var replacedKeys = []string{"FirstName", "LastName", "Extension", "LoginID", "QueueName", "name", "description", "firstName", "lastName", "phoneNumber"}

func (a *Anonymizer) entry(s string) string {
	key, value, ok := strings.Cut(s, ":")
	switch {
	case !ok:
		if s == "NoTeamPhoneBookFound" || s == "NoContactFound" {
			return s
		}
		return a.words.text(s)
	case key == "LoginID":
		return key + ":" + a.words.login(value)
	case slices.Contains(replacedKeys, key):
		return key + ":" + a.words.text(value)
	default:
		return s
	}
}
