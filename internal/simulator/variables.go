package simulator

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// Limits of call data in bytes (Finesse developer guide 12.5, page 118, and
// the administration guide for wrap-up reasons).
const (
	maxVariable = 40
	maxECC      = 2000
	maxWrapUp   = 39
)

// emptyVariables are the ten that every UCCE call shows, set or not.
func emptyVariables() []gc.CallVariable {
	variables := make([]gc.CallVariable, 10)
	for i := range variables {
		variables[i].Name = "callVariable" + strconv.Itoa(i+1)
	}
	return variables
}

// withVariables is old with the values of changes; new names come last.
func withVariables(old, changes []gc.CallVariable) []gc.CallVariable {
	variables := slices.Clone(old)
	for _, c := range changes {
		i := slices.IndexFunc(variables, func(v gc.CallVariable) bool { return v.Name == c.Name })
		if i < 0 {
			variables = append(variables, c)
			continue
		}
		variables[i].Value = c.Value
	}
	return variables
}

// checkVariables says what is wrong with values for a call: an unknown or
// repeated name, or too many bytes.
func checkVariables(variables []gc.CallVariable) error {
	seen, ecc := map[string]bool{}, 0
	for _, v := range variables {
		switch {
		case seen[v.Name]:
			return fmt.Errorf("%s is given twice", v.Name)
		case isCallVariable(v.Name):
			if len(v.Value) > maxVariable {
				return fmt.Errorf("%s is longer than %d bytes", v.Name, maxVariable)
			}
		case strings.HasPrefix(v.Name, "user.") && len(v.Name) > len("user."):
			ecc += len(v.Name) + len(v.Value)
		default:
			return fmt.Errorf("%q is not a call variable: callVariable1 to callVariable10 and user.<name> are", v.Name)
		}
		seen[v.Name] = true
	}
	if ecc > maxECC {
		return fmt.Errorf("the user. variables are longer than %d bytes together", maxECC)
	}
	return nil
}

func isCallVariable(name string) bool {
	return slices.ContainsFunc(emptyVariables(), func(v gc.CallVariable) bool { return v.Name == name })
}

// listed puts variables in a fixed order.
func listed(variables map[string]string) []gc.CallVariable {
	var list []gc.CallVariable
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		list = append(list, gc.CallVariable{Name: name, Value: variables[name]})
	}
	return list
}
