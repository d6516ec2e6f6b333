package simulator

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func (d *driver) read(path string, doc any, header ...string) int {
	d.t.Helper()
	a := d.do("GET", path, "", header...)
	require.Less(d.t, a.status, 300, a.body)
	require.NoError(d.t, xml.Unmarshal([]byte(a.body), doc))
	return a.status
}

func TestWhoLeadsWhom(t *testing.T) {
	s := start(t)
	for id, want := range map[string]string{
		"2001": "<teams><Team><id>1</id><name>Sales</name><uri>/finesse/api/Team/1</uri></Team></teams>",
		"2002": "<teams><Team><id>1</id><name>Sales</name><uri>/finesse/api/Team/1</uri></Team><Team><id>2</id><name>Support</name><uri>/finesse/api/Team/2</uri></Team></teams>",
		"2003": "<teams></teams>",
	} {
		body := as(t, s, id).do("GET", "/User/"+id, "").body
		require.Contains(t, body, want)
		require.Contains(t, body, "<roles><role>Agent</role><role>Supervisor</role></roles>")
	}
	require.NotContains(t, as(t, s, "1021").do("GET", "/User/1021", "").body, "<teams>")
}

func TestTeam(t *testing.T) {
	s := start(t)
	readyAgent(t, s, "1001", "7001")
	d := as(t, s, "1021")
	d.signIn("7021")
	d.accepted("PUT", "/User/1021", "<User><state>NOT_READY</state><reasonCodeId>1</reasonCodeId></User>")
	require.Eventually(t, func() bool { return s.agent("1021").Reason == "Lunch" }, 5*time.Second, time.Millisecond)
	ids := func(user, path string) string {
		var x teamDocXML
		as(t, s, user).read(path, &x)
		var list []string
		for _, m := range x.Members {
			list = append(list, string(m.LoginID))
		}
		return string(x.ID) + " " + x.Name + ": " + strings.Join(list, " ")
	}
	require.Equal(t, "1 Sales: 1001", ids("2001", "/Team/1?includeLoggedOutAgents=false"))
	require.Equal(t, "2 Support: 1021", ids("admin", "/Team/2?includeLoggedOutAgents=false"))
	require.Equal(t, "2 Support: 1021 1022 1023 1024 1025 2002 2003", ids("2002", "/Team/2?includeLoggedOutAgents=true"))
	require.Equal(t, 22, len(strings.Fields(ids("2002", "/Team/1")))-1, "signed out members unless told otherwise")

	body := bodyOf(as(t, s, "2002").do("GET", "/Team/2?includeLoggedOutAgents=false", ""))
	require.Regexp(t, `^<Team><uri>/finesse/api/Team/2</uri><id>2</id><name>Support</name><users><User><dialogs>/finesse/api/User/1021/Dialogs</dialogs>`+
		`<extension>7021</extension><firstName>Mary</firstName><lastName>Shaw</lastName><loginId>1021</loginId><mediaType>1</mediaType><pendingState></pendingState>`+
		`<reasonCode><category>NOT_READY</category><code>12</code><forAll>true</forAll><id>1</id><label>Lunch</label><systemCode>false</systemCode><uri>/finesse/api/ReasonCode/1</uri></reasonCode>`+
		`<state>NOT_READY</state><stateChangeTime>[^<]+</stateChangeTime><uri>/finesse/api/User/1021/</uri></User></users></Team>$`, body)
}

func TestTheAdministratorReadsEverybody(t *testing.T) {
	c := talking(t)
	admin := as(t, c.s, "admin")
	var all usersXML
	admin.read("/Users", &all)
	require.Len(t, all.Users, 28)
	require.Equal(t, gc.Talking, all.Users[0].State)
	require.Equal(t, gc.LoggedOut, all.Users[2].State)
	require.Contains(t, admin.do("GET", "/User/1002", "").body, "<loginId>1002</loginId>")
	require.Contains(t, admin.do("GET", "/User/admin", "").body, "<roles><role>Administrator</role></roles>")
	require.Contains(t, admin.do("GET", "/User/1001/Dialogs", "").body, "<id>"+string(first)+"</id>")
	require.Contains(t, admin.do("GET", "/Dialog/"+string(first), "").body, "<id>"+string(first)+"</id>")
	require.Contains(t, admin.do("GET", "/User/1001/ReasonCodes?category=LOGOUT", "").body, "End of shift")

	raw := dialRaw(t, c.s)
	raw.say(head)
	raw.hears("</stream:features>")
	raw.say(plain("admin", "secret"))
	raw.hears("<not-authorized/>")
	require.NotContains(t, c.s.Agents(), Agent{ID: "admin"})
}

