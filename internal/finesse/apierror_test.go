package finesse

import (
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
		{"peripheral number as type", APIError{Type: "20999", Data: "20999"}, gc.GeneralError},
		{"unclear", APIError{Type: "Generic Error", Message: "Something"}, gc.GeneralError},
		{"nothing", APIError{}, gc.GeneralError},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, c.e.Code()) })
	}
}

func TestErrorsOfTheSeedHaveTheirNumbers(t *testing.T) {
	for number, want := range map[string]gc.Code{
		"1": gc.GenericOperationError, "5": "CF_INVALID_CALLING_DEVICE", "6": gc.InvalidCalledDevice, "12": "CF_INVALID_CSTA_DEVICE_IDENTIFIER",
		"22": gc.InvalidObjectState, "23": "CF_INVALID_CONNECTION_ID_FOR_ACTIVE_CALL", "31": "CF_GENERIC_SYSTEM_RESOURCE_AVAILABILITY",
		"33": gc.ResourceBusy, "70": gc.UnspecifiedRejection, "257": "CF_INVALID_PASSWORD_SPECIFIED", "260": gc.InvalidLogonDevice,
		"273": "CF_INVALID_CONSULT_TYPE", "289": gc.AccountLocked,
	} {
		require.Equal(t, want, APIError{Type: "Call Operation Failure", Data: number}.Code())
	}
}
