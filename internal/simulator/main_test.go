package simulator

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xmppo/go-xmpp"
	"go.uber.org/goleak"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixed is the time of all payloads in tests that compare them.
var fixed = time.Date(2026, 3, 1, 17, 58, 21, 234e6, time.UTC)

func start(t *testing.T, change ...func(*Options)) *Simulator {
	t.Helper()
	o := Options{Seed: 1, MaxDelay: NoDelay, Control: "127.0.0.1:0"}
	for _, c := range change {
		c(&o)
	}
	s, err := Start(o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func trust(t *testing.T, s *Simulator) *tls.Config { return trustNode(t, s.nodes[0]) }

func trustNode(t *testing.T, n *Node) *tls.Config {
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(n.s.CertificatePEM()))
	return &tls.Config{RootCAs: roots, ServerName: n.Domain()}
}

// driver is a REST client with the credentials of one user.
type driver struct {
	t              *testing.T
	n              *Node
	client         *http.Client
	user, password string
}

func as(t *testing.T, s *Simulator, user string) *driver { return asAt(t, s.nodes[0], user) }

func asAt(t *testing.T, n *Node, user string) *driver {
	transport := &http.Transport{TLSClientConfig: trustNode(t, n), ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &driver{t, n, &http.Client{Transport: transport, Timeout: 10 * time.Second}, user, "secret"}
}

// answer is what came back.
type result struct {
	status int
	header http.Header
	body   string
}

func (d *driver) try(method, path, body string, header ...string) (result, error) {
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.n.RESTURL()+"/finesse/api"+path, strings.NewReader(body))
	require.NoError(d.t, err)
	if d.user != "" {
		r.SetBasicAuth(d.user, d.password)
	}
	r.Header.Set("Content-Type", "application/xml")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	got, err := d.client.Do(r)
	if err != nil {
		return result{}, err
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	return result{got.StatusCode, got.Header, string(text)}, err
}

func (d *driver) do(method, path, body string, header ...string) result {
	d.t.Helper()
	a, err := d.try(method, path, body, header...)
	require.NoError(d.t, err)
	return a
}

func (d *driver) accepted(method, path, body string, header ...string) {
	d.t.Helper()
	a := d.do(method, path, body, header...)
	require.Equal(d.t, http.StatusAccepted, a.status, a.body)
	require.Empty(d.t, a.body)
}

func (d *driver) signIn(extension string) {
	d.t.Helper()
	d.accepted("PUT", "/User/"+d.user, "<User><state>LOGIN</state><extension>"+extension+"</extension></User>")
}

func (d *driver) state(state string) {
	d.t.Helper()
	d.accepted("PUT", "/User/"+d.user, "<User><state>"+state+"</state></User>")
}

func (d *driver) act(id gc.DialogID, action, extension string, header ...string) {
	d.t.Helper()
	d.accepted("PUT", "/Dialog/"+string(id),
		"<Dialog><targetMediaAddress>"+extension+"</targetMediaAddress><requestedAction>"+action+"</requestedAction></Dialog>", header...)
}

func (d *driver) dial(from, to string) {
	d.t.Helper()
	d.accepted("POST", "/User/"+d.user+"/Dialogs",
		"<Dialog><requestedAction>MAKE_CALL</requestedAction><fromAddress>"+from+"</fromAddress><toAddress>"+to+"</toAddress></Dialog>")
}

// note is one notification as it came.
type note struct {
	node, id string
	update   string // the inner document
}

// watcher is a notification stream by the library that the product uses.
type watcher struct {
	t      *testing.T
	client *xmpp.Client
	notes  chan note
	other  chan any
	ended  chan struct{}
}

func watch(t *testing.T, s *Simulator, agent string) *watcher { return watchAs(t, s, agent, "test") }

func watchAs(t *testing.T, s *Simulator, agent, resource string) *watcher {
	t.Helper()
	return watchAt(t, s.nodes[0], agent, resource)
}

func watchAt(t *testing.T, n *Node, agent, resource string) *watcher {
	t.Helper()
	client, err := xmpp.Options{
		Host: strings.TrimPrefix(n.NotifyURL(), "xmpps://"), User: agent + "@" + n.Domain(), Password: "secret", Resource: resource,
		Mechanism: "PLAIN", TLSConfig: trustNode(t, n), Session: true,
	}.NewClient()
	require.NoError(t, err)
	w := &watcher{t, client, make(chan note, 1000), make(chan any, 1000), make(chan struct{})}
	go w.read()
	t.Cleanup(w.close)
	w.roundtrip("ready")
	return w
}

func (w *watcher) read() {
	defer close(w.ended)
	defer close(w.notes)
	for {
		got, err := w.client.Recv()
		if err != nil { // not closed: Close of this library leaves a goroutine for 10 s
			return
		}
		event, ok := got.(xmpp.PubsubEvent)
		if !ok {
			w.other <- got
			continue
		}
		for _, item := range event.Items {
			var inner struct {
				Text string `xml:",chardata"`
			}
			_ = xml.Unmarshal(item.InnerXML, &inner)
			w.notes <- note{event.Node, item.ID, inner.Text}
		}
	}
}

// roundtrip is done when the server has answered a ping: what it was sent
// before has arrived.
func (w *watcher) roundtrip(id string) {
	w.t.Helper()
	_, err := w.client.RawInformation(w.client.JID(), domainOf(w.client.JID()), id, "get", "<ping xmlns='urn:xmpp:ping'/>")
	require.NoError(w.t, err)
	w.awaitIQ(id)
}

func (w *watcher) awaitIQ(id string) xmpp.IQ {
	w.t.Helper()
	limit := time.After(5 * time.Second)
	for {
		select {
		case got := <-w.other:
			if iq, ok := got.(xmpp.IQ); ok && iq.ID == id {
				return iq
			}
		case <-limit:
			require.Fail(w.t, "no answer to iq "+id)
		}
	}
}

func domainOf(jid string) string {
	_, rest, _ := strings.Cut(jid, "@")
	domain, _, _ := strings.Cut(rest, "/")
	return domain
}

func (w *watcher) close() {
	_, _ = w.client.SendOrg("</stream:stream>")
	select {
	case <-w.ended:
	case <-time.After(5 * time.Second):
		w.t.Error("the server did not end the stream")
	}
}

func (w *watcher) next() note {
	w.t.Helper()
	select {
	case n, ok := <-w.notes:
		require.True(w.t, ok, "the stream ended")
		return n
	case <-time.After(5 * time.Second):
		require.Fail(w.t, "no notification")
		return note{}
	}
}

// sees reads as many notifications as there are lines and compares.
func (w *watcher) sees(lines ...string) {
	w.t.Helper()
	var got []string
	for range lines {
		select {
		case n, ok := <-w.notes:
			if !ok {
				require.Fail(w.t, "the stream ended", "after:\n%s", strings.Join(got, "\n"))
			}
			got = append(got, n.line())
		case <-time.After(5 * time.Second):
			require.Equal(w.t, strings.Join(lines, "\n"), strings.Join(got, "\n"), "a notification is missing")
		}
	}
	require.Equal(w.t, strings.Join(lines, "\n"), strings.Join(got, "\n"))
}

// quiet: nothing else comes.
func (w *watcher) quiet() {
	w.t.Helper()
	w.roundtrip("quiet")
	select {
	case n := <-w.notes:
		require.Fail(w.t, "unexpected notification", n.line())
	default:
	}
}

// parsed is an update as a client would read it.
type parsed struct {
	Event     string         `xml:"event"`
	RequestID string         `xml:"requestId"`
	Source    string         `xml:"source"`
	User      *userXML       `xml:"data>user"`
	Joined    *dialogXML     `xml:"data>dialogs>Dialog"`
	Changed   *dialogXML     `xml:"data>dialog"`
	Error     *asyncErrorXML `xml:"data>apiErrors>apiError"`
	System    *systemInfoXML `xml:"data>systemInfo"`
}

func (n note) parse() (p parsed) {
	if err := xml.Unmarshal([]byte(n.update), &p); err != nil {
		panic(fmt.Sprint(err, n.update))
	}
	return p
}

// line shows an update in one line:
//
//	U STATE [>PENDING] [reason=ID]
//	D EVENT DIALOG-STATE [CALLTYPE] ADDRESS=STATE[/CAUSE][ACTIONS]… [re=REQUEST]
//	E event TYPE MESSAGE DATA [re=REQUEST]
func (n note) line() string {
	p := n.parse()
	var parts []string
	switch {
	case p.User != nil:
		parts = append(parts, "U", string(p.User.State))
		if p.User.PendingState != "" {
			parts = append(parts, ">"+string(p.User.PendingState))
		}
		if p.User.ReasonCodeID != "" {
			parts = append(parts, "reason="+p.User.ReasonCodeID)
		}
	case p.Joined != nil:
		parts = append(parts, dialogLine(p.Event, p.Joined))
	case p.Changed != nil:
		parts = append(parts, dialogLine(p.Event, p.Changed))
	case p.Error != nil:
		parts = append(parts, "E", p.Event, p.Error.Type, p.Error.Message, p.Error.Data)
	case p.System != nil:
		parts = append(parts, "S", string(p.System.Status))
	}
	if p.RequestID != "" {
		parts = append(parts, "re="+p.RequestID)
	}
	return strings.Join(parts, " ")
}

func dialogLine(event string, d *dialogXML) string {
	parts := []string{"D", event, string(d.State), d.MediaProperties.CallType}
	for _, p := range d.Participants {
		part := p.MediaAddress + "=" + string(p.State)
		if p.StateCause != "" {
			part += "/" + p.StateCause
		}
		part += fmt.Sprint(p.Actions.Action)
		parts = append(parts, part)
	}
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// readyAgent is an agent signed in, READY, with a stream that has seen so.
func readyAgent(t *testing.T, s *Simulator, id, extension string) (*driver, *watcher) {
	t.Helper()
	w, d := watch(t, s, id), as(t, s, id)
	d.signIn(extension)
	w.sees("U NOT_READY reason=-1")
	d.state("READY")
	w.sees("U READY")
	return d, w
}

func place(t *testing.T, s *Simulator, agent gc.AgentID, c Call) gc.DialogID {
	t.Helper()
	id, err := s.Call(agent, c)
	require.NoError(t, err)
	return id
}
