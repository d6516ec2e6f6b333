package finesse

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// APIError is Finesse's own account of a failure, from an answer's body or
// from an update. It is an error so that it can be the cause of a *gc.Error.
type APIError struct {
	Type    string // "Invalid State", "Generic Error", …; sometimes a number
	Message string // the name of a CTI failure (CF_…), else text
	Data    string // the CTI failure's number, an extension, an id, or nothing
	// What the peripheral gateway says; recent releases, some errors.
	PeripheralCode, PeripheralMessage string
}

func (e APIError) Error() string {
	data := e.Data
	if !shortNumber.MatchString(data) && ctiName.FindString(data) != data {
		data = ""
	}
	s := fmt.Sprintf("finesse says %.80q", e.Type)
	for _, part := range []struct{ name, value string }{
		{"message", e.Message}, {"data", data}, {"peripheral code", e.PeripheralCode}, {"peripheral message", e.PeripheralMessage},
	} {
		if part.value != "" {
			s += fmt.Sprintf(", %s %.160q", part.name, part.value)
		}
	}
	return s
}

func (e APIError) is(errorType string) bool { return strings.EqualFold(e.Type, errorType) }

// ctiName is the name of a CTI failure, known or not. It is matched, not
// copied, because it goes to drivers, whose separators must not be in it.
var ctiName = regexp.MustCompile(`\b(?:CF|E_CTI)_[A-Z0-9_]{1,64}\b`)

// shortNumber is an error's or an object's: longer ones, and texts, may be what a
// driver sent, which is not for the log.
var shortNumber = regexp.MustCompile(`^[0-9]{1,6}$`)

// Code is what the driver hears. The name of a CTI failure says most and is
// passed on, known or not; then its number; then what type and message mean.
// What stays unclear is GENERAL_ERROR (seed, "Errors").
func (e APIError) Code() gc.Code {
	for _, place := range []string{e.Message, e.Type, e.Data} {
		if name := ctiName.FindString(place); name != "" {
			return gc.Code(name)
		}
	}
	// The connector asked for something that is not among the participant's
	// actions. Data is then an extension, which may look like a number below.
	if strings.HasPrefix(e.Message, "INVALID_ACTION") {
		return gc.InvalidObjectState
	}
	if code, ok := messageCodes[e.Message]; ok {
		return code
	}
	errorType := strings.ToLower(e.Type)
	if strings.Contains(errorType+strings.ToLower(e.Message), "account locked") {
		return gc.AccountLocked
	}
	if code, ok := e.numberCode(errorType); ok {
		return code
	}
	if errorType == "parameter missing" || errorType == "invalid input" {
		return parameterCode(errorType, e.Data)
	}
	if code, ok := typeCodes[errorType]; ok {
		return code
	}
	return gc.GeneralError
}

// Reason is why, for the driver, where the code does not say it.
func (e APIError) Reason() gc.Reason { return reasonOf(e.Code()) }

func reasonOf(code gc.Code) gc.Reason {
	if code == gc.PleaseRetry {
		return gc.RequestRefused
	}
	return ""
}

// numberCode is what a number means: that of a CTI failure in Data, or one of
// the peripheral's, which may also stand in a place of its own or as the type.
// Where the type does not say that Data is such a number, it may be an
// extension.
func (e APIError) numberCode(errorType string) (gc.Code, bool) {
	numbers := []string{e.Type, e.PeripheralCode}
	if ctiTypes[errorType] {
		if name, ok := ctiFailure(e.Data); ok {
			return name, true
		}
		numbers = append(numbers, e.Data)
	}
	if errorType == "generic error" {
		numbers = append(numbers, e.Data)
	}
	for _, number := range numbers {
		if code, ok := peripheralCodes[number]; ok {
			return code, true
		}
	}
	return "", false
}

// peripheralCodes are numbers of the peripheral gateway that drivers hear of
// by the name of the CTI failure they amount to (Finesse developer guide,
// errors of SILENT_MONITOR, BARGE_CALL and CONFERENCE).
var peripheralCodes = map[string]gc.Code{
	"88049": gc.InvalidObjectState,                 // silent monitor: the agent is not talking (UCCX)
	"13145": gc.InvalidObjectState,                 // the same on UCCE
	"20999": gc.InvalidObjectState,                 // not the controller of the conference
	"20700": "CF_CONFERENCE_MEMBER_LIMIT_EXCEEDED", // too many parties
}

// messageCodes are messages that say more than their type.
var messageCodes = map[string]gc.Code{
	"UNKNOWN_USER":            gc.UserNotFound,
	"AWS_SERVICE_UNAVAILABLE": gc.FinesseUnavailable,
}

// ctiTypes are the types of errors whose Data is the number of a CTI failure.
var ctiTypes = map[string]bool{
	"invalid state":          true,
	"invalid device":         true,
	"device busy":            true,
	"mode not allowed":       true,
	"call operation failure": true,
}

// typeCodes is what a type means when nothing more precise is said.
var typeCodes = map[string]gc.Code{
	"invalid state":                        gc.InvalidObjectState,
	"invalid device":                       gc.InvalidLogonDevice,
	"device busy":                          gc.ResourceBusy,
	"call operation failure":               gc.GenericOperationError,
	"invalid destination":                  gc.BadDestination,
	"bad request":                          gc.PleaseRetry,
	"user not found":                       gc.UserNotFound,
	"dialog not found":                     gc.NoDialogID,
	"service unavailable":                  gc.FinesseUnavailable,
	"authorization failure":                gc.SubscriptionFailed,
	"invalid authorization user specified": gc.SubscriptionFailed,
}

// parameterCode names the parameter where the seed has a code for it.
func parameterCode(errorType, name string) gc.Code {
	missing := errorType == "parameter missing"
	switch strings.ToLower(name) {
	case "extension":
		if missing {
			return gc.MissingExtension
		}
		return gc.WrongExtension
	case "toaddress":
		if missing {
			return gc.MissingNumber
		}
		return gc.BadDestination
	case "reasoncodeid":
		if missing {
			return gc.MissingReasonCode
		}
	}
	return gc.PleaseRetry
}

// ctiFailure is the name behind a number.
func ctiFailure(number string) (gc.Code, bool) {
	n, err := strconv.Atoi(number)
	if err != nil {
		return "", false
	}
	name, ok := ctiFailures[n]
	return "CF_" + gc.Code(name), ok
}
