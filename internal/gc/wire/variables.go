package wire

import (
	"slices"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

var tenVariables = [10]string{
	"callVariable1", "callVariable2", "callVariable3", "callVariable4", "callVariable5",
	"callVariable6", "callVariable7", "callVariable8", "callVariable9", "callVariable10",
}

// firstTen are the values of callVariable1 to 10.
func firstTen(vars []gc.CallVariable) (ten [10]string) {
	for _, v := range vars {
		if i := slices.Index(tenVariables[:], v.Name); i >= 0 {
			ten[i] = v.Value
		}
	}
	return ten
}

// eachVariable goes through callVariable1 to 10, always all of them, then the
// others in Finesse's order.
func eachVariable(vars []gc.CallVariable, do func(name, value string)) {
	for i, value := range firstTen(vars) {
		do(tenVariables[i], value)
	}
	for _, v := range vars {
		if !slices.Contains(tenVariables[:], v.Name) {
			do(v.Name, v.Value)
		}
	}
}

// variablesSize is room for them in any form: without it what is written would
// move time and again while sixty are added.
func variablesSize(vars []gc.CallVariable) int {
	size := len(tenVariables) * len(`{"callVariable10":""},`)
	for _, v := range vars {
		size += len(v.Name) + len(v.Value) + len(`{"":""},`)
	}
	return size
}
