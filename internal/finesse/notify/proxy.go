package notify

import (
	"os"
	"strings"
)

// bypassProxy keeps go-xmpp from sending an agent's stream, and with
// xmpp:// the password, to the proxy named by HTTP_PROXY, which the library
// obeys even for addresses on this machine. The only way to tell it is
// NO_PROXY, in which it takes each element as a part of the address to match,
// so that an empty element matches every address. Appending a comma therefore
// switches its proxy off and changes nothing for package net/http and others,
// which skip empty elements.
func bypassProxy() error {
	if os.Getenv("HTTP_PROXY") == "" && os.Getenv("http_proxy") == "" {
		return nil
	}
	hosts := os.Getenv("NO_PROXY")
	if hosts == "" {
		hosts = os.Getenv("no_proxy") // it is not looked at once the other is set
	}
	if strings.HasSuffix(hosts, ",") {
		return nil
	}
	return os.Setenv("NO_PROXY", hosts+",")
}
