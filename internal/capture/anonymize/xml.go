package anonymize

import (
	"html"
	"net/url"
	"regexp"
	"strings"
)

// wordElements are those that hold words of Finesse, times and counts;
// idElements hold ids that Finesse gave. The text of every other element is
// replaced.
var wordElements, idElements = map[string]bool{}, map[string]bool{}

func init() {
	for _, name := range strings.Fields(`
		state pendingstate event category code forall systemcode mobileagent
		calltype action requestedaction statecause starttime statechangetime starttimeoflongestcallinqueue
		mediatype mediaaddresstype mode role type wrapuponincoming wrapuponoutgoing wrapuptimer
		outboundclassification
		status deploymenttype lastctiheartbeatstatus currenttimestamp
		agentsbusyother agentsloggedon agentsnotready agentsready agentstalkinginbound agentstalkinginternal
		agentstalkingoutbound agentswrapupnotready agentswrapupready callsinqueue`) {
		wordElements[name] = true
	}
	for _, name := range strings.Fields("id secondaryid teamid reasoncodeid mediaid") {
		idElements[name] = true
	}
}

// paths are the elements that may hold the path of an object.
var paths = map[string]bool{
	"source": true, "dialogs": true, "associateddialoguri": true, "phonebook": true, "contacts": true, "reasoncode": true,
}

// xml replaces the contents of elements and attributes, and their names if they
// are not Finesse's. It accepts text that is not XML, and leaves all other markup
// as it is.
func (a *Anonymizer) xml(s string) string {
	var b strings.Builder
	path := ancestors{count: map[string]int{}}
	for s != "" {
		if s[0] != '<' {
			end := index(s, "<")
			b.WriteString(a.element(path.open, s[:end]))
			s = s[end:]
			continue
		}
		var markup string
		switch {
		case strings.HasPrefix(s, "<![CDATA["):
			markup, s = cut(s, "]]>")
			inner := strings.TrimSuffix(strings.TrimPrefix(markup, "<![CDATA["), "]]>")
			b.WriteString("<![CDATA[" + a.value(path.open, inner) + markup[len("<![CDATA[")+len(inner):])
		case strings.HasPrefix(s, "<!--"): // nobody reads it
			_, s = cut(s, "-->")
		case strings.HasPrefix(s, "<?"):
			markup, s = cut(s, "?>")
			b.WriteString(a.instruction(markup))
		case strings.HasPrefix(s, "<!"):
			markup, s = cut(s, ">")
			b.WriteString(a.words.text(markup))
		default:
			markup, s = cut(s, ">")
			path.follow(markup)
			b.WriteString(a.tag(markup))
		}
	}
	return b.String()
}

// cut splits s after the first end, or at its own end.
func cut(s, end string) (before, after string) {
	if i := strings.Index(s, end); i >= 0 {
		return s[:i+len(end)], s[i+len(end):]
	}
	return s, ""
}

func index(s, what string) int {
	if i := strings.Index(s, what); i >= 0 {
		return i
	}
	return len(s)
}

// deepest bounds how many open elements are remembered.
const deepest = 1000

// ancestors are the open elements, and how many there are of each name, so that an
// end that belongs to none costs nothing.
type ancestors struct {
	open  []string
	count map[string]int
}