// counts is a queue's statistics in the order of the guide: waiting, ready,
// not ready, busy, logged on, talking inbound, outbound and internal, wrap-up
// not ready and ready.
func (x statisticsXML) counts() string {
	return fmt.Sprint(x.CallsInQueue, x.AgentsReady, x.AgentsNotReady, x.AgentsBusyOther, x.AgentsLoggedOn, x.AgentsTalkingInbound,
		x.AgentsTalkingOutbound, x.AgentsTalkingInternal, x.AgentsWrapUpNotReady, x.AgentsWrapUpReady)
}

func TestQueuesCountTheAgents(t *testing.T) {
	c := consulting(t, mode(WrapUpRequired), func(o *Options) { o.Now = func() time.Time { return fixed } }) // A internal, B internal
	d3, w3 := readyAgent(t, c.s, "1003", "7003")
	d3.dial("7003", "14085550000")
	w3.skip("U TALKING")
	d4, w4 := readyAgent(t, c.s, "1004", "7004")
	in := place(t, c.s, "1004", Call{From: "4085550001"})
	w4.skip("D POST #4 ALERTING PREROUTE_ACD_IN 4085550001=INITIATED 7004=ALERTING")
	read := func(path string) statisticsXML {
		var x queueXML
		as(t, c.s, "1021").read(path, &x) // of another team: any user may
		return x.Statistics
	}
	require.Equal(t, "0 0 0 1 4 0 1 2 0 0", read("/Queue/10").counts(), "1004 is RESERVED")
	d4.act(in, "ANSWER", "7004")
	w4.skip("U TALKING")
	boss, ws := signedInSupervisor(t, c.s)
	require.Equal(t, "0 0 1 0 5 1 1 2 0 0", read("/Queue/10").counts())
	boss.listen("7004")
	ws.skip("U TALKING")
	require.Equal(t, "0 0 0 1 5 1 1 2 0 0", read("/Queue/10").counts(), "who listens is busy otherwise")
	require.NoError(t, c.s.HangUp(in))
	w4.skip("U WORK_READY")
	require.Equal(t, "0 0 1 0 5 0 1 2 0 1", read("/Queue/10").counts())

	require.NoError(t, c.s.QueueCalls("sales", 3))
	got := read("/Queue/10")
	require.Equal(t, 3, got.CallsInQueue)
	require.Equal(t, "2026-03-01T17:58:21Z", got.LongestCallStart, "without a fraction")
	require.NoError(t, c.s.QueueCalls("10", 0))
	require.Empty(t, read("/Queue/10").LongestCallStart)
	require.Equal(t, statisticsXML{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, ""}, read("/Queue/30"), "nobody serves it")
	require.ErrorContains(t, c.s.QueueCalls("Overflow", 1), "has no statistics")
	require.ErrorContains(t, c.s.QueueCalls("Sails", 1), `queue "Sails" is not known: Sales, Support, Overflow are`)
	require.ErrorContains(t, c.s.QueueCalls("Sales", -1), "0 to 9999 are accepted")
}

