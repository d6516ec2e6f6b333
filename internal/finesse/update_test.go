package finesse

import (
	"bytes"
	"encoding/xml"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func at(s string) time.Time {
	when, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return when
}

func parsed(t *testing.T, name string) Update {
	t.Helper()
	u, err := ParseUpdate(file(t, name))
	require.NoError(t, err)
	return u
}

func TestUpdateOfAUser(t *testing.T) {
	u := parsed(t, "update_user.xml")
	require.Equal(t, Update{
		Event: Put, Source: "/finesse/api/User/6021",
		User: &User{
			LoginID: "6021", LoginName: "lpu_test_21", FirstName: "LPU", LastName: "Test 21",
			State: gc.NotReady, Extension: "2830", StateChangeTime: at("2023-01-13T11:07:11.466Z"),
			Roles: []string{"Agent", "Supervisor"}, TeamID: "5005", TeamName: "LPU_test",
			Teams:       []Team{{ID: "5005", Name: "LPU_test"}},
			Settings:    Settings{WrapUpOnIncoming: "OPTIONAL", WrapUpOnOutgoing: "OPTIONAL"},
			WrapUpTimer: 2 * time.Hour,
		},
	}, u)
}

func TestUpdateOfALogoutHasNoExtensionNoReasonAndNoTime(t *testing.T) {
	u := parsed(t, "update_user_logout.xml").User
	require.Equal(t, &User{LoginID: "6021", State: gc.LoggedOut}, u)
}

func TestUpdatesOfDialogs(t *testing.T) {
	alerting := Dialog{
		ID: "154963621", State: gc.Alerting, FromAddress: "01052199414", ToAddress: "801048",
		CallType: "PREROUTE_ACD_IN", DNIS: "7073", DialedNumber: "801048",
		Variables: []gc.CallVariable{{Name: "callVariable1", Value: "821802114801048"}},
		Participants: []Participant{
			{MediaAddress: "01052199414", State: gc.Initiated, Actions: []string{"UPDATE_CALL_DATA", "DROP"},
				StartTime: at("2020-06-19T03:31:28.324Z"), StateChangeTime: at("2020-06-19T03:31:28.325Z")},
			{MediaAddress: "7073", AddressType: "AGENT_DEVICE", State: gc.Alerting, Actions: []string{"ANSWER"},
				StartTime: at("2020-06-19T03:31:28.325Z"), StateChangeTime: at("2020-06-19T03:31:28.325Z")},
		},
	}
	post := parsed(t, "update_dialog_post.xml")
	require.Equal(t, Update{Event: Post, Source: "/finesse/api/User/900740197/Dialogs", Dialogs: []Dialog{alerting}}, post)

	put := parsed(t, "update_dialog_put.xml")
	require.Equal(t, Update{Event: Put, Source: "/finesse/api/Dialog/154963621", Dialogs: []Dialog{alerting}}, put,
		"a change comes as dialog, in the singular and lower case")

	gone := parsed(t, "update_dialog_delete.xml")
	require.Equal(t, Delete, gone.Event)
	require.Equal(t, gc.Alerting, gone.Dialogs[0].State, "the dialog's state still says that it rings")
	require.Equal(t, gc.Dropped, gone.Dialogs[0].Participants[1].State)
	require.Empty(t, gone.Dialogs[0].Participants[1].Actions)
}

// A chat or an e-mail is no call, whoever its participants are.
func TestOnlyVoiceIsACall(t *testing.T) {
	for _, c := range []struct {
		name, id, elements string
		call               bool
	}{
		{"as captured", "55", "<mediaType>Voice</mediaType><mediaProperties><mediaId>1</mediaId></mediaProperties>", true},
		{"in other letters", "55", "<mediatype> VOICE </mediatype>", true},
		{"of a release that says nothing", "55", "<mediaType></mediaType><mediaProperties><mediaId></mediaId></mediaProperties>", true},
		{"by the number of its media", "55", "<mediaType>1</mediaType>", true},
		{"no media in particular", "55", "<mediaProperties><mediaId>-1</mediaId></mediaProperties>", true},
		{"a chat", "55", "<mediaType>Cisco_Chat_MRD</mediaType>", false},
		{"a chat by its media alone", "55", "<mediaProperties><mediaId>5001</mediaId></mediaProperties>", false},
		{"a chat that says voice", "55", "<mediaType>Voice</mediaType><mediaProperties><mediaId>5001</mediaId></mediaProperties>", false},
		{"a task by its id alone", "151_3_1", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			one := "<id>" + c.id + "</id><uri>/finesse/api/Dialog/" + c.id + "</uri>" + c.elements +
				"<participants><Participant><mediaAddress>2001</mediaAddress><state>ALERTING</state></Participant></participants>"
			for _, data := range []string{"<dialog>" + one + "</dialog>", "<dialogs><Dialog>" + one + "</Dialog></dialogs>"} {
				u, err := ParseUpdate([]byte("<Update><data>" + data + "</data><event>POST</event></Update>"))
				require.NoError(t, err)
				require.Equal(t, c.call, len(u.Dialogs) == 1)
			}
			_, client := startNode(t, answer(200, "<Dialog>"+one+"</Dialog>"))
			_, err := client.Dialog(t.Context(), agent, gc.DialogID(c.id))
			require.Equal(t, c.call, err == nil)
			require.True(t, err == nil || gc.CodeOf(err) == gc.NoDialogID, "nor is it read as one: %v", err)
		})
	}
}

