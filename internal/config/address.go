package config

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// What can be wrong with an address.
var (
	errMissing     = errors.New("is missing")
	errNoURL       = errors.New("is not an address")
	errScheme      = errors.New("begins with the wrong scheme")
	errNoHost      = errors.New("has no host")
	errPort        = errors.New("has no valid port")
	errCredentials = errors.New("holds credentials, which belong elsewhere")
	errMore        = errors.New("has something behind host and port")
	errFragment    = errors.New("has a part behind \"#\", which is never sent")
)

// parseAddress reads scheme://host:port and nothing more. Credentials are
// refused because addresses are logged and shown.
func parseAddress(s string, needPort bool, schemes ...string) (*url.URL, error) {
	if s == "" {
		return nil, errMissing
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Opaque != "":
		return nil, errNoURL
	case u.User != nil:
		return nil, errCredentials
	case !slices.Contains(schemes, u.Scheme):
		return nil, errScheme
	case u.Hostname() == "":
		return nil, errNoHost
	case (needPort || u.Port() != "" || strings.HasSuffix(u.Host, ":")) && !isPort(u.Port(), 1):
		return nil, errPort
	case u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errMore
	}
	return u, nil
}

// parseEndpoint reads an http:// or https:// address with whatever path and
// query the site needs. Credentials are refused, as in parseAddress.
func parseEndpoint(s string) error {
	u, err := url.Parse(s)
	unfit := func(r rune) bool { return r <= ' ' || r > '~' }
	switch {
	case err != nil || u.Opaque != "" || strings.ContainsFunc(u.RawQuery, unfit):
		return errNoURL
	case u.User != nil:
		return errCredentials
	case u.Scheme != "http" && u.Scheme != "https":
		return errScheme
	case u.Hostname() == "":
		return errNoHost
	case (u.Port() != "" || strings.HasSuffix(u.Host, ":")) && !isPort(u.Port(), 1):
		return errPort
	case strings.Contains(s, "#"):
		return errFragment
	}
	return nil
}

// text is the problem of an address, "" for none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