// follow notes a tag.
func (e *ancestors) follow(tag string) {
	name := strings.ToLower(strings.Trim(tag, "</>"))
	name = name[:len(name)-len(strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyz0123456789_:-."))]
	switch {
	case strings.HasPrefix(tag, "</"):
		for ended := e.count[name] == 0; !ended; {
			last := e.open[len(e.open)-1]
			e.open = e.open[:len(e.open)-1]
			e.count[last]--
			ended = last == name
		}
	case !strings.HasSuffix(tag, "/>") && !strings.HasPrefix(tag, "<!") && len(e.open) < deepest:
		e.open = append(e.open, name)
		e.count[name]++
	}
}

var (
	declaration = regexp.MustCompile(`^<\?xml version="1\.[01]"(?: encoding="[Uu][Tt][Ff]-8")?(?: standalone="(?:yes|no)")?\s*\?>$`)
	tagName     = regexp.MustCompile(`^</?([\pL\pN_:.-]*)`)
	attribute   = regexp.MustCompile(`([\pL\pN_:.-]+)(\s*=\s*)("[^"]*"|'[^']*')`)
)

// instruction keeps the usual first line of a document, and of any other only
// that it is there: a document in another encoding cannot be read.
func (a *Anonymizer) instruction(s string) string {
	if declaration.MatchString(s) {
		return s
	}
	rest, ok := strings.CutPrefix(s, "<?xml ")
	if !ok {
		return a.words.text(s)
	}
	return "<?xml " + a.attributes(rest, func(name, value string) (string, string) {
		if name == "version" && value == "1.0" {
			return name, value
		}
		if name != "version" && name != "encoding" {
			name = a.words.text(name)
		}
		return name, a.words.text(value)
	})
}

// tag replaces what is not Finesse's in a tag.
func (a *Anonymizer) tag(s string) string {
	place := tagName.FindStringSubmatchIndex(s)
	return s[:place[2]] + a.name(s[place[2]:place[3]]) + a.attributes(s[place[3]:], func(name, value string) (string, string) {
		if !isClosed(value) {
			value = a.entities(value, a.words.text)
		}
		return a.name(name), value
	})
}

// attributes calls each to replace the attributes in s, and replaces what is
// between them.
func (a *Anonymizer) attributes(s string, each func(name, value string) (string, string)) string {
	var b strings.Builder
	last := 0
	for _, at := range attribute.FindAllStringSubmatchIndex(s, -1) {
		name, value := each(s[at[2]:at[3]], s[at[6]+1:at[7]-1])
		quote := s[at[6] : at[6]+1]
		b.WriteString(a.words.text(s[last:at[0]]) + name + s[at[4]:at[5]] + quote + value + quote)
		last = at[1]
	}
	return b.String() + a.words.text(s[last:])
}

// element replaces text as it stands in a document.
func (a *Anonymizer) element(open []string, s string) string {
	return a.entities(s, func(part string) string {
		if len(part) < len(s) && !isError(innermost(open)) {
			return a.words.text(part) // not a word, number or id, though it may look like one
		}
		return a.value(open, part)
	})
}

// ownReferences are those that XML defines.
var ownReferences = map[string]bool{"&lt;": true, "&gt;": true, "&amp;": true, "&quot;": true, "&apos;": true}

var reference = regexp.MustCompile(`&(#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z]+);`)

// entities calls do to replace s without the references in it, because they are
// no text. It resolves only those that stand for a letter.
func (a *Anonymizer) entities(s string, do func(string) string) string {
	if !strings.Contains(s, "&") {
		return do(s)
	}
	s = reference.ReplaceAllStringFunc(s, func(r string) string {
		text := html.UnescapeString(r)
		switch {
		case r[1] == '#' && text != r && kindOf([]rune(text)[0]) != 0:
			return text
		case ownReferences[r], r[1] == '#' && text != r && len(r) <= len("&#x10FFFF;"):
			return r
		default: // not a reference, whatever it looks like
			return "&" + a.words.text(r[1:len(r)-1]) + ";"
		}
	})
	var b strings.Builder
	for s != "" {
		place := reference.FindStringIndex(s)
		if place == nil {
			place = []int{len(s), len(s)}
		}
		b.WriteString(do(s[:place[0]]))
		b.WriteString(s[place[0]:place[1]])
		s = s[place[1]:]
	}
	return b.String()
}

// said matches what the connector understands of the text of an error: the names
// of failures and of parameters, and their numbers, which are mostly shorter
// than those of phones.
var said = regexp.MustCompile(`\b(?:CF|E_CTI)_[A-Z0-9_]+|\bINVALID_ACTION|^(?:UNKNOWN_USER|AWS_SERVICE_UNAVAILABLE|UNAUTHORIZED)$|` +
	`(?i:account locked|^extension$|^toAddress$|^reasonCodeId$)|^-?[0-9]{1,3}$|^(?:88049|13145|20999|20700)$`)

// failure replaces the text of an error except for that.
func (a *Anonymizer) failure(s string) string {
	var b strings.Builder
	last := 0
	for _, place := range said.FindAllStringIndex(s, -1) {
		b.WriteString(a.words.text(s[last:place[0]]))
		if found := s[place[0]:place[1]]; strings.HasPrefix(found, "CF_") || strings.HasPrefix(found, "E_CTI_") {
			b.WriteString(a.code(found))
		} else {
			b.WriteString(found)
		}
		last = place[1]
	}
	return b.String() + a.words.text(s[last:])
}

func isError(element string) bool {
	return strings.HasPrefix(element, "error") || strings.HasPrefix(element, "peripheralerror")
}

func innermost(open []string) string {
	if len(open) == 0 {
		return ""
	}
	return open[len(open)-1]
}

// value replaces the contents of the innermost open element.
func (a *Anonymizer) value(open []string, s string) string {
	name, parent := "", ""
	if n := len(open); n > 0 {
		name = open[n-1]
		if n > 1 {
			parent = open[n-2]
		}
	}
	switch {
	case strings.TrimSpace(s) == "":
		return s
	case wordElements[name]:
		return a.word(s)
	case idElements[name]:
		a.give(s)
		return a.id(s)
	case name == "requestid":
		return a.request(s)
	case name == "name" && parent == "callvariable":
		return a.variable(s)
	case name == "uri" && strings.HasPrefix(strings.TrimSpace(s), "/finesse/"):
		a.giveLast(s)
		return a.path(s)
	case name == "errortype" && errorTypes[strings.ToLower(strings.TrimSpace(s))]:
		return s
	case paths[name] && strings.HasPrefix(strings.TrimSpace(s), "/finesse/"):
		return a.path(s)
	case isError(name):
		return a.failure(s)
	case name == "label" || name == "wrapupreason" || name == "wrapupitem":
		return a.id(s)
	case name == "loginid":
		return a.words.login(s)
	}
	return a.words.text(s)
}

// giveLast learns the id at the end of an object's uri. A user's is a login id.
func (a *Anonymizer) giveLast(uri string) {
	parts := strings.Split(strings.TrimSpace(uri), "/")
	if n := len(parts); n > 2 && !strings.EqualFold(parts[n-2], "User") {
		a.give(parts[n-1])
	}
}

// path keeps the common parts of the paths of Finesse's objects, and the ids in
// them that Finesse gave.
func (a *Anonymizer) path(s string) string {
	parts := strings.Split(s, "/")
	for i, part := range parts {
		switch name := strings.TrimSpace(part); {
		case i > 0 && strings.EqualFold(parts[i-1], "User"):
			parts[i] = segment(part, a.words.login)
		case segments[strings.ToLower(name)]:
		default:
			parts[i] = segment(part, a.id)
		}
	}
	return strings.Join(parts, "/")
}

func segment(s string, replace func(string) string) string {
	plain, err := url.PathUnescape(s)
	if err != nil || plain == s {
		return replace(s)
	}
	return url.PathEscape(replace(plain))
}
