package anonymize

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
	"github.com/finesse-connector/finesse-connector/internal/replay"
)

// canaries stand where something about a person or a site may: a word, a number,
// an id with both.
var canaries = []string{"4085559876", "Qzcanaryxj_4085559876", "QZCANARYXJ"}

// left returns the canaries in a text, in any case and however escaped.
func left(text string) (found []string) {
	for range 3 { // one escape in another
		small := strings.ToLower(text)
		for _, c := range []string{"qzcanaryxj", "4085559876"} {
			if strings.Contains(small, c) {
				found = append(found, c)
			}
		}
		text = html.UnescapeString(text)
		if plain, err := url.PathUnescape(text); err == nil {
			text = plain
		}
	}
	return found
}

// formsOf returns the forms in which a text can stand in a document.
func formsOf(c string) []string {
	var decimal, hex strings.Builder
	for _, r := range c {
		fmt.Fprintf(&decimal, "&#%d;", r)
		fmt.Fprintf(&hex, "&#x%x;", r)
	}
	return []string{
		c, decimal.String(), hex.String(), "&#0" + decimal.String()[2:], "<![CDATA[" + c + "]]>", "&" + c + ";", "<!--" + c + "-->", "a<b/>" + c,
		c[:3] + "<!-- -->" + c[3:], c[:3] + "<![CDATA[" + c[3:] + "]]>", "&#" + c + ";", "&amp;#" + c, url.PathEscape(c), strings.ReplaceAll(c, "a", "%61"),
	}
}

// documents returns documents with a canary in each place.
func documents(c string) (all []string) {
	for _, name := range append(finesseElements, "unknown") {
		for _, form := range formsOf(c) {
			all = append(all, "<Update><"+name+">"+form+"</"+name+"></Update>")
		}
		all = append(all, fmt.Sprintf(`<%s %s="1" category='%s' xmlns:%s="x">1</%s>`, name, c, c, c, name))
	}
	for _, markup := range []string{
		"%s", "<%s>1</%s>", "<User/%s>", "<x:%s/>", "<%s:User/>", "<User %s>", "<?xml %s?>", `<?xml version="1.0" encoding="%s"?>`, "<?%s x?>", "<!DOCTYPE %s>",
		`<!ENTITY x "%s">`, "<User", "<User a=\"%s", "<uri>/finesse/api/%s/1</uri>", "<uri>/finesse/api/User/%s</uri>", "<uri>/finesse/api/Dialog/1?x=%s</uri>",
		"<uri>https://%s/x</uri>", "<html><h1>%s</h1></html>", `{"%s": "%s"}`, "<errorMessage>CF_%s</errorMessage>", "<errorType>%s</errorType>",
		"<source>/finesse/api/Dialog/%s</source>", "<ErrorData>%s</ErrorData>", "<ErrorMessage>INVALID_ACTION %s</ErrorMessage>", "</%s>", "<![CDATA[%s",
	} {
		all = append(all, strings.ReplaceAll(markup, "%s", c))
	}
	return all
}

// filled puts a canary into every text in v, except those named.
func filled(v reflect.Value, c string, but ...string) {
	for i := range v.NumField() {
		f := v.Field(i)
		if f.Kind() == reflect.String && !contains(but, v.Type().Field(i).Name) {
			f.SetString(c)
		}
	}
}

func contains(all []string, s string) bool {
	for _, x := range all {
		if x == s {
			return true
		}
	}
	return false
}

