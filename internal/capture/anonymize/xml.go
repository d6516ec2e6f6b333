package anonymize

import (
	"html"
	"net/url"
	"regexp"
	"strings"
)

// kept are the elements that hold words and numbers of the protocol: Finesse's
// ids, states, times and counts. The text of every other element is replaced.
var kept = map[string]bool{}

func init() {
	for _, name := range strings.Fields(`
		state pendingstate reasoncodeid id secondaryid teamid requestid event category code forall systemcode
		calltype action requestedaction statecause starttime statechangetime starttimeoflongestcallinqueue
		mediatype mediaaddresstype mode role type wrapuponincoming wrapuponoutgoing wrapuptimer
		errortype peripheralerrorcode outboundclassification
		status deploymenttype lastctiheartbeatstatus currenttimestamp
		agentsbusyother agentsloggedon agentsnotready agentsready agentstalkinginbound agentstalkinginternal
		agentstalkingoutbound agentswrapupnotready agentswrapupready callsinqueue`) {
		kept[name] = true
	}
}

// paths are the elements that may hold the path of an object.
var paths = map[string]bool{
	"uri": true, "source": true, "dialogs": true, "associateddialoguri": true, "phonebook": true, "contacts": true, "reasoncode": true,
}

// xml replaces what elements and attributes hold. It bears what is no XML, and
// leaves every byte that is markup as it is.
func (a *Anonymizer) xml(s string) string {
	var b strings.Builder
	var open []string
	for s != "" {
		if s[0] != '<' {
			end := index(s, "<")
			b.WriteString(a.element(open, s[:end]))
			s = s[end:]
			continue
		}
		var markup string
		switch {
		case strings.HasPrefix(s, "<![CDATA["):
			markup, s = cut(s, "]]>")
			inner := strings.TrimSuffix(strings.TrimPrefix(markup, "<![CDATA["), "]]>")
			b.WriteString("<![CDATA[" + a.value(open, inner) + markup[len("<![CDATA[")+len(inner):])
		case strings.HasPrefix(s, "<!--"): // for nobody
			_, s = cut(s, "-->")
		case strings.HasPrefix(s, "<?"):
			markup, s = cut(s, "?>")
			b.WriteString(markup)
		default:
			markup, s = cut(s, ">")
			open = follow(open, markup)
			b.WriteString(attribute.ReplaceAllStringFunc(markup, a.attribute))
		}
	}
	return b.String()
}

// cut takes a beginning off s that ends with end, or all of it.
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

func lastIndex(all []string, what string) int {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i] == what {
			return i
		}
	}
	return -1
}

// follow notes a tag among the open elements.
func follow(open []string, tag string) []string {
	name := strings.ToLower(strings.Trim(tag, "</>"))
	name = name[:len(name)-len(strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyz0123456789_:-."))]
	switch {
	case strings.HasPrefix(tag, "</"):
		if i := lastIndex(open, name); i >= 0 {
			return open[:i]
		}
	case !strings.HasSuffix(tag, "/>") && !strings.HasPrefix(tag, "<!") && len(open) < deepest:
		return append(open, name)
	}
	return open
}

var attribute = regexp.MustCompile(`=\s*("[^"]*"|'[^']*')`)

func (a *Anonymizer) attribute(s string) string {
	start := strings.IndexAny(s, `"'`)
	inner := s[start+1 : len(s)-1]
	if reasonCategories[inner] {
		return s
	}
	return s[:start+1] + a.entities(inner, a.words.text) + s[len(s)-1:]
}

// reasonCategories are what the attribute of a list of reason codes may say.
var reasonCategories = map[string]bool{"NOT_READY": true, "LOGOUT": true, "ALL": true}

// element replaces text as it stands in a document.
func (a *Anonymizer) element(open []string, s string) string {
	return a.entities(s, func(s string) string { return a.value(open, s) })
}

var reference = regexp.MustCompile(`&(#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z]+);`)

// entities has do replace s without the references in it, as they are no text.
// Only one that stands for a letter is resolved.
func (a *Anonymizer) entities(s string, do func(string) string) string {
	if !strings.Contains(s, "&") {
		return do(s)
	}
	s = reference.ReplaceAllStringFunc(s, func(r string) string {
		if text := html.UnescapeString(r); r[1] == '#' && text != r && kindOf([]rune(text)[0]) != 0 {
			return text
		}
		return r
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

// said is what the connector understands of the text of an error: the names of
// failures and of parameters, and their numbers, which are shorter than those of
// phones but for a few.
var said = regexp.MustCompile(`\b(?:CF|E_CTI)_[A-Z0-9_]+|\bINVALID_ACTION|^(?:UNKNOWN_USER|AWS_SERVICE_UNAVAILABLE|UNAUTHORIZED)$|` +
	`(?i:account locked|^extension$|^toAddress$|^reasonCodeId$)|^-?[0-9]{1,3}$|^(?:88049|13145|20999|20700)$`)

// failure replaces the text of an error but for that.
func (a *Anonymizer) failure(s string) string {
	var b strings.Builder
	last := 0
	for _, place := range said.FindAllStringIndex(s, -1) {
		b.WriteString(a.words.text(s[last:place[0]]) + s[place[0]:place[1]])
		last = place[1]
	}
	return b.String() + a.words.text(s[last:])
}

// value replaces what the innermost of open elements holds.
func (a *Anonymizer) value(open []string, s string) string {
	name, parent := "", ""
	if n := len(open); n > 0 {
		name = open[n-1]
		if n > 1 {
			parent = open[n-2]
		}
	}
	switch {
	case strings.TrimSpace(s) == "", kept[name], name == "name" && parent == "callvariable":
		return s
	case paths[name] && strings.HasPrefix(strings.TrimSpace(s), "/finesse/"):
		return a.path(s)
	case strings.HasPrefix(name, "error") || strings.HasPrefix(name, "peripheralerror"):
		return a.failure(s)
	case name == "label" || name == "wrapupreason" || name == "wrapupitem":
		return a.label(s)
	case name == "loginid":
		return a.words.login(s)
	}
	return a.words.text(s)
}

// path replaces the users in the path of an object. Other objects have numbers,
// which say nothing.
func (a *Anonymizer) path(s string) string {
	parts := strings.Split(s, "/")
	for i := 1; i < len(parts); i++ {
		if strings.EqualFold(parts[i-1], "User") {
			parts[i] = a.segment(parts[i])
		}
	}
	return strings.Join(parts, "/")
}

func (a *Anonymizer) segment(s string) string {
	plain, err := url.PathUnescape(s)
	if err != nil || plain == s {
		return a.words.login(s)
	}
	return url.PathEscape(a.words.login(plain))
}
