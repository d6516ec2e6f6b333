package config

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// statusBarFile is the key whose file is read here.
const statusBarFile = "messages.status_bar_file"

// maxSentence is the longest sentence, in characters.
const maxSentence = 500

const sentenceAccepted = `text of at most 500 characters without # and control characters, or "" for none`

// defaultSentences are those of the protocol.
func defaultSentences() map[string]string {
	sentences := make(map[string]string, len(gc.UserMessages))
	for _, m := range gc.UserMessages {
		sentences[m.Key] = m.Text
	}
	return sentences
}

// resolveSentences reads status_bar_file over the default sentences, also when
// status_bar is not set: a fault in it should not wait until it is.
func (m *Messages) resolveSentences(dir string) Errors {
	given := m.StatusBarFile
	if given == "" {
		return nil
	}
	m.StatusBarFile = below(dir, given)
	data, err := readFile(m.StatusBarFile)
	if err != nil {
		return Errors{newFault(statusBarFile, given, "cannot be read: "+reason(err))}
	}
	sentences, faults := readSentences(m.StatusBarFile, data)
	maps.Copy(m.Sentences, sentences)
	return faults
}

// sentenceReader reads one file of sentences.
type sentenceReader struct {
	path   string
	lines  map[string]int // of the keys so far
	texts  map[string]string
	faults Errors
}

// readSentences gives the sentences of a file, and what is wrong with it. No
// fault shows a sentence: the name may be that of a file with a password.
func readSentences(path string, data []byte) (map[string]string, Errors) {
	r := &sentenceReader{path: path, lines: map[string]int{}, texts: map[string]string{}}
	if !utf8.Valid(data) {
		return nil, Errors{{Path: path, Line: lineOfInvalid(data), Problem: "is not UTF-8"}}
	}
	root, err := document(data)
	if err != nil {
		return nil, Errors{{Path: path, Problem: err.Error()}}
	}
	if root == nil {
		return nil, nil
	}
	content := target(root.Content[0])
	switch {
	case content.Kind == yaml.MappingNode:
		for pair := range slices.Chunk(content.Content, 2) {
			r.entry(pair[0], pair[1])
		}
	case content.ShortTag() != "!!null":
		r.fault(content, "", `does not hold lines such as State#READY: "…"`, "")
	}
	return r.texts, r.faults
}

func (r *sentenceReader) fault(at *yaml.Node, key, problem, accepted string) {
	r.faults = append(r.faults, Fault{Path: r.path, Line: at.Line, Value: shown(key), Problem: problem, Accepted: accepted})
}

// entry reads one key with its sentence.
func (r *sentenceReader) entry(name, value *yaml.Node) {
	key := target(name).Value
	known := keysOfSentences()
	first, again := r.lines[key]
	switch {
	case target(name).Kind != yaml.ScalarNode:
		r.fault(name, "", "is no key", "keys as in configs/status-bar.yaml")
		return
	case !slices.Contains(known, key):
		r.unknown(name, key, known)
		return
	case again:
		r.fault(name, key, fmt.Sprintf("is there twice, first in line %d", first), "")
		return
	}
	r.lines[key] = name.Line
	value = target(value)
	if value.Kind != yaml.ScalarNode || value.ShortTag() != "!!str" {
		r.fault(name, key, wrongType, sentenceAccepted+" (put it in quotes)")
	} else if problem := sentenceProblem(value.Value); problem != "" {
		r.fault(name, key, problem, sentenceAccepted)
	} else {
		r.texts[key] = value.Value
	}
}

func (r *sentenceReader) unknown(at *yaml.Node, key string, known []string) {
	if near := nearest(key, known); near != "" {
		r.fault(at, key, "unknown key; did you mean "+near+"?", "")
	} else {
		r.fault(at, key, "unknown key", "keys as in configs/status-bar.yaml")
	}
}

// sentenceProblem says why text cannot be the last field of O-003, "" if it
// can.
func sentenceProblem(text string) string {
	switch {
	case strings.Contains(text, "#"):
		return "has a #, which separates the fields of events"
	case strings.ContainsFunc(text, unicode.IsControl):
		return "has a control character"
	case utf8.RuneCountInString(text) > maxSentence:
		return "is too long"
	}
	return ""
}

// target is what an alias stands for, else n.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func keysOfSentences() []string {
	names := make([]string, len(gc.UserMessages))
	for i, m := range gc.UserMessages {
		names[i] = m.Key
	}
	return names
}

// lineOfInvalid is the line of the first byte that is not UTF-8.
func lineOfInvalid(data []byte) int {
	line := 1
	for text := range bytes.Lines(data) {
		if !utf8.Valid(text) {
			break
		}
		line++
	}
	return line
}

// ExampleSentences is configs/status-bar.yaml: every sentence as it is without
// messages.status_bar_file. It loads as it is.
func ExampleSentences() []byte {
	var b bytes.Buffer
	b.WriteString(`# Sentences for agents' status bars, with the defaults. To use others copy the
# file, change the copy and name it in messages.status_bar_file. A key that is
# left out keeps its default; "" switches a sentence off. Save it as UTF-8.
# Accepted: text of at most 500 characters without # and control characters.
`)
	headings := map[string]string{
		"Error":       "What went wrong. Errors not named here are reported as GENERIC_ERROR.",
		"State":       "The agent's state. LOGGED_IN follows a sign-in, RE_LOGIN asks for one.",
		"InboundCall": "Calls, those the agent makes included. DROP is the end of a call.",
		"ConsultCall": "Calls with which the agent consults somebody about another call.",
	}
	last := ""
	for _, m := range gc.UserMessages {
		if kind, _, _ := strings.Cut(m.Key, "#"); kind != last {
			last = kind
			b.WriteString("\n" + comment("", headings[kind]))
		}
		fmt.Fprintf(&b, "%s: %s\n", m.Key, strconv.Quote(m.Text))
	}
	return b.Bytes()
}
