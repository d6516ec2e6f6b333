package conformance

import (
	"fmt"
	"io/fs"
	"strings"
)

// seed is the protocol document as data. Titles and remarks are ours.
type seed struct {
	commands  []seedCommand
	events    []seedEvent
	templates []seedTemplate
	objects   []seedObject
	errors    []seedError
	messages  []seedMessage
}

type seedCommand struct {
	table, title, category, name, parameters, output, remark string
}

type seedEvent struct {
	number, title, jmsType, category, remark string
}

// seedTemplate is a text form of an event: old, new, failed, or the only one.
type seedTemplate struct {
	number, form, template string
}

// seedObject is a JSON sample, and what is particular about it ("state=HELD",
// "participants=3").
type seedObject struct {
	title, kind, body, sample string
}

type seedError struct {
	code, origin, description, driver string
}

// seedMessage is a sentence for people; some are empty.
type seedMessage struct {
	key, sentence string
}

const seedDir = "internal/conformance/testdata/seed/"

// loadSeed reads the tables, whose first line names the columns.
func loadSeed(root fs.FS) (s seed, err error) {
	read := func(name string, columns int, row func([]string)) {
		if err == nil {
			err = readTable(root, seedDir+name, columns, row)
		}
	}
	read("commands.tsv", 7, func(c []string) {
		s.commands = append(s.commands, seedCommand{c[0], c[1], c[2], c[3], c[4], c[5], c[6]})
	})
	read("events.tsv", 5, func(c []string) {
		s.events = append(s.events, seedEvent{c[0], c[1], c[2], c[3], c[4]})
	})
	read("templates.tsv", 3, func(c []string) {
		s.templates = append(s.templates, seedTemplate{c[0], c[1], c[2]})
	})
	read("objects.tsv", 4, func(c []string) {
		var body []byte
		if err == nil {
			body, err = fs.ReadFile(root, seedDir+c[2]+".json")
		}
		s.objects = append(s.objects, seedObject{c[0], c[1], string(body), c[3]})
	})
	read("errors.tsv", 4, func(c []string) {
		s.errors = append(s.errors, seedError{c[0], c[1], c[2], c[3]})
	})
	read("messages.tsv", 2, func(c []string) {
		s.messages = append(s.messages, seedMessage{c[0], c[1]})
	})
	return s, err
}

func readTable(root fs.FS, name string, columns int, row func([]string)) error {
	data, err := fs.ReadFile(root, name)
	if err != nil {
		return fmt.Errorf("read seed: %w", err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	for i, line := range lines[1:] {
		cells := strings.Split(line, "\t")
		if len(cells) != columns {
			return fmt.Errorf("read seed: %s:%d has %d columns, not %d", name, i+2, len(cells), columns)
		}
		row(cells)
	}
	return nil
}
