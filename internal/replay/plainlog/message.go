package plainlog

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// message is the content of a line.
type message struct {
	kind      kind
	text      string // of an event
	typ, body string // of a command
	timed     bool
	time      time.Time // zero if the line gives no time, or no zone
}

type kind int

const (
	noise kind = iota // the line is no message
	event
	command
	unknownEvent
)

// at matches the times that lines begin with, before the message or other
// decorations.
var at = regexp.MustCompile(`^\[?(` + strings.Join([]string{
	`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|[+-]\d\d:?\d\d))?`,
	`\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?: [+-]\d{4})?`,
	`\d{1,4}[/.]\d{1,2}[/.]\d{1,4},? \d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?[AP]M)?`,
	`\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?[AP]M)?`,
	`\d{13}`, // milliseconds
}, "|") + `)\]?:?(?:\s+|$)`)

// leading matches other decorations before the message: a level, a thread, a
// logger, a word that says what follows.
var leading = regexp.MustCompile(`^(?:\[[^\]#]*\]:?|\([^)#]*\):?|(?i:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|SEVERE|FATAL)\b:?|[\w.$-]+(?: [\w.$-]+)?(?::|\s+-+)|[->|:]+)(?:\s+|$)`)

// trailing matches decorations at the end.
var trailing = regexp.MustCompile(`[\s|;,]+(?:(?:NMS|JMS)\w+ ?[:=]|Sent Time\b|LastGCUpdate ?:|Build <>).*$`)

// undecorated returns what is left of a line, and the time at its beginning.
func undecorated(line string) (text, stamp string) {
	text = strings.TrimSpace(line)
	for {
		if found := at.FindStringSubmatch(text); found != nil && stamp == "" {
			stamp, text = found[1], text[len(found[0]):]
		} else if found := leading.FindString(text); found != "" {
			text = text[len(found):]
		} else {
			break
		}
	}
	for _, word := range []string{"MS", "Sent Time", "LastGCUpdate", "Build <>"} {
		if strings.Contains(text, word) { // the expression alone would take long
			return strings.TrimSpace(trailing.ReplaceAllString(text, "")), stamp
		}
	}
	return text, stamp
}

// find looks for a message in a line.
func find(line string) message {
	text, stamp := undecorated(line)
	m, ok := jsonIn(text)
	if !ok {
		m = textIn(text)
	}
	m.timed, m.time = stamp != "", moment(stamp)
	return m
}

// moment returns the time of a stamp that has a zone.
func moment(stamp string) time.Time {
	for _, layout := range []string{time.RFC3339, "02/Jan/2006:15:04:05 -0700"} {
		if t, err := time.Parse(layout, stamp); err == nil {
			return t.UTC()
		}
	}
	if ms, err := strconv.ParseInt(stamp, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

var jsonStart = regexp.MustCompile(`\[?\s*\{\s*"type"\s*:`)

func jsonIn(text string) (message, bool) {
	if !strings.Contains(text, `"type"`) {
		return message{}, false
	}
	found := jsonStart.FindStringIndex(text)
	if found == nil || strings.Contains(text[:found[0]], "#") {
		return message{}, false
	}
	text = text[found[0]:]
	var whole json.RawMessage
	d := json.NewDecoder(strings.NewReader(text))
	if d.Decode(&whole) == nil {
		text = text[:d.InputOffset()]
	}
	return message{kind: event, text: text}, true
}

// leadIn are the characters that may stand right before a message. None is part
// of an agent's id in use, and most are not allowed in one.
const leadIn = " \t:=([{<>'\"/"

// textIn checks at each word with a separator whether a message begins there.
func textIn(text string) message {
	if text == "Phonebooks" { // an empty list has no separator
		return message{kind: event, text: text}
	}
	from := 0 // after the separator before
	for hash := strings.IndexByte(text, '#'); hash >= 0; {
		start := from + strings.LastIndexAny(text[from:hash], leadIn) + 1
		name, next := text[start:hash], word(text[hash+1:])
		switch _, err := gc.ParseAgentID(name); {
		case start > 0 && text[start-1] == '/' && gc.FindCommand(name) == nil && !beginsLike(text, start): // part of an address
		case wire.IsEventName(name, true), err == nil && wire.IsEventName(next, false):
			return message{kind: event, text: unquoted(text, start)}
		case gc.FindCommand(name) != nil:
			return commandOf(unquoted(text, start))
		case beginsLike(text, start) && err == nil:
			if m := unknown(text[start:], name, next); m.kind != noise {
				return m
			}
		}
		more := strings.IndexByte(text[hash+1:], '#')
		if more < 0 {
			break
		}
		from, hash = hash+1, hash+1+more
	}
	return message{}
}

// beginsLike reports whether nothing stands before start, except perhaps a
// category.
func beginsLike(text string, start int) bool {
	return start == 0 || category.MatchString(text[:start])
}

var (
	category    = regexp.MustCompile(`^[a-z_]+/$`)
	commandName = regexp.MustCompile(`^[A-Za-z][A-Za-z_]+$`)
	eventName   = regexp.MustCompile(`^[A-Z][A-Za-z_]{2,}$`)
)

// unknown returns a message whose name the protocol does not have. Text with a
// "#" in it may be something else altogether.
func unknown(text, name, next string) message {
	fields := strings.Count(text, "#") + 1
	switch {
	case eventName.MatchString(next) && fields > 2:
		return message{kind: unknownEvent, text: text}
	case commandName.MatchString(name) && next != "" && fields == 2:
		return commandOf(text)
	}
	return message{}
}

// word returns what comes before the next separator or blank.
func word(s string) string {
	if i := strings.IndexAny(s, "# \t"); i >= 0 {
		return s[:i]
	}
	return s
}

// unquoted removes what closes the bracket or quote before start.
func unquoted(text string, start int) string {
	if start > 0 {
		if i := strings.IndexByte(`"'([{<`, text[start-1]); i >= 0 {
			return strings.TrimSuffix(text[start:], `"')]}>`[i:i+1])
		}
	}
	return text[start:]
}

// commandOf reads "Type#id parameters".
func commandOf(text string) message {
	name, rest, _ := strings.Cut(text, "#")
	rest = strings.TrimLeft(rest, " \t")
	id := rest
	if i := strings.IndexAny(rest, " \t"); i >= 0 {
		id = rest[:i]
	}
	return message{kind: command, typ: name + "#" + id, body: strings.TrimLeft(rest[len(id):], " \t")}
}
