// Package gc holds the words of the Generic Connector protocol: who and what
// a message is about, the commands a driver may send, the events it gets back
// and the error codes both share. It is the vocabulary every other package
// speaks, knows no broker and no Finesse, and imports the standard library
// only.
//
// "The seed", here and elsewhere, is the document that defines the protocol:
// "Generic Connector JTAPI", release 4.4.11.
//
// Identifiers are types so that an agent cannot be taken for an extension. A
// value that came through one of the Parse functions is valid; code behind the
// edge does not check it again.
package gc

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

type (
	// AgentID is the login id of a Finesse user: the peripheral number on
	// UCCE, the user name on UCCX.
	AgentID string
	// Extension is the number of the phone an agent is signed in at.
	Extension string
	// DialogID names a call in Finesse: digits, with underscores for tasks.
	DialogID string
	// TeamID names a Finesse team.
	TeamID string
	// ReasonCodeID is the database id of a Finesse reason code (the last
	// segment of its uri), never the code shown in reports.
	ReasonCodeID string
	// PhonebookID is the database id of a Finesse phone book.
	PhonebookID string
	// PhoneNumber is what an agent dials, as the driver wrote it.
	PhoneNumber string
)

// maxName bounds every name a client may send; longer ones are refused.
const maxName = 255

// ParseAgentID accepts at most 64 printable characters of any script, such as
// 1001, ann.smith or ann@example.com. What it refuses would make another user,
// or another thing, of it on the way to Finesse, where others' wrong passwords
// would count against that: the colon ends a user name of Basic authentication;
// slashes, ".", ".." and what else a URL is made of change a path, some only once
// it was unescaped twice; and what cannot be seen is left out by XMPP;
// and digits of other scripts may be read as the number that they are. The
// protocol's separators and the characters of XML are refused too. Blanks before
// and behind it are the caller's to remove.
func ParseAgentID(s string) (AgentID, error) {
	switch {
	case s == "":
		return "", errors.New("agent id is empty")
	case utf8.RuneCountInString(s) > 64:
		return "", errors.New("agent id is longer than 64 characters")
	case s == "." || s == "..":
		return "", errors.New("agent id is a step in a path")
	case !utf8.ValidString(s) || strings.IndexFunc(s, isUnfit) >= 0:
		return "", errors.New("agent id has a character that none has")
	}
	return AgentID(s), nil
}

// Is reports whether two ids are the same agent's: Finesse compares them without case
// (UCCX), and answers and publishes with its own spelling.
func (id AgentID) Is(other AgentID) bool { return strings.EqualFold(string(id), string(other)) }

// isUnfit reports whether an agent's id cannot have the character.
func isUnfit(r rune) bool {
	const (
		hyphenOfTodo = '\u1806' // and the blank of Braille: what looks like nothing, or is prepared to it
		blankBraille = '\u2800'
	)
	return !unicode.IsPrint(r) || r == ' ' || r > unicode.MaxASCII && unicode.IsDigit(r) || r == utf8.RuneError || r == hyphenOfTodo || r == blankBraille ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
		strings.ContainsRune(`#,|/\<>&":;%?`, r)
}

// ParseExtension accepts 1 to 15 digits with an optional leading plus: UCCX
// allows E.164, UCCE plain digits.
func ParseExtension(s string) (Extension, error) {
	digits := strings.TrimPrefix(s, "+")
	if digits == "" || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return "", errors.New("extension is not a number of at most 15 digits")
	}
	return Extension(s), nil
}

// ParseDialogID accepts digits and underscores, as Finesse writes them. The
// check also keeps a driver's text out of request paths.
func ParseDialogID(s string) (DialogID, error) {
	if s == "" || len(s) > 64 || strings.Trim(s, "0123456789_") != "" {
		return "", errors.New("dialog id is not a number")
	}
	return DialogID(s), nil
}

// ParseReasonCodeID accepts digits only.
func ParseReasonCodeID(s string) (ReasonCodeID, error) {
	if !isNumber(s) {
		return "", errors.New("reason code is not a number")
	}
	return ReasonCodeID(s), nil
}

// ParseTeamID accepts digits only.
func ParseTeamID(s string) (TeamID, error) {
	if !isNumber(s) {
		return "", errors.New("team id is not a number")
	}
	return TeamID(s), nil
}

// ParsePhonebookID accepts digits only.
func ParsePhonebookID(s string) (PhonebookID, error) {
	if !isNumber(s) {
		return "", errors.New("phone book id is not a number")
	}
	return PhonebookID(s), nil
}

// isNumber accepts the database ids of Finesse, which go into request paths.
func isNumber(s string) bool {
	return s != "" && len(s) <= 10 && strings.Trim(s, "0123456789") == ""
}

// ParsePhoneNumber accepts any printable ASCII of at most 64 characters:
// Finesse neither maps letters to digits nor strips punctuation.
func ParsePhoneNumber(s string) (PhoneNumber, error) {
	if s == "" || len(s) > 64 {
		return "", errors.New("number is empty or longer than 64 characters")
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return "", errors.New("number has a character that cannot be dialled")
		}
	}
	return PhoneNumber(s), nil
}
