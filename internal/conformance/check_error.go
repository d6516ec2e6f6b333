package conformance

import (
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/finesse"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// origins are the protocol document's words and ours.
var origins = map[string]string{"Finesse": "Finesse", "GC": "connector"}

func (p *Protocol) errorRow(e seedError) Row {
	r := Row{ID: "error " + e.code, Title: e.description}
	if e.driver != "" {
		r.Title += "; the driver is to " + e.driver
	}
	if n := noteOf(e.code); n != nil {
		r.Anchor = errorAnchor(e.code)
		if d := differs("its origin", origins[e.origin], n.origin); d != "" {
			r.fault("%s", d)
		}
	}
	switch {
	case slices.Contains(p.evidence.codes, e.code):
		r.Code = Link{"gc", codesFile}
	case string(finesse.APIError{Message: e.code}.Code()) == e.code: // passed on by its name
		r.Code = Link{"finesse", "internal/finesse/apierror.go"}
	}
	r.Proof = p.evidence.said(func(c conversation, line string) bool {
		return c.format == wire.Text && strings.HasSuffix(line, "#Error#"+e.code)
	})
	return r
}

func errorAnchor(code string) string { return "error-" + strings.ToLower(code) }

// messageRow is proved by a conversation in which the sentence is shown. One
// that is empty is proved where its event comes while sentences are shown.
func (p *Protocol) messageRow(m seedMessage) Row {
	r := Row{ID: "user message " + m.key, Title: m.sentence, Anchor: messageAnchor(m.key)}
	ours := userMessage(m.key)
	if ours == nil {
		return r
	}
	r.Code = Link{"gc", "internal/gc/usermessage.go"}
	if ours.Text != m.sentence {
		r.fault("its sentence is %q, not %q", ours.Text, m.sentence)
	}
	r.Proof = p.evidence.said(func(c conversation, line string) bool {
		if m.sentence != "" {
			return strings.HasSuffix(line, "#Control#PrintStatusBar#"+m.sentence)
		}
		return strings.Contains(line, "#"+m.key+"#") && slices.ContainsFunc(c.lines, func(other string) bool {
			return strings.Contains(other, "#Control#PrintStatusBar#")
		})
	})
	return r
}

func messageAnchor(key string) string { return "message-" + anchor(strings.ReplaceAll(key, "#", "-")) }

// checkErrors holds our own codes and sentences against the protocol document.
func (p *Protocol) checkErrors() {
	for _, code := range p.evidence.codes {
		if noteOf(code) == nil {
			p.fault("error %s is not described", code)
		}
	}
	for _, n := range errorNotes {
		inSeed := slices.ContainsFunc(p.seed.errors, func(e seedError) bool { return e.code == n.code })
		if !inSeed && !slices.Contains(p.evidence.codes, n.code) {
			p.fault("error %s is described and does not exist", n.code)
		}
	}
	for _, m := range gc.UserMessages {
		if !slices.ContainsFunc(p.seed.messages, func(s seedMessage) bool { return s.key == m.Key }) {
			p.fault("user message %s is not in the protocol document", m.Key)
		}
	}
}
