package simulator

import (
	"regexp"
	"slices"
	"strings"
)

// fate is what becomes of an update on its way to an agent.
type fate struct {
	kind   FaultKind // "" for the usual
	copies int
	as     func(update string) string // nil: as it is
	late   bool                       // it comes after the next
	stray  bool                       // of a call: what is another's comes too
}

// fates are those on purpose, in the order in which they come if several are asked
// for.
var fates = []fate{
	{kind: DropEvent}, {kind: LateEvent, late: true}, {kind: DuplicateEvent, copies: 2}, {kind: StrayEvent, copies: 1, stray: true},
	{kind: IllegibleEvent, copies: 1, as: illegible}, {kind: StatelessEvent, copies: 1, as: stateless},
}

func isFate(kind FaultKind) bool {
	return slices.ContainsFunc(fates, func(f fate) bool { return f.kind == kind })
}

// ofPeople is the end of a text that people typed.
var ofPeople = regexp.MustCompile(`([^>])(</(?:value|lastName|label|description)>)`)

// illegible is a document with characters that XML 1.0 has no place for: a vertical tab
// that came with what was pasted, written as a reference as the XML writers of Java do.
func illegible(doc string) string { return ofPeople.ReplaceAllString(doc, "$1&#11;$2") }

// odd ends each list with an element of which nobody knows what it is about.
var odd = strings.NewReplacer("</Dialogs>", "<Dialog/></Dialogs>", "</Users>", "<User/></Users>", "</users>", "<User/></users>",
	"</ReasonCodes>", "<ReasonCode/></ReasonCodes>", "</WrapUpReasons>", "<WrapUpReason/></WrapUpReasons>")

var stateElement = regexp.MustCompile(`<state>[^<]*</state>`)

// stateless is an update of a user that names no state; others are as they are.
func stateless(update string) string {
	if strings.Contains(update, "<user>") {
		return stateElement.ReplaceAllString(update, "")
	}
	return update
}
