package config

import (
	"bytes"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

//go:generate go test -run ^TestGenerated -count=1 . -update

// Example is the shipped file: every key with its description and default, as
// YAML. It loads as it is.
func Example() []byte {
	var b bytes.Buffer
	b.WriteString(`# The configuration of finesse-connector, with the defaults.
# All keys may be left out, except finesse.nodes. Unknown keys are refused.
# An environment variable overrides a key: FINESSE_CONNECTOR_BROKER_USERNAME
# sets broker.username. docs/configuration.md describes every key.
`)
	defaults := reflect.ValueOf(*Default())
	for _, k := range keys {
		switch {
		case k.hidden || k.index == nil: // the list it belongs to shows it
		case k.section():
			if k.indent() == "" {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "%s%s%s:\n", comment(k.indent(), k.doc), k.indent(), k.name)
		case k.typ == typeOf[[]Node]():
			fmt.Fprintf(&b, "%s%s%s:\n", described(k), k.indent(), k.name)
			b.Write(exampleNode())
		default:
			fmt.Fprintf(&b, "%s%s%s: %s\n", described(k), k.indent(), k.name, yamlOf(defaults.FieldByIndex(k.index)))
		}
	}
	return b.Bytes()
}

func exampleNode() []byte {
	var b bytes.Buffer
	first := "- "
	for _, k := range keys {
		if k.example == "" {
			continue
		}
		text := comment("      ", k.doc, "Accepted: "+k.accept+".")
		fmt.Fprintf(&b, "    %s%s      %s: %s\n", first, strings.TrimPrefix(text, "      "), k.name, k.example)
		first = "  "
	}
	return b.Bytes()
}

// described is the comment above a key.
func described(k key) string { return comment(k.indent(), k.doc, "Accepted: "+k.accept+".") }

// width is where comments are broken.
const width = 78

// comment breaks paragraphs into lines that begin with indent and "# ".
func comment(indent string, paragraphs ...string) string {
	var b strings.Builder
	for _, paragraph := range paragraphs {
		line := indent + "#"
		for _, word := range strings.Fields(paragraph) {
			if len(line)+1+len(word) > width {
				b.WriteString(line + "\n")
				line = indent + "#"
			}
			line += " " + word
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// yamlOf writes a default as the file does.
func yamlOf(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case string:
		if value == "" || strings.ContainsAny(value, ":#{}[],&*!|>'\"%@`_ ") {
			return strconv.Quote(value)
		}
		return value
	case wire.Format:
		return string(value)
	case time.Duration:
		if value%time.Second == 0 {
			return fmt.Sprintf("%ds", value/time.Second)
		}
		return value.String()
	case *time.Location:
		return value.String()
	case []string:
		return strings.ReplaceAll(fmt.Sprintf("%q", value), `" "`, `", "`)
	case wire.FormatRules:
		return "{}"
	case []Node, gc.Secret:
		return ""
	default:
		return fmt.Sprint(value)
	}
}

// liveMark ends the description of a key that needs no restart.
func liveMark(k key) string {
	if k.live {
		return " *Live.*"
	}
	return ""
}

// Reference is docs/configuration.md.
func Reference() []byte {
	var b bytes.Buffer
	b.WriteString(referenceHead)
	defaults := reflect.ValueOf(*Default())
	for _, k := range keys {
		if k.section() {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| key | type | default | accepted | what it does |\n|---|---|---|---|---|\n", k.path, k.doc)
			continue
		}
		value := ""
		if k.index != nil {
			value = yamlOf(defaults.FieldByIndex(k.index))
		}
		if value != "" {
			value = "`" + value + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.path, typeName(k.typ), value, cell(k.accept), cell(k.doc+liveMark(k)))
	}
	b.WriteString(referenceLater)
	for _, row := range later {
		fmt.Fprintf(&b, "| `%s` | `%#v` | %s |\n", row.path, row.value, row.doc)
	}
	return b.Bytes()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func typeName(t reflect.Type) string {
	switch t {
	case typeOf[time.Duration]():
		return "duration"
	case typeOf[Size]():
		return "size"
	case typeOf[[]string]():
		return "list of text"
	case typeOf[[]Node]():
		return "list of sections"
	case typeOf[wire.FormatRules]():
		return "map"
	case typeOf[int]():
		return "number"
	case typeOf[bool]():
		return "switch"
	}
	return "text"
}

const referenceHead = `<!-- Generated from the source by "make generate"; edit internal/config/config.go. -->

# Configuration

` + "`finesse-connector serve --config FILE`" + ` reads one YAML file; the packages put it at
` + "`/etc/finesse-connector/config.yaml`" + `. Every key may be left out, except ` + "`finesse.nodes`" + `.
The shipped [config.yaml](../configs/config.yaml) shows all of them with their defaults.

* **Faults** are reported all at once, each with the key's path, the value and what is
  accepted, and the process exits with 2. Unknown keys are faults; case matters.
* **Durations** are numbers with a unit: ` + "`500ms`, `10s`, `2m`, `1h`" + `.
* **Sizes** are numbers with a unit: ` + "`500KB`, `100MB`, `2GB`" + `.
* **Text** that looks like a number must be in quotes: ` + "`username: \"1001\"`" + `.
* **Environment variables** override the file: ` + "`FINESSE_CONNECTOR_`" + `, then the path in upper case with
  underscores, as in ` + "`FINESSE_CONNECTOR_BROKER_USERNAME`" + `. A list is written with commas. ` + "`finesse.nodes`" + `
  and ` + "`messages.formats`" + ` can only be set in the file. An empty variable sets nothing; one that names no key is
  warned of.
* **A running connector** reads the file again on SIGHUP (` + "`systemctl reload finesse-connector`" + `). Keys marked
  *Live* are taken over; the log names those that changed and wait for a restart. A file with a fault changes nothing.
* **Files** that the configuration names may be relative to its own directory.
* **Sentences** for agents' status bars are in [status-bar.yaml](../configs/status-bar.yaml). Copy it, change the copy
  and name it in ` + "`messages.status_bar_file`" + `; a key that is left out keeps its sentence, ` + "`\"\"`" + ` switches one off.
  Faults in it are reported with the line.
* **Passwords** are best kept out of the file. ` + "`broker.password_file` and `finesse.admin.password_file`" + ` name a file
  with nothing but the password (a line end after it is ignored) or a systemd credential: with
  ` + "`LoadCredential=broker-password:/path`" + ` in the unit, ` + "`password_file: broker-password`" + ` finds it. A file with a
  password that every user can read is warned of.
* **What travels in clear**, and what others can get at, is warned of at each start and by ` + "`check`" + `, with what to do:
  ` + "`tcp://` to a broker on another host, a built-in broker or `http.listen` that other hosts reach, `xmpp+plain://`" + `,
  ` + "`finesse.insecure_skip_verify`, an `http://` recorder on another host, `cluster.plaintext`" + `.
`

const referenceLater = `
## Keys of later versions

These are accepted with their default, so that one file serves several versions. Any other value is refused:
it would have no effect.

| key | the only value accepted | what it will do |
|---|---|---|
`
