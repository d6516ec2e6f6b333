// Package licences_test writes the licences of what is linked into the binary
// to third-party.txt, which is shipped with it, and checks that it is current
// and that each licence is one of those accepted.
//
// Counted is every package that the binary for Linux needs, with the licences
// from its directory up to its module's; and Go's own library. What only tests
// use is not in the binary.
package licences_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

//go:generate go test -run ^TestGenerated -count=1 . -update

var update = flag.Bool("update", false, "write third-party.txt")

const (
	file    = "third-party.txt"
	program = "github.com/finesse-connector/finesse-connector"
)

// accepted are the licences that a module may have, by words that are in each
// text of it and in no other's.
var accepted = map[string]*regexp.Regexp{
	"Apache-2.0": regexp.MustCompile(`Apache License,? Version 2\.0`),
	"MIT":        regexp.MustCompile(`Permission is hereby granted, free of charge, to any person obtaining a copy`),
	"BSD":        regexp.MustCompile(`Redistributions of source code must retain the above copyright notice.*Redistributions in binary form must reproduce`),
	"ISC":        regexp.MustCompile(`Permission to use, copy, modify, (and|and/or) distribute this software for any purpose with or without fee is hereby granted`),
	"MPL-2.0":    regexp.MustCompile(`Mozilla Public License,? [Vv]ersion 2\.0`),
}

// foreign are words of licences that bind who ships the binary to more; a text
// that adds them to one of the accepted is not that one.
var foreign = regexp.MustCompile(`(?i)GNU (Affero |Lesser |Library )?General Public|Commons Clause|Business Source License|Server Side Public License|advertising materials mentioning|non-?commercial`)

var (
	licenceName = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying)([.-][a-z0-9.-]+)?$`)
	noticeName  = regexp.MustCompile(`(?i)^(notice|patents)(\.(txt|md))?$`)
)

// linked is a package of the binary, as go list tells of it.
type linked struct {
	Dir    string
	Module *struct{ Path, Version, Dir string }
}

// text is a licence or a notice, and the modules that have it.
type text struct {
	body    string
	kind    string // of licence; "" of a notice
	modules []string
}

func TestGeneratedLicencesAreCurrent(t *testing.T) {
	want := page(t)
	if *update {
		require.NoError(t, os.WriteFile(file, want, 0o644))
	}
	have, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(have), "run make licences")
}

func page(t *testing.T) []byte {
	t.Helper()
	texts := map[string]*text{}
	add := func(module, dir, top string) {
		found, err := licencesOf(dir, top)
		require.NoError(t, err, module)
		for body, kind := range found {
			if texts[body] == nil {
				texts[body] = &text{body: body, kind: kind}
			}
			if !slices.Contains(texts[body].modules, module) {
				texts[body].modules = append(texts[body].modules, module)
			}
		}
	}
	goroot := strings.TrimSpace(string(run(t, "go", "env", "GOROOT")))
	add("Go and its standard library", goroot, goroot)
	for _, arch := range []string{"amd64", "arm64"} {
		for d := json.NewDecoder(bytes.NewReader(run(t, "env", "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "go", "list", "-deps", "-json=Dir,Module", program+"/cmd/finesse-connector"))); ; {
			var p linked
			err := d.Decode(&p)
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			if p.Module != nil && p.Module.Path != program {
				add(p.Module.Path+" "+p.Module.Version, p.Dir, p.Module.Dir)
			}
		}
	}
	return write(texts)
}

func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	var problems bytes.Buffer
	c.Stderr = &problems
	out, err := c.Output()
	require.NoError(t, err, problems.String())
	return out
}

// licencesOf reads the texts from dir up to top, with the kind of each. It
// fails where there is none, or one that is not accepted.
func licencesOf(dir, top string) (map[string]string, error) {
	found, licensed := map[string]string{}, false
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			notice := noticeName.MatchString(e.Name())
			if e.IsDir() || filepath.Ext(e.Name()) == ".go" || !notice && !licenceName.MatchString(e.Name()) {
				continue
			}
			body, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return nil, err
			}
			plain, kind := strings.TrimSpace(strings.ReplaceAll(string(body), "\r\n", "\n")), ""
			if !notice {
				if kind, err = kindOf(plain); err != nil {
					return nil, fmt.Errorf("%s: %w", filepath.Join(dir, e.Name()), err)
				}
				licensed = true
			}
			found[plain] = kind
		}
		if dir == top {
			break
		}
		dir = filepath.Dir(dir)
	}
	if !licensed {
		return nil, fmt.Errorf("%s has no licence", top)
	}
	return found, nil
}

var space = regexp.MustCompile(`[\s*#/]+`)

func kindOf(body string) (string, error) {
	plain := space.ReplaceAllString(body, " ")
	if words := foreign.FindString(plain); words != "" && !accepted["MPL-2.0"].MatchString(plain) { // which names others as secondary ones
		return "", fmt.Errorf("the licence has %q in it", words)
	}
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(accepted)) {
		if accepted[kind].MatchString(plain) {
			kinds = append(kinds, kind)
		}
	}
	if kinds == nil {
		return "", errors.New("the licence is none of those accepted: " + strings.Join(slices.Sorted(maps.Keys(accepted)), ", "))
	}
	return strings.Join(kinds, " and "), nil
}

