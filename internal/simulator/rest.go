package simulator

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// maxBody bounds a request's body.
const maxBody = 64 << 10

// reply is what a handler answers: an XML document, an HTML page as Tomcat
// writes it, or nothing but the status.
type reply struct {
	status int
	doc    any
	page   string
}

// handler serves one method of one object for a user who has proved the
// password; caller is nil where none is asked for.
type handler func(caller *user, r *http.Request) reply

type methods map[string]handler

// rest is the web service. It checks who asks and what is asked for; the
// switchboard does the rest.
type rest struct {
	board    *switchboard
	site     *site
	accounts *accounts
	faults   *restFaults
	log      *zap.Logger
	mux      *http.ServeMux
}

// newREST is the web service of one node.
func newREST(board *switchboard, at *site, accounts *accounts, faults *restFaults, life *lifetime, log *zap.Logger) http.Handler {
	s := &rest{board: board, site: at, accounts: accounts, faults: faults, log: log, mux: http.NewServeMux()}
	s.route("SystemInfo", true, methods{"GET": s.getSystemInfo})
	s.route("User/{id}", false, methods{"GET": s.getUser, "PUT": s.putUser})
	s.route("User/{id}/ReasonCodes", false, methods{"GET": s.getReasonCodes})
	s.route("User/{id}/WrapUpReasons", false, methods{"GET": s.getWrapUpReasons})
	s.route("User/{id}/Queues", false, methods{"GET": s.getQueues})
	s.route("User/{id}/PhoneBooks", false, methods{"GET": s.getPhoneBooks})
	s.route("Users", false, methods{"GET": s.getUsers})
	s.route("Team/{id}", false, methods{"GET": s.getTeam})
	s.route("TeamResource/{id}/PhoneBooks", false, methods{"GET": s.getTeamPhoneBooks})
	s.route("Queue/{id}", false, methods{"GET": s.getQueue})
	s.route("User/{id}/Dialogs", false, methods{"GET": s.getDialogs, "POST": s.postDialog})
	s.route("Dialog/{id}", false, methods{"GET": s.getDialog, "PUT": s.putDialog})
	for _, path := range []string{"User", "User/{$}", "Dialog", "Dialog/{$}"} { // the id is missing
		s.route(path, false, methods{})
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if _, refused := s.admit(false, r); refused != nil {
			refused.write(w, r)
			return
		}
		htmlPage(http.StatusNotFound).write(w, r)
	})
	return spoil(faults, at, life, board, s.mux)
}

func (s *rest) route(path string, open bool, m methods) {
	s.mux.HandleFunc(apiRoot+path, func(w http.ResponseWriter, r *http.Request) {
		s.serve(open, m, w, r).write(w, r)
	})
}

func (s *rest) serve(open bool, m methods, w http.ResponseWriter, r *http.Request) reply {
	caller, refused := s.admit(open, r)
	if refused != nil {
		return *refused
	}
	h := m[r.Method]
	if h == nil {
		w.Header().Set("Allow", allowed(m))
		return htmlPage(http.StatusMethodNotAllowed)
	}
	if r.Method != http.MethodGet && !isXML(r.Header.Get("Content-Type")) {
		return htmlPage(http.StatusUnsupportedMediaType)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	return h(caller, r)
}

// admit refuses everything while the node is out of service, and whoever does
// not prove a password where one is asked for.
func (s *rest) admit(open bool, r *http.Request) (*user, *reply) {
	if s.board.statusOf(s.site) != gc.InService {
		refused := apiError(http.StatusServiceUnavailable, "Service Unavailable", "", "Finesse is not in service")
		return nil, &refused
	}
	if open {
		return nil, nil
	}
	return s.authenticate(r)
}

func allowed(m methods) string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func isXML(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/xml" || kind == "text/xml")
}

// credentials are a user's name and password, or whose access token it is and the token.
func credentials(r *http.Request) (name, secret string, token bool) {
	if secret, token = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); token {
		_, name, _ = splitToken(secret)
		return name, secret, true
	}
	name, secret, _ = r.BasicAuth()
	return name, secret, false
}

// authenticate finds the user behind the credentials, by login id or name.
func (s *rest) authenticate(r *http.Request) (*user, *reply) {
	refused := htmlPage(http.StatusUnauthorized)
	name, secret, token := credentials(r)
	u := s.board.find(name)
	if u == nil || token != s.accounts.byToken(u) {
		return nil, &refused
	}
	check := s.accounts.check
	if token {
		check = s.accounts.checkToken
	}
	switch check(u.id, secret) {
	case rightPassword:
		return u, nil
	case lockedOut:
		refused = apiError(http.StatusUnauthorized, "Authorization Failure", "289", "CF_AGENT_ACCOUNT_LOCKED_OUT")
	}
	s.log.Info("simulated finesse refused a password", zap.String("agent", string(u.id)))
	return nil, &refused
}

type apiErrorsXML struct {
	XMLName xml.Name `xml:"ApiErrors"`
	Type    string   `xml:"ApiError>ErrorType"`
	Data    string   `xml:"ApiError>ErrorData"`
	Message string   `xml:"ApiError>ErrorMessage"`
}

// apiError is a synchronous error; its element names are capitalised, unlike
// those of asynchronous ones.
func apiError(status int, kind, data, message string) reply {
	return reply{status: status, doc: apiErrorsXML{Type: kind, Data: data, Message: message}}
}

func missing(parameter, message string) reply {
	return apiError(http.StatusBadRequest, "Parameter Missing", parameter, message)
}

func invalid(data, message string) reply {
	return apiError(http.StatusBadRequest, "Invalid Input", data, message)
}

var (
	accepted   = reply{status: http.StatusAccepted}
	overloaded = apiError(http.StatusServiceUnavailable, "Service Unavailable", "", "Too many requests wait for this object")
)

// htmlPage is the error page of the servlet container, which answers wrong
// passwords and unknown addresses before Finesse sees the request.
func htmlPage(status int) reply {
	title := fmt.Sprintf("HTTP Status %d – %s", status, http.StatusText(status))
	return reply{status: status, page: `<!doctype html><html lang="en"><head><title>` + title + `</title></head><body><h1>` + title +
		`</h1><hr class="line" /><p><b>Type</b> Status Report</p><hr class="line" /><h3>Apache Tomcat</h3></body></html>`}
}

func (a reply) write(w http.ResponseWriter, r *http.Request) {
	if id := r.Header.Get("requestId"); id != "" && r.Method != http.MethodGet {
		w.Header().Set("requestId", id)
	}
	switch {
	case a.page != "":
		if a.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="Cisco Finesse"`)
		}
		w.Header().Set("Content-Type", "text/html;charset=utf-8")
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.page)
	case a.doc != nil:
		w.Header().Set("Content-Type", "application/xml;charset=UTF-8")
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, xml.Header)
		_, _ = w.Write(encode(a.doc))
	default:
		w.WriteHeader(a.status)
	}
}

// read decodes a body whose root is named by the XMLName of doc.
func read(r *http.Request, doc any) *reply {
	err := xml.NewDecoder(r.Body).Decode(doc)
	if err == nil {
		return nil
	}
	message := "The body is not a valid document"
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		message = "The body is too long"
	}
	refused := apiError(http.StatusBadRequest, "Bad Request", "", message)
	return &refused
}

func (s *rest) getSystemInfo(*user, *http.Request) reply {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	return reply{status: http.StatusOK, doc: s.board.systemInfo("SystemInfo", s.site)}
}
