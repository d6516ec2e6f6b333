package config

import (
	"reflect"
	"regexp"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// key is one key of the file, as the tags of Config tell it.
type key struct {
	path    string // "finesse.nodes[].rest"
	name    string // "rest"
	doc     string
	accept  string // "" for a section
	example string
	hidden  bool
	live    bool // a running connector can take it over
	typ     reflect.Type
	index   []int // of the field in Config; nil within a list
}

// indent is what k stands behind in the file.
func (k *key) indent() string { return strings.Repeat("  ", strings.Count(k.path, ".")) }

// section reports whether further keys are below k.
func (k *key) section() bool { return k.accept == "" }

// env is the variable that sets k instead of the file, "" when there is none:
// lists of sections and maps have no form on one line.
func (k *key) env() string {
	if k.section() || k.index == nil || k.typ == typeOf[[]Node]() || k.typ == typeOf[wire.FormatRules]() {
		return ""
	}
	return envPrefix + "_" + strings.ToUpper(strings.ReplaceAll(k.path, ".", "_"))
}

const envPrefix = "FINESSE_CONNECTOR"

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// keys are all keys in the order of the struct, sections before their
// content.
var keys = keysOf(typeOf[Config](), "", []int{})

func keysOf(t reflect.Type, parent string, index []int) []key {
	var all []key
	for i := range t.NumField() {
		f := t.Field(i)
		k := key{
			name:    f.Tag.Get("key"),
			doc:     f.Tag.Get("doc"),
			accept:  f.Tag.Get("accept"),
			example: f.Tag.Get("example"),
			hidden:  f.Tag.Get("hidden") == "true",
			live:    f.Tag.Get("live") == "true",
			typ:     f.Type,
		}
		if k.name == "-" {
			continue
		}
		k.path = join(parent, k.name)
		if index != nil {
			k.index = append(append([]int{}, index...), i)
		}
		all = append(all, k)
		if k.section() {
			all = append(all, keysOf(f.Type, k.path, k.index)...)
		}
		if f.Type == typeOf[[]Node]() {
			all = append(all, keysOf(f.Type.Elem(), k.path+"[]", nil)...)
		}
	}
	return all
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}

var position = regexp.MustCompile(`\[[^\]]*\]`)

// keyAt finds the key for the path of a value: "finesse.nodes[1].rest". The
// path of a list's element is that of the list when elements are no sections.
func keyAt(path string) *key {
	generic := position.ReplaceAllString(path, "[]")
	for i := range keys {
		if keys[i].path == generic || keys[i].path == strings.TrimSuffix(generic, "[]") {
			return &keys[i]
		}
	}
	return nil
}

// children are the names of the keys right below a section or in the elements
// of a list; parent is "" for the top level.
func children(parent string) []string {
	var names []string
	for _, k := range keys {
		if k.path == join(parent, k.name) {
			names = append(names, k.name)
		}
	}
	return names
}

// suggestion is the path of the key that was probably meant by an unknown one
// below parent, "" when nothing is near.
func suggestion(parent, name string) string {
	if near := nearest(name, children(position.ReplaceAllString(parent, "[]"))); near != "" {
		return join(parent, near)
	}
	for _, k := range keys {
		if k.name == name {
			return k.path
		}
	}
	return ""
}

// nearest is the one of names that name was probably meant to be, in whatever
// case, "" when none is near.
func nearest(name string, names []string) string {
	if name == "" || len(name) > maxSlip {
		return ""
	}
	best, least := "", max(2, 1+len(name)/3)
	for _, known := range names {
		d := distance(strings.ToLower(name), strings.ToLower(known))
		if strings.HasPrefix(known, name) {
			d = 1
		}
		if d < least {
			best, least = known, d
		}
	}
	return best
}

// maxSlip is the longest name that can be a misspelt key.
const maxSlip = 64

// distance is how many characters must be added, removed or changed to get
// from a to b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