func TestQueuesOfUsers(t *testing.T) {
	s := start(t)
	for user, want := range map[string][]string{
		"1001": {"Sales", "Overflow"}, "1021": {"Support", "Overflow"},
		"2001": {"Sales", "Overflow"}, "2002": {"Sales", "Support", "Overflow"}, "2003": {"Support", "Overflow"},
	} {
		var list struct {
			Queues []queueXML `xml:"Queue"`
		}
		as(t, s, "1001").read("/User/"+user+"/Queues", &list) // anybody's, for anybody
		var names []string
		for _, q := range list.Queues {
			names = append(names, q.Name)
		}
		require.Equal(t, want, names, user)
	}
	require.Contains(t, as(t, s, "1001").do("GET", "/User/1001/Queues", "").body,
		"<Queue><name>Overflow</name><statistics><agentsBusyOther>-1</agentsBusyOther>")
}

func TestQueueNotifications(t *testing.T) {
	s := start(t, func(o *Options) { o.QueueInterval = 200 * time.Millisecond })
	c := signedIn(t, s, "1021", "r")
	c.say("<presence/>")
	c.hears("service")
	for _, node := range []string{"/finesse/api/Queue/10", "/finesse/api/User/1021/Queues"} {
		c.say(pubsubIQ("set", "q1", "<subscribe node='"+node+"' jid='1021@finesse.local/r'/>"))
		c.hears("<iq type='result' id='q1'")
	}
	c.say(pubsubIQ("set", "q2", "<subscribe node='/finesse/api/Queue/9' jid='1021@finesse.local/r'/>"))
	c.hears("<item-not-found")
	d, w := watch(t, s, "1001"), as(t, s, "1001")
	w.signIn("7001")
	d.next()
	w.state("READY")
	c.hears("&lt;Update&gt;&lt;data&gt;&lt;queue&gt;&lt;name&gt;Sales&lt;/name&gt;")
	once := c.hears("</message>")
	require.Contains(t, once, "agentsReady&gt;1&lt;", "both changes in one")
	require.Contains(t, once, "&lt;event&gt;PUT&lt;/event&gt;&lt;requestId&gt;&lt;/requestId&gt;&lt;source&gt;/finesse/api/Queue/10&lt;/source&gt;")
	require.NoError(t, s.QueueCalls("Sales", 1))
	require.NoError(t, s.QueueCalls("Sales", 2))
	require.Contains(t, c.hears("</message>"), "callsInQueue&gt;2&lt;")
	require.NoError(t, s.QueueCalls("Sales", 1))
	require.NoError(t, s.QueueCalls("Sales", 2)) // as it was: nobody is told
	require.Eventually(t, func() bool {
		s.board.mu.Lock()
		defer s.board.mu.Unlock()
		return s.board.queues[0].due == nil
	}, 5*time.Second, time.Millisecond)
	c.say("<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>")
	require.NotContains(t, c.hears("<iq type='result' id='p1'"), "<message")
}

func TestPhoneBooks(t *testing.T) {
	s := start(t)
	books := func(user, path, asked string) (int, string) {
		var x phoneBooksXML
		status := as(t, s, user).read(path, &x, "Range", asked)
		var list []string
		for _, k := range x.Books {
			list = append(list, fmt.Sprintf("%s %s %d", k.Type, k.Name, len(k.Contacts.Contacts)))
		}
		return status, strings.Join(list, "; ")
	}
	const global = "GLOBAL Company 4; GLOBAL Partners, Zürich #1 3; GLOBAL Empty 0"
	for name, c := range map[string]struct {
		user, path, asked string
		status            int
		want              string
	}{
		"global books first":           {"1001", "/User/1001/PhoneBooks", "objects=1-6000", 200, global + "; TEAM Sales contacts 2"},
		"a team without a book":        {"1021", "/User/1021/PhoneBooks", "objects=1-6000", 200, global},
		"those of a team":              {"1001", "/TeamResource/1/PhoneBooks", "objects=1-6000", 200, global + "; TEAM Sales contacts 2"},
		"of a team one leads":          {"2002", "/TeamResource/1/PhoneBooks", "objects=1-6000", 200, global + "; TEAM Sales contacts 2"},
		"of a team without a book":     {"2002", "/TeamResource/2/PhoneBooks", "objects=1-6000", 200, global},
		"exactly as many as there are": {"1001", "/User/1001/PhoneBooks", "objects=1-9", 200, global + "; TEAM Sales contacts 2"},
		"of nobody's team":             {"admin", "/User/admin/PhoneBooks", "objects=1-6000", 200, global},
		"there are more":               {"1001", "/User/1001/PhoneBooks", "objects=1-5", 206, "GLOBAL Company 4; GLOBAL Partners, Zürich #1 1; GLOBAL Empty 0; TEAM Sales contacts 0"},
	} {
		t.Run(name, func(t *testing.T) {
			status, got := books(c.user, c.path, c.asked)
			require.Equal(t, c.status, status)
			require.Equal(t, c.want, got)
		})
	}
	for asked, status := range map[string]int{
		"": 400, "objects=1-6001": 416, "objects=1-0": 416, "objects=2-5": 416, "objects=1-": 416, "bytes=1-5": 416, "objects=1-x": 416,
	} {
		require.Equal(t, status, as(t, s, "1001").do("GET", "/User/1001/PhoneBooks", "", "Range", asked).status, asked)
	}
	require.Contains(t, as(t, s, "1001").do("GET", "/User/1001/PhoneBooks", "", "Range", "objects=1-6000").body,
		"<PhoneBook><contacts><Contact><description>Sales</description><firstName>Ada</firstName><lastName>Lovelace</lastName><phoneNumber>7001</phoneNumber>"+
			"<uri>/finesse/api/PhoneBook/1/Contact/1</uri></Contact>")
}