// withCanaries returns records that have a canary in every field, with each
// body.
func withCanaries(c string) (all []capture.Record) {
	add := func(x capture.Record) { all = append(all, x) }
	for _, edge := range []capture.Edge{capture.Broker, capture.REST, capture.Notify} {
		for _, dir := range []capture.Dir{capture.In, capture.Out} {
			for i := range reflect.TypeFor[capture.Record]().NumField() { // alone, so that no other field decides what it is
				x := capture.Record{Dir: dir, Edge: edge}
				if f := reflect.ValueOf(&x).Elem().Field(i); f.Kind() == reflect.String && f.String() == "" {
					f.SetString(c)
					add(x)
				}
			}
			x := capture.Record{Dir: dir, Edge: edge}
			filled(reflect.ValueOf(&x).Elem(), c, "Dir", "Edge")
			add(x)
			add(capture.Record{Dir: dir, Edge: edge, Raw: []byte("\xff" + c)})
		}
	}
	for _, typ := range []string{"GET /User/", "GET /Dialog/", "PUT /", c + " /User/1", "GET /User/1/", capture.Paused, capture.Waits, capture.Verified} {
		add(capture.Record{Dir: capture.In, Edge: capture.REST, Type: typ + c, Status: 200})
		add(capture.Record{Dir: capture.In, Edge: capture.Notify, Type: typ, Topic: "/finesse/api/" + c, Body: c})
		add(capture.Record{Dir: capture.In, Edge: capture.REST, Type: typ, Topic: c, Node: "a:" + c, Code: "CF_" + c, Problem: c + ": EOF"})
	}
	for _, body := range documents(c) {
		add(capture.Record{Dir: capture.Out, Edge: capture.REST, Type: "PUT /User/1", Body: body})
		add(capture.Record{Dir: capture.In, Edge: capture.REST, Type: "GET /User/1", Status: 400, Body: body})
		if isNumber := strings.Trim(c, "0123456789") == ""; !isNumber || !givesID.MatchString(body) {
			add(capture.Record{Dir: capture.In, Edge: capture.Notify, Type: capture.Update, Topic: "/finesse/api/User/1", Body: body})
		}
	}
	for _, command := range gc.Commands {
		name := string(command.Name)
		for n := range 5 {
			fields := []string{"1", "1", "1", "1", "1"}
			fields[n] = c
			add(capture.Record{Dir: capture.In, Edge: capture.Broker, Type: name + "#1001", Body: strings.Join(fields, ",")})
		}
		add(capture.Record{Dir: capture.In, Edge: capture.Broker, Type: name + "#" + c, Body: c})
		add(capture.Record{Dir: capture.Out, Edge: capture.Broker, Type: name + "#" + c, Event: "Error", Format: "text", Body: "1001#Error#" + c})
	}
	w := &wire.Writer{Location: time.UTC, Substitute: '_'}
	for _, e := range events {
		full := reflect.New(reflect.TypeOf(e)).Elem()
		canary(full, c)
		for _, f := range wire.Formats {
			m := w.Write(f, full.Interface().(gc.Event))
			x := capture.Record{Dir: capture.Out, Edge: capture.Broker, Event: m.Name, Type: m.Type, Format: string(f), Body: m.Body}
			add(x)
			for _, spoilt := range []string{m.Body + "#" + c, c + m.Body, strings.ReplaceAll(m.Body, `":`, c+`":`), strings.Replace(m.Body, "{", `{"x":{"`+c+`":[1`+c+`,"`+c+`",40855598760]},`, 1)} {
				x.Body = spoilt
				add(x)
			}
		}
	}
	return all
}

// givesID matches documents of Finesse whose numbers stay, because they are
// ids.
var givesID = regexp.MustCompile(`(?i)<(id|secondaryid|teamid|reasoncodeid|mediaid|uri)>`)

// canary fills everything in v.
func canary(v reflect.Value, c string) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				canary(v.Field(i), c)
			}
		}
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		canary(v.Elem(), c)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Bool:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		canary(v.Index(0), c)
		canary(v.Index(1), c)
	case v.Kind() == reflect.String:
		v.SetString(c)
	}
}

// Only what a table knows passes: no canary passes anywhere, in any form.
func TestNoCanaryIsLeft(t *testing.T) {
	for _, c := range canaries {
		h := capture.Header{Capture: 1, Run: c, Follows: c, Connector: c, Time: time.Now()}
		filled(reflect.ValueOf(&h.Settings).Elem(), c)
		h.Settings.Formats = wire.FormatRules{gc.Pattern(c): wire.Format(c), "*": wire.Format(c)}
		h.Settings.Sentences = map[string]string{c: c, "State#" + c: "a " + c, c + "#READY": c, "State#READY": c}
		h.Settings.Nodes = []string{c, c + ":8445", "a:" + c}
		all := []capture.Item{{Header: &h}}
		for _, x := range withCanaries(c) {
			all = append(all, capture.Item{Record: &x})
		}
		a := New()
		for _, i := range all {
			a.Item(t.Context(), i)
		}
		require.NoError(t, a.Settle(t.Context()))
		for _, i := range all {
			was, is := fmt.Sprintf("%+v %+v", i.Header, i.Record), a.Item(t.Context(), i)
			var out bytes.Buffer
			require.NoError(t, capture.Write(&out, is))
			text := out.String()
			if is.Record != nil {
				text += "\n" + is.Record.Text()
				require.NotContains(t, text, base64.StdEncoding.EncodeToString([]byte(c))[:8], was)
			}
			if found := left(text); len(found) > 0 {
				require.Failf(t, "a canary is left", "%v in %s\nof %s", found, text, was)
			}
		}
	}
}

