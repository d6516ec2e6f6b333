package simulator

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Script is a list of things that happen, for Run. docs/simulator.md describes
// the language; the table of verbs is in verb.go.
type Script struct {
	Name  string // of a file or of one that comes with the simulator
	Title string // the first comment
	Text  string

	agents []gc.AgentID // who may be played by others
	steps  []step
}

type step struct {
	line int
	text string // without comment and surplus blanks
	verb *verb
	args args
}

// Bounds of a script.
const (
	maxScript = 32 << 10 // bytes
	maxSteps  = 1000
)

// ParseScript reads a script. The error names the script, the line and what is
// accepted there.
func ParseScript(name, text string) (*Script, error) {
	s := &Script{Name: name, Text: text}
	if len(text) > maxScript {
		return nil, fmt.Errorf("%s: longer than %d bytes", name, maxScript)
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if err := s.add(number, strings.TrimSpace(line)); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, number, err)
		}
	}
	if len(s.steps) == 0 {
		return nil, fmt.Errorf("%s: there is no step in it", name)
	}
	return s, nil
}

func (s *Script) add(number int, line string) error {
	if comment, ok := strings.CutPrefix(line, "#"); ok && s.Title == "" {
		s.Title = strings.TrimSpace(comment)
	}
	words, err := split(line)
	if err != nil || len(words) == 0 {
		return err
	}
	candidates := findVerbs(words[0])
	if candidates == nil {
		return fmt.Errorf("%q is not a verb; accepted are %s", words[0], verbNames())
	}
	v, a, err := matchOne(candidates, words[1:])
	if err != nil {
		return err
	}
	if v.name == castVerb {
		return s.setCast(a)
	}
	if len(s.steps) >= maxSteps {
		return fmt.Errorf("more than %d steps", maxSteps)
	}
	s.steps = append(s.steps, step{number, strings.Join(words, " "), v, a})
	return nil
}

func (s *Script) setCast(a args) error {
	if len(s.steps) > 0 || len(s.agents) > 0 {
		return errors.New("the agents are named once, before the first step")
	}
	for _, id := range a["agent"] {
		if slices.Contains(s.agents, gc.AgentID(id)) {
			return fmt.Errorf("agent %s is named twice", id)
		}
		s.agents = append(s.agents, gc.AgentID(id))
	}
	return nil
}

// cast says who plays whom: the agents given, in the order of the script's.
func (s *Script) cast(given []gc.AgentID) (map[gc.AgentID]gc.AgentID, error) {
	if len(given) > len(s.agents) {
		return nil, fmt.Errorf("%s has %d agents that others can play, %d were given", s.Name, len(s.agents), len(given))
	}
	played := map[gc.AgentID]gc.AgentID{}
	for i, id := range s.agents {
		played[id] = id
		if i < len(given) {
			played[id] = given[i]
		}
	}
	return played, nil
}

// split separates a line into words. Double quotes keep blanks together, "#"
// at the beginning of a word begins a comment.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quoted := false, false
	for _, r := range line {
		switch {
		case r == '"':
			inWord, quoted = true, !quoted
		case quoted:
			word.WriteRune(r)
		case r == ' ' || r == '\t':
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		case r == '#' && !inWord:
			return words, nil
		default:
			inWord = true
			word.WriteRune(r)
		}
	}
	if quoted {
		return nil, errors.New("a quotation mark is not closed")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

//go:embed scripts/*.script
var scriptFiles embed.FS

// shipped are the scripts that come with the simulator, by name.
var shipped = func() []*Script {
	files, err := fs.Glob(scriptFiles, "scripts/*.script")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	var list []*Script
	for _, file := range files {
		text, err := scriptFiles.ReadFile(file)
		if err != nil {
			panic(err) // it was listed a moment ago
		}
		s, err := ParseScript(strings.TrimSuffix(path.Base(file), ".script"), string(text))
		if err != nil {
			panic(err) // a test parses them all
		}
		list = append(list, s)
	}
	return list
}()

// Scripts are those that come with the simulator, by name. They must not be
// changed.
func Scripts() []*Script { return slices.Clone(shipped) }

// FindScript is the script of a name that comes with the simulator, nil when
// there is none.
func FindScript(name string) *Script {
	i := slices.IndexFunc(shipped, func(s *Script) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return shipped[i]
}