// Who left a call and came back stands twice among the participants.
func TestAnAddressThatStandsTwice(t *testing.T) {
	party := func(address, state string) string {
		return "<Participant><mediaAddress>" + address + "</mediaAddress><state>" + state + "</state></Participant>"
	}
	for _, c := range []struct {
		name, parties string
		want          []string
	}{
		{"left first", party("2001", "DROPPED") + party("4085551234", "ACTIVE") + party("2001", "ACTIVE"), []string{"4085551234 ACTIVE", "2001 ACTIVE"}},
		{"left last", party("2001", "HELD") + party("2001", "DROPPED") + party("4085551234", "DROPPED"), []string{"2001 HELD", "4085551234 DROPPED"}},
		{"two of them, both there", party("4085551234", "ACTIVE") + party("4085551234", "HELD"), []string{"4085551234 ACTIVE", "4085551234 HELD"}},
		{"two of them, both gone", party("2001", "DROPPED") + party("2001", "DROPPED"), []string{"2001 DROPPED", "2001 DROPPED"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := ParseUpdate([]byte("<Update><data><dialog><id>55</id><participants>" + c.parties + "</participants></dialog></data></Update>"))
			require.NoError(t, err)
			var got []string
			for _, p := range u.Dialogs[0].Participants {
				got = append(got, p.MediaAddress+" "+string(p.State))
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestUpdateOfAnError(t *testing.T) {
	u := parsed(t, "update_error.xml")
	require.Equal(t, Put, u.Event, "errors come with put in lower case")
	require.Equal(t, &APIError{
		Type: "Invalid Device", Message: "CF_INVALID_LOGON_DEVICE_SPECIFIED", Data: "260",
		PeripheralCode: "10125", PeripheralMessage: "PERERR_TELDRIVE_NODEVICETARGETFORNETTARGETID",
	}, u.Error)
	require.Equal(t, gc.InvalidLogonDevice, u.Error.Code())

	refused := parsed(t, "update_action_refused.xml")
	require.EqualValues(t, "145", refused.RequestID)
	require.Equal(t, gc.InvalidObjectState, refused.Error.Code())
}

func TestUpdateOfTheSystem(t *testing.T) {
	u := parsed(t, "update_system_info.xml")
	require.Equal(t, &SystemInfo{Status: "OUT_OF_SERVICE", StatusReason: "CTI"}, u.SystemInfo)
	require.EqualError(t, u.SystemInfo.Unusable(), "finesse says OUT_OF_SERVICE CTI")
}

func TestUpdateOfATeamsMemberIsShort(t *testing.T) {
	require.Equal(t, Update{Event: Put, Source: "/finesse/api/User/1235", User: &User{
		LoginID: "1235", FirstName: "Jack", LastName: "Brawn", State: gc.NotReady, Extension: "1001002",
		ReasonCodeID: "1", StateChangeTime: at("2012-03-01T18:22:25.123Z"),
	}}, parsed(t, "update_team_member.xml"), "the reason's id is in its description")
}

func TestTheReasonOfAUser(t *testing.T) {
	const described = "<reasonCode><uri>/finesse/api/ReasonCode/16</uri><id>16</id></reasonCode>"
	for _, c := range []struct {
		name, elements string
		want           gc.ReasonCodeID
	}{
		{"by its id", "<reasonCodeId>16</reasonCodeId>", "16"},
		{"by its description", described, "16"},
		{"by its description, with a capital letter", "<ReasonCode><uri>/finesse/api/ReasonCode/16</uri><systemCode>false</systemCode></ReasonCode>", "16"},
		{"the id says that there is none", "<reasonCodeId>-1</reasonCodeId>" + described, ""},
		{"none", "", ""},
		{"a code of the system's alone", "<reasonCode><code>999</code></reasonCode><reasonCodeId></reasonCodeId>", ""},
		{"one of the system's, whose id says so", "<reasonCode><code>50002</code><id>-1</id><label>Connection Failure</label><uri></uri></reasonCode>", ""},
		{"one of the system's", "<reasonCode><uri>/finesse/api/ReasonCode/9</uri><systemCode>true</systemCode></reasonCode>", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := ParseUpdate([]byte("<Update><data><user><loginId>1</loginId>" + c.elements + "</user></data></Update>"))
			require.NoError(t, err)
			require.Equal(t, c.want, u.User.ReasonCodeID)
		})
	}
}

func TestUpdateAboutSomethingElseIsNoError(t *testing.T) {
	require.Equal(t, Update{Event: Put, Source: "/finesse/api/Queue/10"}, parsed(t, "update_queue.xml"))
}

func TestLetterCaseAndUnknownElementsDoNotMatter(t *testing.T) {
	u, err := ParseUpdate([]byte(`<?xml version="1.0" encoding="UTF-8"?><update xmlns="urn:x"><novelty><user/></novelty><Data>
		<User a="b"><uri>/finesse/api/User/1001/</uri><State> not_ready </State><ReasonCodeId>16</ReasonCodeId><new/></User>
		</Data><Event>Put</Event></update> <!-- end -->`))
	require.NoError(t, err)
	require.Equal(t, Update{Event: Put, User: &User{LoginID: "1001", State: gc.NotReady, ReasonCodeID: "16"}}, u)
}

func TestTheFullDialog(t *testing.T) {
	doc := "<Update><data><dialog>" + strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(string(file(t, "dialog.xml"))), "<Dialog>"), "</Dialog>") + "</dialog></data></Update>"
	doc = strings.Replace(doc, "<associatedDialogUri></associatedDialogUri>", "<associatedDialogUri>/finesse/api/Dialog/77</associatedDialogUri>", 1)
	doc = strings.Replace(doc, "<secondaryId></secondaryId>", "<secondaryId>78</secondaryId>", 1)
	doc = strings.Replace(doc, "<wrapUpReason></wrapUpReason>", "<wrapUpItems><wrapUpItem>Sale</wrapUpItem><wrapUpItem>Call back</wrapUpItem></wrapUpItems>", 1)
	doc = strings.Replace(doc, "<stateCause></stateCause>", "<stateCause>BUSY</stateCause>", 1)
	doc = strings.Replace(doc, "<value>x</value>", "<value> a &amp; b </value>", 1)
	u, err := ParseUpdate([]byte(doc))
	require.NoError(t, err)
	d := u.Dialogs[0]
	require.EqualValues(t, "77", d.AssociatedDialog)
	require.EqualValues(t, "78", d.SecondaryID)
	require.Equal(t, "Sale,Call back", d.WrapUpReason)
	require.Equal(t, "BUSY", d.Participants[0].StateCause)
	require.Equal(t, []gc.CallVariable{{Name: "callVariable1", Value: " a & b "}, {Name: "user.array[0]", Value: "y"}}, d.Variables)
}

func TestWhatIsNoUpdateIsRefused(t *testing.T) {
	for name, doc := range map[string]string{
		"nothing":                    "",
		"text":                       "hello",
		"html":                       "<html><body>Login</body></html>",
		"not closed":                 "<Update><data>",
		"two documents":              "<Update/><Update/>",
		"text after the end":         "<Update/>x",
		"user without id":            "<Update><data><user><state>READY</state></user></data></Update>",
		"user with separators in it": "<Update><data><user><loginId>1#2</loginId></user></data></Update>",
		"dialog without id":          "<Update><data><dialog/></data></Update>",
		"dialog whose id is a path":  "<Update><data><dialogs><Dialog><id>../1</id></Dialog></dialogs></data></Update>",
		"too large":                  "<Update>" + strings.Repeat(" ", maxUpdateBytes) + "</Update>",
		"too deep":                   strings.Repeat("<Update>", maxDepth+1) + strings.Repeat("</Update>", maxDepth+1),
		"an entity of its own":       `<!DOCTYPE a [<!ENTITY b "b">]><Update><event>&b;</event></Update>`,
		"a type of its own":          "<!DOCTYPE Update><Update/>",
		"no dialog that can be read": "<Update><data><dialogs><Dialog/><Dialog><id>x</id></Dialog></dialogs></data></Update>",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseUpdate([]byte(doc))
			require.Error(t, err)
		})
	}
}

