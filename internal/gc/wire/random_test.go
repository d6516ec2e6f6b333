package wire_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// eachEvent runs check with 200 random events of every type that has an
// example, which is every type there is.
func eachEvent(t *testing.T, check func(t *testing.T, e gc.Event)) {
	seen := map[reflect.Type]bool{}
	for _, x := range examples {
		typ := reflect.TypeOf(x.event)
		if seen[typ] {
			continue
		}
		seen[typ] = true
		t.Run(typ.Name(), func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			r := random{rand.New(rand.NewPCG(seed, 0))}
			for range 200 {
				e := reflect.New(typ).Elem()
				r.fill(e)
				check(t, e.Interface().(gc.Event))
			}
		})
	}
}

type random struct{ *rand.Rand }

// fill sets v and all in it to values as bad as Finesse and people can make
// them.
func (r random) fill(v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		if r.IntN(4) > 0 {
			*p = time.Unix(r.Int64N(4e9), 0).UTC()
		}
		return
	case *gc.Secret:
		*p = gc.NewSecret(r.text())
		return
	case *gc.Destination:
		*p = gc.Destination("/topic/" + r.text())
		return
	case *gc.CallState:
		*p = pick(r, gc.Initiated, gc.Alerting, gc.Active, gc.Held, gc.WrapUp, gc.Failed, gc.Dropped, gc.NotFound, gc.CallState(r.text()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(r.text())
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int:
		v.SetInt(int64(r.IntN(1000) - 1))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), r.IntN(20), 20))
		for i := range v.Len() {
			r.fill(v.Index(i))
		}
	case reflect.Pointer:
		if r.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			r.fill(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			r.fill(v.Field(i))
		}
	default:
		panic(fmt.Sprintf("no random %s", v.Type()))
	}
}

func pick[T any](r random, values ...T) T { return values[r.IntN(len(values))] }

// text is empty, a word that matters to some form, or junk.
func (r random) text() string {
	switch r.IntN(6) {
	case 0:
		return ""
	case 1:
		return pick(r, "callVariable1", "callVariable10", "callVariable11", "callVariable01", "user.x[3]", "ani", "CONSULT", "CONSULT_OFFERED", "SUPERVISOR_MONITOR")
	}
	var b strings.Builder
	for range 1 + r.IntN(12) {
		b.WriteString(pick(r, "#", "|", ",", "=", ":", " ", "\n", "\r", "\t", "\x00", "\x1b", "\x7f", `"`, `\`, "/", "<", ">", "&", "a", "Z", "7",
			"é", "漢", "😀", "\u2028", "\ufeff", "\ufffd", "\U0010ffff", "\xff", "\xc3", "\xed\xa0\xbd", "\xf0\x9f"))
	}
	return b.String()
}

// mapStrings replaces every string in v, deeply, by f of it; slices and
// pointers are copied.
func mapStrings(v reflect.Value, f func(string) string) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time](), v.Type() == reflect.TypeFor[gc.Secret]():
	case v.Kind() == reflect.String:
		v.SetString(f(v.String()))
	case v.Kind() == reflect.Slice:
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(c, v)
		v.Set(c)
		for i := range v.Len() {
			mapStrings(v.Index(i), f)
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		c := reflect.New(v.Type().Elem())
		c.Elem().Set(v.Elem())
		v.Set(c)
		mapStrings(c.Elem(), f)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			mapStrings(v.Field(i), f)
		}
	}
}
