package finesse

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestCodeOfAnError(t *testing.T) {
	for _, c := range []struct {
		name string
		e    APIError
		want gc.Code
	}{
		{"a CTI failure is passed on by name", APIError{Type: "Invalid Device", Message: "CF_INVALID_LOGON_DEVICE_SPECIFIED", Data: "260"}, gc.InvalidLogonDevice},
		{"one nobody knows too", APIError{Type: "Call Operation Failure", Message: "CF_SOMETHING_NEW", Data: "999"}, "CF_SOMETHING_NEW"},
		{"one of UCCX too", APIError{Message: "E_CTI_INVALID_CALLID"}, "E_CTI_INVALID_CALLID"},
		{"a name goes before the number", APIError{Type: "Invalid State", Message: "CF_RESOURCE_BUSY", Data: "22"}, gc.ResourceBusy},
		{"separators never reach a driver", APIError{Message: "CF_A#B,c"}, "CF_A"},
		{"without a name the number counts", APIError{Type: "Call Operation Failure", Data: "34"}, "CF_RESOURCE_OUT_OF_SERVICE"},
		{"the locked account", APIError{Type: "Invalid State", Data: "289"}, gc.AccountLocked},
		{"the locked account in words", APIError{Type: "Authorization Failure", Message: "User account locked"}, gc.AccountLocked},
		{"without both the type counts", APIError{Type: "Device Busy"}, gc.ResourceBusy},
		{"types compare without case", APIError{Type: "INVALID STATE"}, gc.InvalidObjectState},
		{"a number nobody knows is left to the type", APIError{Type: "Call Operation Failure", Data: "31337"}, gc.GenericOperationError},
		{"an extension is no failure number", APIError{Type: "Generic Error", Message: "INVALID_ACTION ANSWER on extension 260", Data: "260"}, gc.InvalidObjectState},
		{"unknown user", APIError{Type: "User Not Found", Message: "UNKNOWN_USER", Data: "4023"}, gc.UserNotFound},
		{"call that is gone", APIError{Type: "Dialog Not Found"}, gc.NoDialogID},
		{"number that leads nowhere", APIError{Type: "Invalid Destination"}, gc.BadDestination},
		{"reason code wanted", APIError{Type: "Parameter Missing", Data: "reasonCodeId"}, gc.MissingReasonCode},
		{"reason code wanted, from CTI", APIError{Type: "Invalid State", Data: "281"}, "CF_REASON_CODE_REQUIRED"},
		{"extension wanted", APIError{Type: "Parameter Missing", Data: "extension"}, gc.MissingExtension},
		{"number wanted", APIError{Type: "Parameter Missing", Data: "toAddress"}, gc.MissingNumber},
		{"wrong extension", APIError{Type: "Invalid Input", Data: "extension"}, gc.WrongExtension},
		{"other parameter", APIError{Type: "Invalid Input", Data: "reasonCodeId"}, gc.PleaseRetry},
		{"a name where the type should be", APIError{Type: "CF_RESOURCE_BUSY"}, gc.ResourceBusy},
		{"a name where the number should be", APIError{Type: "Invalid State", Data: "CF_RESOURCE_BUSY"}, gc.ResourceBusy},
		{"an extension like a peripheral number is none", APIError{Type: "Invalid Destination", Data: "20999"}, gc.BadDestination},
		{"nor that of a refused action", APIError{Type: "Generic Error", Message: "INVALID_ACTION DROP on extension 20700", Data: "20700"}, gc.InvalidObjectState},
		{"nor that of a parameter", APIError{Type: "Invalid Input", Message: "bad", Data: "20700"}, gc.PleaseRetry},
		{"a peripheral number nobody knows", APIError{Type: "10125"}, gc.GeneralError},
		{"unclear", APIError{Type: "Generic Error", Message: "Something"}, gc.GeneralError},
		{"nothing", APIError{}, gc.GeneralError},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, c.e.Code()) })
	}
}

// The rows of the developer guide's tables of error types, without anything
// that would say more than the type.
func TestEachTypeOfErrorHasACode(t *testing.T) {
	for errorType, want := range map[string]gc.Code{
		// in answers
		"Bad Request":                          gc.PleaseRetry,
		"Parameter Missing":                    gc.PleaseRetry,
		"Invalid Input":                        gc.PleaseRetry,
		"Invalid Destination":                  gc.BadDestination,
		"Invalid State":                        gc.InvalidObjectState,
		"Generic Error":                        gc.GeneralError,
		"Finesse API Error":                    gc.GeneralError,
		"Maximum Exceeded":                     gc.GeneralError,
		"In Use":                               gc.GeneralError,
		"Authorization Failure":                gc.SubscriptionFailed, // unless the request was about others: TestWhatA401Means
		"Invalid Authorization User Specified": gc.SubscriptionFailed, // the same
		"Invalid Supervisor":                   gc.GeneralError,
		"Unauthorized":                         gc.GeneralError,
		"Forbidden":                            gc.GeneralError,
		"Not Found":                            gc.GeneralError, // the request knows what was not found: TestRefusals
		"User Not Found":                       gc.UserNotFound,
		"Dialog Not Found":                     gc.NoDialogID,
		"Internal Server Error":                gc.GeneralError,
		"Not Implemented":                      gc.GeneralError,
		"Service Unavailable":                  gc.FinesseUnavailable,
		// in updates
		"Invalid Device":         gc.InvalidLogonDevice,
		"Device Busy":            gc.ResourceBusy,
		"Mode Not Allowed":       gc.GeneralError,
		"Call Operation Failure": gc.GenericOperationError,
		// numbers of the peripheral as types
		"88049": gc.InvalidObjectState,
		"13145": gc.InvalidObjectState,
		"20999": gc.InvalidObjectState,
		"20700": "CF_CONFERENCE_MEMBER_LIMIT_EXCEEDED",
	} {
		require.Equal(t, want, APIError{Type: errorType}.Code(), errorType)
	}
}

