package anonymize

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/finesse-connector/finesse-connector/internal/capture"
)

// keptMembers are those of the JSON forms that hold words and numbers of the
// protocol, or times.
var keptMembers = map[string]bool{}

func init() {
	for _, name := range strings.Fields(`
		type status state reasonCode stateChangeTimeString pendingState stateChangeTime error control message wrapUpOnIncoming
		id dialogId startTime prevDialogId addressType cause assDialogId callType teamId category command phonebookId contactId
		startTimeOfLongestCallInQueue teamIds`) {
		keptMembers[name] = true
	}
}

// json replaces what an event in JSON tells; false for what is no JSON.
func (a *Anonymizer) json(x *capture.Record, body string) (string, bool) {
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	j := &rewriter{Anonymizer: a, record: x, in: d}
	if err := j.value("", ""); err != nil || d.InputOffset() != int64(len(body)) {
		return "", false
	}
	return j.out.String(), true
}

// rewriter writes JSON as the connector does: compact and in ASCII.
type rewriter struct {
	*Anonymizer
	record *capture.Record
	in     *json.Decoder
	out    strings.Builder
	depth  int
}

// tooDeep is more than any event has.
const tooDeep = 100

// value copies one, the member name of what is in the member list.
func (j *rewriter) value(list, name string) error {
	token, err := j.in.Token()
	if err != nil {
		return err
	}
	switch token := token.(type) {
	case json.Delim:
		if name != "" {
			list = name
		}
		return j.nested(token, list, name)
	case string:
		j.text(j.member(list, name, token))
	case nil:
		j.out.WriteString("null")
	default:
		fmt.Fprint(&j.out, token)
	}
	return nil
}

func (j *rewriter) nested(open json.Delim, list, name string) error {
	if j.depth++; j.depth > tooDeep {
		return errors.New("nested too deep")
	}
	defer func() { j.depth-- }()
	j.out.WriteString(open.String())
	for i := 0; j.in.More(); i++ {
		if i > 0 {
			j.out.WriteByte(',')
		}
		inner := name
		if open == '{' {
			key, err := j.in.Token()
			if err != nil {
				return err
			}
			inner = key.(string)
			j.text(inner)
			j.out.WriteByte(':')
		}
		if err := j.value(list, inner); err != nil {
			return err
		}
	}
	end, err := j.in.Token()
	if err == nil {
		fmt.Fprint(&j.out, end)
	}
	return err
}

// member replaces a text.
func (j *rewriter) member(list, name, s string) string {
	switch {
	case list == "callVariables":
		return j.words.text(s)
	case list == "reasonCodes":
		return j.label(s)
	case keptMembers[name]:
		return s
	case name == "agentId" || name == "memberId":
		return j.words.login(s)
	case name == "destination":
		return j.destination(s)
	case j.record.Event == "RECONNECT" && name == "request":
		s, _ = j.command(s, "")
	case j.record.Event == "RECONNECT" && name == "text":
		_, s = j.command(j.record.Type, s)
	default:
		s = j.words.text(s)
	}
	return s
}

func (j *rewriter) text(s string) {
	j.out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			j.out.WriteByte('\\')
			j.out.WriteRune(r)
		case r >= ' ' && r < utf8.RuneSelf:
			j.out.WriteRune(r)
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&j.out, `\u%04x`, unit)
			}
		}
	}
	j.out.WriteByte('"')
}