func TestACharacterThatXMLHasNoPlaceForCostsItself(t *testing.T) {
	u, err := ParseUpdate([]byte(`<?xml version="1.1" encoding="UTF-8"?><Update><data><dialogs><Dialog><id>5</id><fromAddress>40&#x1F;85</fromAddress>
		<mediaProperties><callvariables><CallVariable><name>callVariable1</name><value>line&#11;two` + "\x00" + ` &nbsp;&amp; AT&T</value></CallVariable>
		</callvariables></mediaProperties></Dialog></dialogs></data><event>POST</event></Update>`))
	require.NoError(t, err)
	require.Equal(t, Update{Event: Post, Omitted: Omissions{Characters: 4}, Dialogs: []Dialog{{
		ID: "5", FromAddress: "40\uFFFD85", Variables: []gc.CallVariable{{Name: "callVariable1", Value: "line\uFFFDtwo\uFFFD \uFFFD& AT&T"}},
	}}}, u)
}

func TestADialogThatCannotBeReadCostsItself(t *testing.T) {
	u, err := ParseUpdate([]byte(`<Update><data><dialogs><Dialog><id>1</id></Dialog><Dialog><id>../2</id></Dialog><Dialog/>
		<Dialog><id>&#0;</id><uri>/finesse/api/Dialog/3</uri></Dialog></dialogs></data></Update>`))
	require.NoError(t, err)
	require.Equal(t, []Dialog{{ID: "1"}, {ID: "3"}}, u.Dialogs, "what the id does not say the uri may")
	require.Equal(t, 2, u.Omitted.Elements)
	require.ErrorContains(t, u.Omitted.Why, "dialog id is not a number")

	u, err = ParseUpdate([]byte("<Update><data><user><loginId>1#1</loginId><uri>/finesse/api/User/1001</uri></user></data></Update>"))
	require.NoError(t, err)
	require.EqualValues(t, "1001", u.User.LoginID)
}