// Names that a site gave are replaced by the same everywhere: the copy replays
// as the capture does.
func TestNamesOfASiteReplay(t *testing.T) {
	for name, k := range map[string]struct {
		sample  string
		replace []string // old, new, throughout the capture
		command func(*capture.Record)
	}{
		"wrap-up reasons that are numbers":      {sample: "main-job", replace: []string{"Lunch", "4085559876", "Callback Requested", "4085559877"}},
		"sentences of the status bar":           {sample: "status-bar", replace: []string{"Your State: Ready", "Hello from qzCanaryXj, 4085559876", "You are Logged in", "qzCanaryXj | you = in"}},
		"a category and a format that are not":  {sample: "main-job", command: func(x *capture.Record) { x.Category, x.Format = "qzCanaryXj", "qzCanaryXj 4085559876" }},
		"names of call variables":               {sample: "main-job", replace: []string{"user.", "qzCanaryXj."}},
		"elements that Finesse does not define": {sample: "main-job", replace: []string{"<pendingState>", "<qzCanaryXj at=\"qzCanaryXj\">4085559876</qzCanaryXj><pendingState>"}},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join("..", "..", "..", "test", "captures", k.sample+"*.jsonl.gz"))
			require.NoError(t, err)
			require.NotEmpty(t, files)
			changed := false
			for _, file := range files {
				all := items(t, opened(t, file))

				for i := range all {
					changed = spoilt(&all[i], k.replace) || changed
					if x := all[i].Record; x != nil && x.IsCommand() && k.command != nil {
						if !strings.HasPrefix(x.Type, "Hello") && !strings.HasPrefix(x.Type, "Connect") && !strings.HasPrefix(x.Type, "Beat") {
							k.command(x)
							changed = true
						}
					}
				}
				sameAs(t, all, "as captured")
				a := New()
				for _, i := range all {
					a.Item(t.Context(), i)
				}
				require.NoError(t, a.Settle(t.Context()))
				for i := range all {
					all[i] = a.Item(t.Context(), all[i])
				}
				sameAs(t, all, "anonymized")
				var out bytes.Buffer
				for _, i := range all {
					require.NoError(t, capture.Write(&out, i))
				}
				require.Empty(t, left(out.String()), file)
			}
			require.True(t, changed, "the samples contain the replaced texts")
		})
	}
}

// spoilt replaces texts in a line, and reports whether there were any.
func spoilt(i *capture.Item, replace []string) bool {
	r, changed := strings.NewReplacer(replace...), false
	apply := func(s string) string {
		now := r.Replace(s)
		changed = changed || now != s
		return now
	}
	if i.Header != nil {
		for key, text := range i.Header.Settings.Sentences {
			i.Header.Settings.Sentences[key] = apply(text)
		}
	} else {
		i.Record.Body = apply(i.Record.Body)
	}
	return changed
}

// source returns lines.
type source []capture.Item

func (s *source) Next() (capture.Item, error) {
	if len(*s) == 0 {
		return capture.Item{}, io.EOF
	}
	next := (*s)[0]
	*s = (*s)[1:]
	return next, nil
}

func sameAs(t *testing.T, all []capture.Item, what string) {
	t.Helper()
	s := source(all)
	synctest.Test(t, func(t *testing.T) {
		r, err := replay.Offline(t.Context(), &s, replay.Options{})
		require.NoError(t, err)
		require.Zero(t, len(r.Findings), "%s: %.600s", what, fmt.Sprintf("%+v", r.Findings))
		require.NotZero(t, r.Events)
	})
}