func TestContactsAreAdded(t *testing.T) {
	s := start(t)
	require.NoError(t, s.AddContact("empty", Contact{"Marie", "Curie", "4085559876", "R&D"}))
	a := as(t, s, "1021").do("GET", "/User/1021/PhoneBooks", "", "Range", "objects=1-6000")
	require.Contains(t, a.body, "<contacts><Contact><description>R&amp;D</description><firstName>Marie</firstName><lastName>Curie</lastName>"+
		"<phoneNumber>4085559876</phoneNumber><uri>/finesse/api/PhoneBook/3/Contact/1</uri></Contact></contacts><name>Empty</name>")
	require.ErrorContains(t, s.AddContact("Full", Contact{PhoneNumber: "1"}), `phone book "Full" is not known: ["Company"`)
	require.ErrorContains(t, s.AddContact("Empty", Contact{FirstName: "Nobody"}), "needs a phone number")
	for range maxContacts - 1 {
		require.NoError(t, s.AddContact("Empty", Contact{PhoneNumber: "1"}))
	}
	require.ErrorContains(t, s.AddContact("Empty", Contact{PhoneNumber: "1"}), "has 6000 contacts")
	require.Equal(t, http.StatusPartialContent, as(t, s, "1021").do("GET", "/User/1021/PhoneBooks", "", "Range", "objects=1-6000").status)
}

func TestAgentsForLoadTests(t *testing.T) {
	s := start(t, func(o *Options) { o.Agents = 3 })
	require.Len(t, s.Agents(), 31)
	require.Equal(t, "Agent 10003", s.Agents()[30].Name)
	_, w := readyAgent(t, s, "10001", "10001") // at the own number
	readyAgent(t, s, "10002", "7002")
	d := as(t, s, "10003")
	w3 := watch(t, s, "10003")
	d.signIn("10004") // nobody's
	w3.sees("E put Invalid Device CF_INVALID_LOGON_DEVICE_SPECIFIED 260")
	d.signIn("10003")
	w3.next()
	d.dial("10003", "10001")
	w.skip("D POST #1 ALERTING OTHER_IN 10003=INITIATED 10001=ALERTING")
	require.Contains(t, as(t, s, "2001").do("GET", "/Team/1", "").body, "<loginId>10003</loginId>")

	many := start(t, func(o *Options) { o.Agents = 1000 })
	_, page := browse(t, many, "GET", "/", "", "")
	require.Contains(t, page, "… and 928 more")
	require.NotContains(t, page, "10073")

	_, err := Start(Options{Agents: -1})
	require.ErrorContains(t, err, "0 to 50000 are accepted")
}