func TestADocumentWithTooManyElementsIsRefused(t *testing.T) {
	users := func(n int, user string) string { return "<Users>" + strings.Repeat(user, n) + "</Users>" }
	long := "<User><loginId>1</loginId><firstName>" + strings.Repeat("x", 64) + "</firstName></User>"
	for rule, c := range map[string]struct {
		doc  string
		want error
	}{
		"a few have few bytes":              {users(fewElements-1, "<User/>"), nil},
		"many of few bytes":                 {users(10*fewElements, "<User/>"), errTooLarge},
		"as many as one parent may have":    {users(maxSiblings, long), nil},
		"one more":                          {users(maxSiblings+1, long), errTooLarge},
		"it begins anew in the next parent": {"<Users>" + strings.Repeat("<User><teams>"+strings.Repeat("<Team><id>1</id><name>support</name></Team>", 200)+"</teams></User>", 200) + "</Users>", nil},
	} {
		t.Run(rule, func(t *testing.T) {
			var e usersElement
			_, err := decode([]byte(c.doc), &e)
			require.ErrorIs(t, err, c.want)
		})
	}
	r := &reader{xml: xml.NewDecoder(strings.NewReader("<Users/>")), elements: maxElements, most: maxElements}
	require.ErrorIs(t, xml.NewTokenDecoder(r).Decode(&usersElement{}), errTooLarge)
}

// Elements of a few bytes become structs of hundreds, and thousands of agents may be
// sent them at the same time.
func TestADocumentTakesNotMuchMoreMemoryThanItHas(t *testing.T) {
	for _, doc := range []string{
		"<Update><event>POST</event><data><dialogs>" + strings.Repeat("<Dialog/>", 100_000) + "</dialogs></data></Update>",
		"<Update><event>POST</event><data><dialogs><Dialog><id>1</id><participants>" + strings.Repeat("<Participant/>", 60_000) + "</participants></Dialog></dialogs></data></Update>",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ParseUpdate([]byte(doc))
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, errTooLarge)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(100<<20))
	}
}

func TestTimes(t *testing.T) {
	for s, want := range map[text]time.Time{
		"2020-06-19T03:31:28.325Z":  at("2020-06-19T03:31:28.325Z"),
		"2020-06-19T03:31:28.32Z":   at("2020-06-19T03:31:28.32Z"),
		"2020-06-19T03:31:28Z":      at("2020-06-19T03:31:28Z"),
		"2020-06-19T03:31:28":       at("2020-06-19T03:31:28Z"),
		"2020-06-19T05:31:28+02:00": at("2020-06-19T03:31:28Z"),
		"2020-06-19T05:31:28+0200":  at("2020-06-19T03:31:28Z"),
		"":                          {},
		"yesterday":                 {},
	} {
		require.Equal(t, want, parseTime(s), s)
	}
}

func FuzzParseUpdate(f *testing.F) {
	names, err := filepath.Glob("testdata/update_*.xml")
	require.NoError(f, err)
	require.NotEmpty(f, names)
	for _, name := range names {
		f.Add(file(f, filepath.Base(name)))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		u, err := ParseUpdate(doc)
		if err != nil {
			return
		}
		require.Equal(t, Event(strings.ToUpper(string(u.Event))), u.Event)
		if u.Error != nil {
			require.NotEmpty(t, u.Error.Code())
			require.NotContains(t, u.Error.Code(), "#")
		}
		for _, d := range u.Dialogs {
			_, err := gc.ParseDialogID(string(d.ID))
			require.NoError(t, err)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	for _, name := range []string{"system_info.xml", "user.xml", "dialog.xml", "reason_codes.xml", "wrap_up_reasons.xml",
		"team.xml", "queues.xml", "phone_books.xml", "team_phone_books.xml"} {
		f.Add(file(f, name))
	}
	f.Add([]byte("<Dialogs/>"))
	f.Add([]byte("<ApiErrors><ApiError><ErrorType>Invalid State</ErrorType></ApiError></ApiErrors>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var (
			info    systemInfoElement
			user    userElement
			dialogs dialogsElement
			dialog  dialogElement
			codes   reasonCodesElement
			wrapUps wrapUpReasonsElement
			team    teamUsersElement
			queues  queuesElement
			books   phoneBooksElement
		)
		if _, err := decode(body, &team); err == nil {
			users, _ := team.users(&Omissions{})
			for _, u := range users {
				require.NotEmpty(t, u.LoginID)
			}
		}
		if _, err := decode(body, &queues); err == nil {
			for _, q := range queues.Queues {
				require.GreaterOrEqual(t, q.queue().CallsInQueue, -1)
			}
		}
		if _, err := decode(body, &books); err == nil {
			_, _ = books.phoneBooks(&Omissions{})
		}
		if _, err := decode(body, &wrapUps); err == nil {
			_, _ = wrapUps.wrapUpReasons(&Omissions{})
		}
		if _, err := decode(body, &info); err == nil {
			_, _ = info.systemInfo(&Omissions{})
		}
		if _, err := decode(body, &user); err == nil {
			_, _ = user.user()
		}
		if _, err := decode(body, &dialogs); err == nil {
			_, _ = dialogs.dialogs(&Omissions{})
		}
		if _, err := decode(body, &dialog); err == nil {
			_, _ = dialog.dialog()
		}
		if _, err := decode(body, &codes); err == nil {
			_, _ = codes.reasonCodes(&Omissions{})
		}
		if said, ok := readAPIError(body); ok {
			require.False(t, bytes.ContainsAny([]byte(said.Code()), "#|,"))
		}
	})
}