func write(texts map[string]*text) []byte {
	list := slices.Collect(maps.Values(texts))
	for _, x := range list {
		slices.Sort(x.modules)
	}
	slices.SortFunc(list, func(a, b *text) int {
		return strings.Compare(a.modules[0]+"\n"+a.kind+a.body, b.modules[0]+"\n"+b.kind+b.body)
	})
	var b bytes.Buffer
	b.WriteString("The binary finesse-connector has software of others in it, which comes with the\nlicences and notices below. Its own licence is Apache-2.0. Made by \"make licences\".\n")
	for _, x := range list {
		kind := x.kind
		if kind == "" {
			kind = "notice"
		}
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s, of:\n  %s\n\n%s\n", strings.Repeat("=", 80), strings.Repeat("=", 80), kind, strings.Join(x.modules, "\n  "), x.body)
	}
	return b.Bytes()
}

func TestOnlyAcceptedLicencesPass(t *testing.T) {
	const bsd = "Redistributions of source code must retain the above copyright notice\nand so on.\n * Redistributions in binary form must reproduce"
	for name, k := range map[string]struct{ body, kind, fault string }{
		"Apache":          {"   Apache License\n  Version 2.0, January 2004", "Apache-2.0", ""},
		"MIT":             {"Permission is hereby granted, free of charge,\nto any person obtaining a copy", "MIT", ""},
		"BSD":             {bsd, "BSD", ""},
		"MPL":             {"Mozilla Public License Version 2.0 … GNU General Public License, Version 2.0 …", "MPL-2.0", ""},
		"two":             {"Apache License, Version 2.0\n" + bsd, "Apache-2.0 and BSD", ""},
		"GPL":             {"GNU GENERAL PUBLIC LICENSE Version 3", "", `"GNU GENERAL PUBLIC"`},
		"BSD with a deed": {bsd + "\nAll advertising materials mentioning features", "", `"advertising materials mentioning"`},
		"MIT with a rest": {"Permission is hereby granted, free of charge, to any person obtaining a copy. Commons Clause", "", `"Commons Clause"`},
		"unknown":         {"Do what you like.", "", "none of those accepted: Apache-2.0, BSD, ISC, MIT, MPL-2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			kind, err := kindOf(k.body)
			require.Equal(t, k.kind, kind)
			if k.fault != "" {
				require.ErrorContains(t, err, k.fault)
			}
		})
	}
}

func TestLicencesAreThoseUpToTheModule(t *testing.T) {
	top := t.TempDir()
	inner := filepath.Join(top, "a", "b")
	require.NoError(t, os.MkdirAll(inner, 0o755))
	put := func(dir, name, body string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600))
	}
	_, err := licencesOf(inner, top)
	require.ErrorContains(t, err, "has no licence")
	put(top, "NOTICE", "from us")
	_, err = licencesOf(inner, top)
	require.ErrorContains(t, err, "has no licence", "a notice is none")
	put(top, "LICENSE.md", "Apache License Version 2.0")
	put(filepath.Dir(inner), "COPYING", "Permission is hereby granted, free of charge, to any person obtaining a copy")
	put(inner, "license.go", "package b")
	found, err := licencesOf(inner, top)
	require.NoError(t, err)
	require.Equal(t, []string{"", "Apache-2.0", "MIT"}, slices.Sorted(maps.Values(found)))
	put(inner, "LICENSE-GPL", "GNU Lesser General Public License")
	_, err = licencesOf(inner, top)
	require.ErrorContains(t, err, "LICENSE-GPL")
}
