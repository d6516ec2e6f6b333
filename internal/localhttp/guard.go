package localhttp

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"

	"go.uber.org/zap"
)

// guard refuses requests that are not for this server, or come from a page of
// another one, and lets the rest through.
type guard struct {
	next     http.Handler
	cross    *http.CrossOriginProtection
	log      *zap.Logger
	port     string
	names    []string // this server's, lower case
	refused  atomic.Bool
	accepted string // for people
}

// newGuard takes the address that was asked for, and the one that is listened
// on.
func newGuard(asked string, listening net.Addr, next http.Handler, log *zap.Logger) *guard {
	g := &guard{next: next, cross: http.NewCrossOriginProtection(), log: log}
	var bound string
	bound, g.port, _ = net.SplitHostPort(listening.String())
	if name, _, _ := net.SplitHostPort(asked); name != "" && !isIP(name) {
		g.names = append(g.names, plainName(name))
	}
	own := bound
	if ip, err := netip.ParseAddr(bound); err != nil || !ip.IsLoopback() {
		if machine, err := os.Hostname(); err == nil && machine != "" {
			g.names = append(g.names, plainName(machine))
		}
		own = "the address of this machine that was connected to"
	}
	g.accepted = strings.Join(append([]string{own}, g.names...), ", ") + ", and localhost on the machine itself, with port " + g.port
	return g
}

// The style of pages is in them; they load nothing else, and forms lead back.
const contentPolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// headers are those of every answer.
var headers = map[string]string{
	"Content-Security-Policy":      contentPolicy,
	"X-Frame-Options":              "DENY", // for browsers that do not know frame-ancestors
	"X-Content-Type-Options":       "nosniff",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy":              "same-origin", // no-referrer would make the Origin of our own forms null
	"Cache-Control":                "no-store",
}

// ServeHTTP implements http.Handler.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range headers {
		w.Header().Set(name, value)
	}
	switch {
	case !g.meant(r):
		if !g.refused.Swap(true) {
			g.log.Warn("a request named a host that is not this server's and was refused; further ones are not logged",
				zap.String("accepted", g.accepted), zap.String("action", "use one of these, or listen on the name that clients use"))
		}
		http.Error(w, "this server is "+g.accepted, http.StatusMisdirectedRequest)
	case !g.sameOrigin(r):
		http.Error(w, "a page of another site cannot ask for this", http.StatusForbidden)
	default:
		g.next.ServeHTTP(w, r)
	}
}

// meant reports whether the request names this server. Which literal addresses
// are right depends on the address that the connection came in at, and so does
// localhost: no name server can make a browser take another page for one of
// these.
func (g *guard) meant(r *http.Request) bool {
	if r.Host == "" && !r.ProtoAtLeast(1, 1) {
		return true // a load balancer's probe; browsers never leave it out
	}
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = strings.Trim(r.Host, "[]"), "80"
	}
	if port != g.port {
		return false
	}
	local := localIP(r)
	host = plainName(host)
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap().WithZone("")
		return ip == local || ip.IsLoopback() && local.IsLoopback()
	}
	if host == "localhost" {
		return local.IsLoopback()
	}
	for _, name := range g.names {
		if host == name {
			return true
		}
	}
	return false
}

// sameOrigin is stricter than the standard library's rule in one point: if
// there is an Origin, it is always compared.
func (g *guard) sameOrigin(r *http.Request) bool {
	if g.cross.Check(r) != nil {
		return false
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true // other sites cannot read the answer
	}
	for _, origin := range r.Header.Values("Origin") {
		if origin != "http://"+r.Host {
			return false
		}
	}
	return true
}

// localIP returns the address of this machine that the request came in at.
func localIP(r *http.Request) netip.Addr {
	a, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return a.AddrPort().Addr().Unmap().WithZone("")
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func plainName(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }
