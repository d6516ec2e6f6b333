package wire_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/gc/wire"
)

// The categories are the seed's for each number; O-29 to O-31 have none there
// and get those of the commands they answer.
func TestEveryNumberOfTheSeedHasOneRowOfItsCategory(t *testing.T) {
	want := map[gc.Category]string{
		"agent_state": "O-001 O-006 O-007 O-018 O-023 O-024 O-026", "agent_error": "O-002", "agent_control": "O-003 O-017", "system": "O-004 O-005 O-027",
		"agent_call": "O-008 O-009 O-010 O-028", "agent_info": "O-011", "supervisor_info": "O-012 O-013", "agent_dialog": "O-014 O-015", "agent_work": "O-016",
		"supervisor_queue_info": "O-019", "supervisor_team": "O-020", "supervisor_team_member_state": "O-021", "supervisor_dialog": "O-022",
		"connector_sync": "O-025", "phonebook": "O-29 O-30", "contacts": "O-31",
	}
	have := map[gc.Category]string{}
	for _, row := range wire.Events {
		have[row.Category] = strings.TrimSpace(have[row.Category] + " " + strings.Join(row.Numbers, " "))
	}
	require.Equal(t, want, have)
}

func TestEveryEventHasARowAndAnExample(t *testing.T) {
	shown := map[string]bool{}
	for _, x := range examples {
		require.NotNil(t, wire.RowOf(x.event), x.name)
		shown[reflect.TypeOf(x.event).Name()] = true
	}
	require.Len(t, shown, len(wire.Events))
	for _, name := range eventTypes(t) {
		require.True(t, shown[name], "gc.%s has no example", name)
	}
}