func TestMessagesThatSayMoreThanTheirType(t *testing.T) {
	for message, want := range map[string]gc.Code{
		"UNKNOWN_USER":            gc.UserNotFound,
		"AWS_SERVICE_UNAVAILABLE": gc.FinesseUnavailable,
		"DB_RUNTIME_EXCEPTION":    gc.GeneralError,
		"RUNTIME_EXCEPTION":       gc.GeneralError,
		"UNAUTHORIZED":            gc.GeneralError,
	} {
		require.Equal(t, want, APIError{Type: "Internal Server Error", Message: message}.Code(), message)
	}
}

func TestNumbersOfThePeripheral(t *testing.T) {
	for number, want := range map[string]gc.Code{
		"88049": gc.InvalidObjectState, "13145": gc.InvalidObjectState, "20999": gc.InvalidObjectState,
		"20700": "CF_CONFERENCE_MEMBER_LIMIT_EXCEEDED",
	} {
		for place, e := range map[string]APIError{
			"as type":                        {Type: number, Data: number},
			"as data of an unclear error":    {Type: "Generic Error", Data: number},
			"as data of a refused operation": {Type: "Call Operation Failure", Data: number},
			"in a place of its own":          {Type: "Generic Error", PeripheralCode: number},
		} {
			require.Equal(t, want, e.Code(), number+" "+place)
		}
	}
}

// Every name of the table of CTI failures reaches the driver by name and by
// number, and so do the names of the CTI server's own states, which UCCX sends
// and whose numbers mean something else.
func TestEachCTIFailureHasACode(t *testing.T) {
	require.Len(t, ctiFailures, 100)
	for number, name := range ctiFailures {
		want := gc.Code("CF_" + name)
		require.Equal(t, want, APIError{Type: "Call Operation Failure", Data: strconv.Itoa(number)}.Code())
		require.Equal(t, want, APIError{Type: "Generic Error", Message: string(want)}.Code())
	}
	for _, name := range []string{"E_CTI_NO_ERROR", "E_CTI_AGENT_NOT_LOGGED_ON", "E_CTI_DEVICE_IN_USE", "E_CTI_INVALID_CALLID"} {
		require.EqualValues(t, name, APIError{Type: "Generic Error", Message: name, Data: "13"}.Code())
	}
	require.EqualValues(t, "CF_NOT_KNOWN_YET", APIError{Type: "Invalid State", Message: "CF_NOT_KNOWN_YET", Data: "22"}.Code())
	require.EqualValues(t, "E_CTI_NOT_KNOWN_YET", APIError{Message: "E_CTI_NOT_KNOWN_YET"}.Code())
}

// The rows of the seed's table "Errors" whose origin is Finesse, each with an
// error that leads to it.
func TestEachErrorOfTheSeedCanCome(t *testing.T) {
	cti := func(number string) APIError { return APIError{Type: "Call Operation Failure", Data: number} }
	for want, e := range map[gc.Code]APIError{
		gc.InvalidCalledDevice:                     cti("6"),
		"CF_INVALID_CALLING_DEVICE":                cti("5"),
		"CF_INVALID_CONNECTION_ID_FOR_ACTIVE_CALL": cti("23"),
		"CF_INVALID_CONSULT_TYPE":                  cti("273"),
		gc.AccountLocked:                           cti("289"),
		"CF_INVALID_CSTA_DEVICE_IDENTIFIER":        cti("12"),
		gc.ResourceBusy:                            {Type: "Device Busy", Data: "33"},
		gc.InvalidLogonDevice:                      {Type: "Invalid Device", Data: "260"},
		gc.UnspecifiedRejection:                    {Type: "Invalid Device", Data: "70"},
		gc.InvalidObjectState:                      {Type: "Invalid State", Data: "22"},
		"CF_INVALID_PASSWORD_SPECIFIED":            {Type: "Invalid State", Data: "257"},
		"CF_GENERIC_SYSTEM_RESOURCE_AVAILABILITY":  cti("31"),
		"E_CTI_INVALID_CALLID":                     {Type: "Generic Error", Message: "E_CTI_INVALID_CALLID"},
		gc.UserNotFound:                            {Type: "User Not Found", Message: "UNKNOWN_USER", Data: "4023"},
		gc.GeneralError:                            {Type: "Generic Error", Message: "Something"},
		gc.GenericOperationError:                   cti("1"),
		gc.BadDestination:                          {Type: "Invalid Destination"},
		// Those of the connector that Finesse can lead to as well.
		gc.FinesseUnavailable: {Type: "Service Unavailable"},
		gc.MissingExtension:   {Type: "Parameter Missing", Data: "extension"},
		gc.MissingNumber:      {Type: "Parameter Missing", Data: "toAddress"},
		gc.MissingReasonCode:  {Type: "Parameter Missing", Data: "reasonCodeId"},
		gc.NoDialogID:         {Type: "Dialog Not Found"},
		gc.PleaseRetry:        {Type: "Bad Request"},
		gc.SubscriptionFailed: {Type: "Authorization Failure", Message: "UNAUTHORIZED"},
		gc.WrongExtension:     {Type: "Invalid Input", Data: "extension"},
	} {
		require.Equal(t, want, e.Code())
	}
}
