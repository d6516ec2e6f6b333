package conformance

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

const (
	goldenDir       = "internal/gc/wire/testdata/golden"
	conversationDir = "test/e2e/testdata"
	codesFile       = "internal/gc/code.go"
)

// evidence is what the tests of other packages prove, by what their golden
// files say.
type evidence struct {
	goldens       []golden
	conversations []conversation // those in text first
	codes         []string       // every error code that package gc names
}

// golden is an event as it is written in each format.
type golden struct {
	name   string
	bodies map[wire.Format]string
}

// conversation is a golden file of the end-to-end tests: ">" begins a command,
// "#" a remark, and any other line is an event: its category, a tab and the
// message.
type conversation struct {
	name, file string
	format     wire.Format
	lines      []string
}

func loadEvidence(root fs.FS) (e evidence, err error) {
	if e.goldens, err = loadGoldens(root); err != nil {
		return e, err
	}
	if e.conversations, err = loadConversations(root); err != nil {
		return e, err
	}
	source, err := fs.ReadFile(root, codesFile)
	for _, m := range codeConstant.FindAllStringSubmatch(string(source), -1) {
		e.codes = append(e.codes, m[1])
	}
	return e, err
}

// codeConstant is a line as in: Down Code = "DOWN".
var codeConstant = regexp.MustCompile(`(?m)^\s*\w+\s+Code\s*=\s*"(\w+)"`)

func loadGoldens(root fs.FS) ([]golden, error) {
	files, err := fs.ReadDir(root, goldenDir)
	if err != nil {
		return nil, fmt.Errorf("read golden messages: %w", err)
	}
	byName := map[string]golden{}
	for _, f := range files {
		name, format := splitName(f.Name())
		body, err := fs.ReadFile(root, path.Join(goldenDir, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("read golden messages: %w", err)
		}
		if byName[name].bodies == nil {
			byName[name] = golden{name, map[wire.Format]string{}}
		}
		byName[name].bodies[format] = strings.TrimSuffix(string(body), "\n")
	}
	var all []golden
	for _, g := range byName {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b golden) int { return cmp.Compare(a.name, b.name) })
	return all, nil
}

func loadConversations(root fs.FS) ([]conversation, error) {
	files, err := fs.Glob(root, conversationDir+"/*.golden")
	if err != nil {
		return nil, fmt.Errorf("read conversations: %w", err)
	}
	var all []conversation
	for _, file := range files {
		text, err := fs.ReadFile(root, file)
		if err != nil {
			return nil, fmt.Errorf("read conversations: %w", err)
		}
		name, format := splitName(strings.TrimSuffix(path.Base(file), ".golden"))
		all = append(all, conversation{name, file, format, strings.Split(string(text), "\n")})
	}
	slices.SortStableFunc(all, func(a, b conversation) int { return cmp.Compare(order(a.format), order(b.format)) })
	return all, nil
}

// splitName takes the format off the end of a file's name; one that names none
// is in text.
func splitName(file string) (name string, format wire.Format) {
	for _, f := range wire.Formats {
		if name, ok := strings.CutSuffix(file, "."+string(f)); ok {
			return name, f
		}
	}
	return file, wire.Text
}

func order(f wire.Format) int { return slices.Index(wire.Formats, f) }

// said links the conversations that have a line which is accepts, each once.
func (e *evidence) said(is func(c conversation, line string) bool) []Link {
	var links []Link
	for _, c := range e.conversations {
		if slices.ContainsFunc(links, func(l Link) bool { return l.Text == c.name }) {
			continue
		}
		if slices.ContainsFunc(c.lines, func(line string) bool { return is(c, line) }) {
			links = append(links, Link{c.name, c.file})
		}
	}
	return links
}

// firstSent is the command as a driver sends it in a conversation, "" if none
// does. One that is answered with an error is no example.
func (e *evidence) firstSent(name string) string {
	for _, c := range e.conversations {
		for i, line := range c.lines {
			if sends(name, line) && !strings.Contains(answerTo(c.lines[i+1:]), "#Error#") {
				return strings.TrimPrefix(line, "> ")
			}
		}
	}
	return ""
}

// answerTo is the first event among lines, "" when another command comes
// before.
func answerTo(lines []string) string {
	if len(lines) == 0 || strings.HasPrefix(lines[0], "> ") {
		return ""
	}
	return lines[0]
}

// sends reports whether a line of a conversation is the command, written as
// the seed does, with or without its category.
func sends(name, line string) bool {
	command, ok := strings.CutPrefix(line, "> ")
	if !ok {
		return false
	}
	command, _, _ = strings.Cut(command, " ")
	if _, behind, ok := strings.Cut(command, "/"); ok {
		command = behind
	}
	return strings.HasPrefix(command, name+"#")
}