// eventTypes are the types of package gc that have the method event.
func eventTypes(t *testing.T) (names []string) {
	files, err := filepath.Glob("../*.go")
	require.NoError(t, err)
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range f.Decls {
			if method, ok := d.(*ast.FuncDecl); ok && method.Recv != nil && method.Name.Name == "event" {
				names = append(names, method.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	require.NotEmpty(t, names)
	return names
}

func TestAnEventWithoutARowIsABug(t *testing.T) {
	type unknown struct{ gc.Event }
	require.Nil(t, wire.RowOf(unknown{}))
	require.Panics(t, func() { writer.Write(wire.Text, unknown{}) })
}

func TestTheTeamsOfASupervisorAreToldOnce(t *testing.T) {
	for _, row := range wire.Events {
		if row.Name == "TeamInfoIDs" || row.Name == "TeamInfoNames" {
			require.Equal(t, []wire.Format{wire.Text, wire.TextOld}, row.Only)
		} else {
			require.Nil(t, row.Only, row.Name)
		}
	}
	for _, f := range []wire.Format{wire.Text44, wire.JSON} {
		require.Contains(t, writer.Write(f, lee).Body, "Sales", "AgentInfo has them already")
	}
}

func TestWhatTheSeedCallsDeprecatedIsMarked(t *testing.T) {
	var deprecated []string
	for _, row := range wire.Events {
		if row.Deprecated {
			deprecated = append(deprecated, row.Numbers...)
		}
	}
	require.Equal(t, []string{"O-006", "O-018", "O-023"}, deprecated)
}

func TestJMSType(t *testing.T) {
	for _, x := range []struct {
		rule, want string
		event      gc.Event
	}{
		{"DialogStatus has the call type", "OUT", gc.DialogStatus{Call: gc.Call{Type: "OUT"}}},
		{"a text for the status bar has that of the command", "dropparticipant#2001", gc.StatusBar{Agent: "2001", Request: "dropparticipant#2001"}},
		{"or none", "", gc.StatusBar{Agent: "2001", Message: "hello"}},
		{"RECONNECT has that of the command", "MakeCall#1001", gc.Reconnect{Agent: "1001", Request: "MakeCall#1001", Text: "2002"}},
		{"others have none", "", gc.InboundCall{Call: gc.Call{Type: "OUT"}}},
	} {
		t.Run(x.rule, func(t *testing.T) {
			for _, f := range wire.Formats {
				require.Equal(t, x.want, writer.Write(f, x.event).Type)
			}
		})
	}
}

func TestCallTypesOfText44(t *testing.T) {
	for _, x := range []struct{ finesse, want string }{
		{"SUPERVISOR_MONITOR", "SM"}, {"CONSULT", "CONSULT_IN"}, {"CONSULT_OFFERED", "CONSULT_IN"},
		{"PREROUTE_ACD_IN", "PREROUTE_ACD_IN"}, {"OUT", "OUT"}, {"BARGE_IN_CONSULT", "BARGE_IN_CONSULT"}, {"", ""},
	} {
		c := gc.Call{Agent: "1", State: gc.Active, Type: x.finesse}
		require.Equal(t, "CallType:"+x.want, strings.Split(writer.Write(wire.Text44, gc.InboundCall{Call: c}).Body, "#")[7])
		require.Equal(t, "CallType:"+x.want, strings.Split(writer.Write(wire.Text44, gc.NewInboundCall{Call: c}).Body, "#")[5])
	}
}

func TestTimesAreWrittenInTheConfiguredZone(t *testing.T) {
	w := &wire.Writer{Location: time.FixedZone("UTC+5", 5*3600), Substitute: '_'}
	e := gc.State{Agent: "1", Changed: at("2019-09-17 22:46:21")}
	require.Contains(t, w.Write(wire.JSON, e).Body, `"stateChangeTime":"2019-09-18 03:46:21"`)
	require.Contains(t, w.Write(wire.Text44, e).Body, "#2019-09-18 03:46:21#")
	require.Contains(t, w.Write(wire.Text, gc.QueueList{Queues: []gc.Queue{{LongestCallStart: at("2019-09-17 22:46:21")}}}).Body, "Queue:2019-09-18 03:46:21")
}

func TestAWriterServesManyAtOnce(t *testing.T) {
	want := map[string]wire.Message{}
	for _, x := range examples {
		for _, f := range wire.Formats {
			want[x.name+"."+string(f)] = writer.Write(f, x.event)
		}
	}
	have := make([]map[string]wire.Message, 4)
	var all sync.WaitGroup
	for i := range have {
		have[i] = map[string]wire.Message{}
		all.Go(func() {
			for _, x := range examples {
				for _, f := range wire.Formats {
					have[i][x.name+"."+string(f)] = writer.Write(f, x.event)
				}
			}
		})
	}
	all.Wait()
	for i := range have {
		require.Equal(t, want, have[i])
	}
}

func TestFormatsAreNamedInAnyCase(t *testing.T) {
	for _, f := range wire.Formats {
		have, err := wire.ParseFormat(" " + strings.ToUpper(string(f)) + " ")
		require.NoError(t, err)
		require.Equal(t, f, have)
	}
	_, err := wire.ParseFormat("xml")
	require.EqualError(t, err, `format "xml" is not one of [text text-old text-4.4 json]`)
}

func TestADialogThatTextOldDoesNotNameIsTold(t *testing.T) {
	c := gc.Call{Agent: "1001", Dialog: "55", State: gc.Active}
	for _, f := range wire.Formats {
		arrived := gc.InboundCall{Call: c, Arrived: true}
		told := wire.RowOf(arrived).Companions(f, arrived, "", "")
		if f == wire.TextOld {
			require.Equal(t, []gc.Event{gc.DialogStatus{Call: c}}, told)
			require.Equal(t, "1001#DialogStatus#55#ACTIVE##", writer.Write(f, told[0]).Body)
		} else {
			require.Empty(t, told, "InboundCall names it in %s", f)
		}
		require.Empty(t, wire.RowOf(arrived).Companions(f, gc.InboundCall{Call: c}, "", ""))
	}
}
