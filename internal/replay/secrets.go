package replay

import (
	"bufio"
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// Secrets are the passwords of agents.
type Secrets map[gc.AgentID]gc.Secret

// ParseSecrets reads a file that has an agent and its password on each line, with a tab
// or a blank between them. A password may have blanks. Empty lines and those that begin
// with "#" are skipped. No error shows what may be a password.
func ParseSecrets(data []byte) (Secrets, error) {
	all := Secrets{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimRight(lines.Text(), "\r")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		end := strings.IndexAny(line+" ", "\t ")
		agent, err := gc.ParseAgentID(line[:end])
		password := line[min(end+1, len(line)):]
		switch _, twice := all[agent]; {
		case password == "" || err != nil:
			return nil, fmt.Errorf("line %d is not an agent's id, a blank and a password", n)
		case twice:
			return nil, fmt.Errorf("line %d is the second with a password of agent %s", n, agent)
		}
		all[agent] = gc.NewSecret(password)
	}
	return all, lines.Err()
}

// verdict is whether a password was accepted, as far as the capture shows.
type verdict int

const (
	unknown verdict = iota // Finesse was not asked, or could not answer
	worked
	refused
)

// refusals are the errors that say that a password is wrong, or may not be
// tried now.
var refusals = []gc.Code{gc.SubscriptionFailed, gc.AccountLocked, "CF_INVALID_PASSWORD_SPECIFIED"}

var hidden = regexp.MustCompile(`^\[secret( \d+)?\]$`)

// passwordField finds the name that stands for the password in a command's
// parameters; ok is false where there is none.
func passwordField(x *capture.Record, spec *gc.CommandSpec) (fields []string, at int, ok bool) {
	if spec == nil {
		return nil, 0, false
	}
	at = slices.IndexFunc(spec.Parameters, func(p gc.Parameter) bool { return p.Kind == gc.PasswordKind })
	if at < 0 {
		return nil, 0, false
	}
	fields = wire.Fields(spec, x.Text())
	return fields, at, at < len(fields) && hidden.MatchString(strings.TrimSpace(fields[at]))
}

// withPassword returns the parameters of the step with the password in its
// place.
func (s *step) withPassword(password gc.Secret) string {
	fields, at, _ := passwordField(&s.Record, s.command.Spec)
	fields[at] = password.Reveal()
	return strings.Join(fields, ",")
}

// judge learns from a record whether the passwords of commands were accepted. A
// Connect that succeeds has no answer; it shows in Finesse accepting the agent.
func (p *planner) judge(x *capture.Record) {
	last := p.lastConnect[x.Agent]
	switch {
	case x.IsEvent() && x.Request != "":
		s := p.byRequest.values[x.Request]
		switch {
		case s == nil || !s.secret:
		case x.Event != "Error":
			s.password = worked
		case slices.Contains(refusals, readingOf(x.Text(), wire.Format(x.Format)).code):
			s.password = refused
		case s.password == unknown:
			s.failed = true
		}
	case x.Edge == capture.REST && x.Dir == capture.In && x.Exchange != 0 && last != nil && last.password == unknown && !last.failed:
		switch {
		case x.Status == 401 || x.Status == 403:
			last.password = refused
		case x.Status/100 == 2 && !last.command.Password.IsToken(): // whose a token is, the notification service shows
			last.password = worked
		}
	case x.Edge == capture.Notify && x.Type == capture.Opened && last != nil && last.password == unknown:
		last.password = worked
	}
}

// admit decides which commands with a password are sent: those whose password
// was right. Wrong ones lock accounts.
func (p *planner) admit() {
	type name struct {
		agent  gc.AgentID
		secret string
	}
	right := map[name]bool{}
	nameOf := func(s *step) name {
		fields, at, _ := passwordField(&s.Record, s.command.Spec)
		return name{s.command.Agent, strings.TrimSpace(fields[at])}
	}
	for _, s := range p.steps {
		if s.secret && s.password == worked {
			right[nameOf(s)] = true
		}
	}
	for _, s := range p.steps {
		switch {
		case !s.secret || s.skip != "":
		case s.password == refused:
			s.skip = "its password was refused, and to repeat a wrong one locks accounts"
		case s.password == unknown && !right[nameOf(s)]:
			s.skip = "the capture does not show whether its password was right, and a wrong one locks accounts"
		}
	}
}
