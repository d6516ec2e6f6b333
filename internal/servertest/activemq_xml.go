package servertest

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// WithXML adds elements to the configuration's broker element. The addresses
// of ActiveMQ's sample configuration, 0.0.0.0 with 61616 (openwire), 61613
// (stomp) and 61614 (stomp+ssl), stand for the free ones; ${activemq.conf} is
// ConfDir. Its transportConnectors and plugins replace those that there would
// be otherwise. With a persistenceAdapter persistent messages are kept in its
// directory, for which ${activemq.data} is the server's own, and outlive Kill.
func WithXML(elements ...string) Option {
	return func(a *ActiveMQ) { a.xmls = append(a.xmls, elements...) }
}

// WithMemory limits what all messages together may take, for example "16 mb".
// Beyond that ActiveMQ makes producers wait.
func WithMemory(limit string) Option {
	return WithXML(fmt.Sprintf("<systemUsage><systemUsage><memoryUsage><memoryUsage limit=%q/></memoryUsage></systemUsage></systemUsage>", limit))
}

// ConfDir has the configuration; files that it names may be put there before
// Start.
func (a *ActiveMQ) ConfDir() string { return filepath.Join(a.dir, "conf") }

// xml is the configuration. The schema wants the children of broker in
// alphabetical order.
func (a *ActiveMQ) xml() string {
	children := slices.Clone(a.xmls)
	for _, e := range []string{a.plugins(), connectors} {
		given := slices.ContainsFunc(a.xmls, func(x string) bool { return element(x) == element(e) })
		if e != "" && !given {
			children = append(children, e)
		}
	}
	slices.SortFunc(children, func(x, y string) int { return cmp.Compare(element(x), element(y)) })
	persistent := slices.ContainsFunc(a.xmls, func(x string) bool { return element(x) == "persistenceAdapter" })
	ports := strings.NewReplacer("0.0.0.0:61616", a.OpenWire, "0.0.0.0:61613", a.STOMP, "0.0.0.0:61614", a.STOMPTLS)
	return fmt.Sprintf(beans, persistent) + ports.Replace(strings.Join(children, "\n")) + "\n</broker>\n</beans>\n"
}

// The configurer fills in ${activemq.conf} and ${activemq.data}.
const beans = `<beans xmlns="http://www.springframework.org/schema/beans"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans http://www.springframework.org/schema/beans/spring-beans.xsd
  http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
<bean class="org.springframework.beans.factory.config.PropertyPlaceholderConfigurer"/>
<broker xmlns="http://activemq.apache.org/schema/core" brokerName="test" persistent="%t" useJmx="false">
`

const connectors = `<transportConnectors>
<transportConnector name="openwire" uri="tcp://0.0.0.0:61616"/>
<transportConnector name="stomp" uri="stomp://0.0.0.0:61613"/>
</transportConnectors>`

// element is the name of the element that x is.
func element(x string) string {
	x = strings.TrimPrefix(strings.TrimSpace(x), "<")
	if end := strings.IndexAny(x, " />\n\t"); end >= 0 {
		x = x[:end]
	}
	return x
}

func (a *ActiveMQ) plugins() string {
	if len(a.users) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("<plugins>\n<simpleAuthenticationPlugin><users>\n")
	for _, u := range a.users {
		fmt.Fprintf(&b, "<authenticationUser username=%q password=%q groups=%q/>\n", u.Name, u.Password, u.Groups)
	}
	b.WriteString("</users></simpleAuthenticationPlugin>\n" + a.authorization() + "</plugins>")
	return b.String()
}

func (a *ActiveMQ) authorization() string {
	if len(a.rights) == 0 {
		return ""
	}
	var groups []string
	for _, u := range a.users {
		groups = append(groups, u.Groups)
	}
	all := strings.Join(groups, ",")
	var b strings.Builder
	b.WriteString("<authorizationPlugin><map><authorizationMap><authorizationEntries>\n")
	for _, r := range append(a.rights, Right{Topic: "ActiveMQ.Advisory.>", Read: all, Write: all, Admin: all}) {
		kind, name := "queue", r.Queue
		if r.Topic != "" {
			kind, name = "topic", r.Topic
		}
		fmt.Fprintf(&b, "<authorizationEntry %s=%q read=%q write=%q admin=%q/>\n", kind,
			strings.ReplaceAll(name, ">", "&gt;"), r.Read, r.Write, r.Admin)
	}
	b.WriteString("</authorizationEntries></authorizationMap></map></authorizationPlugin>\n")
	return b.String()
}
